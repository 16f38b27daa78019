import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulators.scenario import ScenarioError
from simulators.sweeps.journal import FORMAT, Journal, journal_of, to_line
from simulators.sweeps.locks import locked

HEADER: dict[str, Any] = {
    "sweep": FORMAT,
    "rows": 3,
    "n": 10,
    "versions": {"numpy": "2"},
    "scenarios": "a",
}


def line(row: int) -> str:
    return to_line({"row": row, "value": row / 3})


def listed(folder: Path) -> list[str]:
    return [place.name for place in folder.iterdir()]


def opened(path: Path, *, resume: bool = True, **header: Any) -> Journal:
    journal = Journal(path, {**HEADER, **header})
    journal.open(resume=resume)
    return journal


def begun(path: Path, *rows: int) -> Path:
    journal = opened(path)
    journal.add([line(row) for row in rows])
    journal.close()
    return journal_of(path)


def test_rows_come_as_they_like_and_end_in_order(tmp_path: Path) -> None:
    path = tmp_path / "sweep.jsonl"
    begun(path, 2)
    assert not path.exists()
    journal = opened(path)
    assert journal.done == {2}
    journal.add([line(1), line(0)])
    journal.finish()
    assert path.read_text() == "".join([to_line(HEADER), *map(line, range(3))])
    assert listed(tmp_path) == ["sweep.jsonl"]


@pytest.mark.parametrize("torn", [line(1)[:-1], line(1)[:-5], '{"ro', "\0" * 40, "\xff\n", "[1]\n"])
def test_a_line_that_was_cut_off_is_dropped(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "sweep.jsonl"
    part = begun(path, 0)
    whole = part.read_bytes()
    part.write_bytes(whole + torn.encode("latin-1"))
    journal = opened(path)
    assert journal.done == {0}
    journal.add([line(2)])
    assert part.read_bytes() == whole + line(2).encode()
    journal.add([line(1)])
    journal.finish()
    assert path.read_text() == "".join([to_line(HEADER), *map(line, range(3))])


def test_a_finished_sweep_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "sweep.jsonl"
    begun(path, 0, 1, 2)
    opened(path).finish()
    before = path.stat()
    journal = opened(path)
    assert len(journal.done) == 3
    journal.finish()
    assert path.stat() == before


def test_death_between_the_last_two_steps_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "sweep.jsonl"
    part = begun(path, 0, 1, 2)
    kept = part.read_bytes()
    opened(path).finish()
    finished = path.read_bytes()
    part.write_bytes(kept)  # the file has its name, and the journal is still there
    journal = opened(path)
    assert len(journal.done) == 3
    journal.finish()
    assert path.read_bytes() == finished
    assert not part.exists()


@pytest.mark.parametrize(
    "change, told",
    [
        ({"n": 20}, "n is 10 there and 20 here"),
        ({"rows": 4}, "rows is 3 there and 4 here"),
        ({"scenarios": "b"}, 'scenarios is "a" there and "b" here'),
        ({"versions": {"numpy": "3"}}, 'versions numpy is "2" there and "3" here'),
    ],
)
@pytest.mark.parametrize("rows", [1, 3])
def test_another_sweep_is_refused(tmp_path: Path, change: Any, told: str, rows: int) -> None:
    path = tmp_path / "sweep.jsonl"
    place = begun(path, *range(rows))
    if rows == 3:
        opened(path).finish()
        place = path
    before = place.read_bytes()
    with pytest.raises(ScenarioError) as caught:
        opened(path, **change)
    remedy = "use another name, or begin anew with resume=False"
    assert str(caught.value) == (
        f"the file is {place.name!r}, which is of another sweep: {told}; {remedy}"
    )
    assert place.read_bytes() == before
    assert listed(tmp_path) == [place.name]
    journal = opened(path, resume=False, **change)
    assert journal.done == frozenset()
    assert place.read_bytes() == before
    journal.add([line(2)])
    journal.close()
    assert journal_of(path).read_text() == to_line({**HEADER, **change}) + line(2)


@pytest.mark.parametrize("name", ["sweep.jsonl", "sweep.jsonl.part"])
@pytest.mark.parametrize("content", ["", "mine\n", '{"mine": 1}\n', "[]\n"])
@pytest.mark.parametrize("resume", [True, False])
def test_a_file_of_somebody_else_is_never_touched(
    tmp_path: Path, name: str, content: str, resume: bool
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ScenarioError, match="was not written by a sweep; use another name"):
        opened(tmp_path / "sweep.jsonl", resume=resume)
    assert (tmp_path / name).read_text() == content
    assert listed(tmp_path) == [name]


HOLDER = """
import sys, time
from pathlib import Path
from simulators.sweeps.locks import locked
with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(100)
"""


def test_one_process_at_a_time_and_a_dead_one_is_none(tmp_path: Path) -> None:
    path = tmp_path / "sweep.jsonl"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(ScenarioError) as caught, locked(path):
            pass
        assert str(caught.value) == (
            f"the file is 'sweep.jsonl', which is being swept into by process {holder.pid}; "
            "wait for it, or use another name"
        )
        holder.kill()
    assert listed(tmp_path) == [".sweep.jsonl.lock"]
    with locked(path):
        pass
    assert listed(tmp_path) == []


def test_one_thread_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "sweep.jsonl"
    with locked(path):
        told = f"is being swept into by process {os.getpid()}"
        with pytest.raises(ScenarioError, match=told), locked(path):
            pass
    with locked(path):
        pass


def test_lines_are_json_for_everybody() -> None:
    assert json.loads(to_line({"é": [1, None]})) == {"é": [1, None]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_line({"value": float("nan")})
