"""uuid1, and the names of temporary files."""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from pathlib import Path

import spectest


def test_uuid1_tells_the_virtual_time_and_never_repeats() -> None:
    async def program() -> list[uuid.UUID]:
        made = [uuid.uuid1() for _ in range(50)]
        await asyncio.sleep(1)
        return [*made, uuid.uuid1()]

    *made, late = spectest.run(program)
    assert len({*made, late}) == 51
    assert [one.time for one in made] == sorted(one.time for one in made)
    assert late.time - made[0].time == 10_000_000
    assert made[0].time == (1767225600 + 12219292800) * 10_000_000
    assert {one.version for one in made} == {1}
    assert len({one.node for one in made}) == 1


def test_uuid1_takes_what_it_is_given() -> None:
    made = spectest.run(lambda: uuid.uuid1(node=5, clock_seq=6))
    assert (made.node, made.clock_seq) == (5, 6)


def test_the_node_is_nobodys_hardware() -> None:
    node = spectest.run(lambda: uuid.getnode())
    assert node >> 40 & 1
    assert node != uuid.getnode()


def test_names_of_temporary_files_are_the_same_in_every_execution() -> None:
    def program() -> list[str]:
        with tempfile.NamedTemporaryFile() as one, tempfile.TemporaryDirectory() as other:
            return [Path(one.name).name, Path(other).name]

    assert spectest.run(program) == spectest.run(program)


def test_a_file_that_an_execution_left_behind_is_in_nobodys_way(tmp_path: Path) -> None:
    def program() -> None:
        with tempfile.NamedTemporaryFile(dir=tmp_path, delete=False):
            pass

    report = spectest.explore(program, runs=3)
    assert report.failure is None
    assert len(list(tmp_path.iterdir())) == report.executions


def test_names_are_real_outside() -> None:
    with tempfile.NamedTemporaryFile() as one, tempfile.NamedTemporaryFile() as other:
        assert one.name != other.name
