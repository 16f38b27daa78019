"""Every line of chosen modules is a choice point, and no other line."""

from __future__ import annotations

import importlib
import sys
import threading
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import spectest
from spectest.exploration.execution import execute
from spectest.kernel.plan import Plan
from spectest.strategies.random_walk import RandomWalk
from spectest.world import Limits

HERE = __name__


@dataclass
class Made:
    value: int


Named = namedtuple("Named", "value")  # noqa: PYI024


def lose_an_update() -> None:
    total = [0]

    def add() -> None:
        before = Made(Named(total[0]).value)
        total[0] = before.value + 1

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert total == [2], total


def steps(program: Callable[[], Any], **limits: Any) -> int:
    return execute(program, Plan(), Limits(**limits)).steps


def test_a_data_race_needs_choice_points_between_lines() -> None:
    assert spectest.explore(lose_an_update).failure is None
    assert spectest.explore(lose_an_update, lines=HERE).failure is not None
    assert spectest.explore(lose_an_update, lines="*").failure is not None


def test_a_note_on_a_failure_without_a_message() -> None:
    def main() -> None:
        try:
            lose_an_update()
        except AssertionError:
            raise LookupError from None

    [note] = spectest.explore(main).notes
    assert note.startswith("with a choice point at every line it fails: LookupError. That is a ")


@pytest.mark.parametrize(
    "lines, unmet", [(HERE, []), ("*", []), ("hist", ["hist"]), (("hist", HERE), ["hist"])]
)
def test_a_module_of_which_no_line_ran_is_worth_a_note(lines: Any, unmet: list[str]) -> None:
    def program() -> None:
        thread = threading.Thread(target=Made, args=(1,))
        thread.start()
        thread.join()

    notes = spectest.explore(program, lines=lines, runs=20).notes
    assert [note.partition(":")[0] for note in notes] == [f"lines={name!r}" for name in unmet]
    assert all("a script that is run is `__main__`" in note for note in notes)


def test_a_module_that_is_imported_later_is_met(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "imported_later.py").write_text("def work(): return 1\n")
    monkeypatch.syspath_prepend(tmp_path)

    def program() -> None:
        assert importlib.import_module("imported_later").work()

    assert spectest.explore(program, lines="imported_later").notes == ()


def test_lines_of_nobody_hide_no_data_race() -> None:
    report = spectest.explore(lose_an_update, lines="hist")
    unmet, race = report.notes
    assert unmet.startswith("lines='hist': no line of such a module ran")
    assert "That is a data race" in race


def test_other_modules_have_none() -> None:
    assert steps(lose_an_update, lines=("elsewhere",)) == steps(lose_an_update)
    assert steps(lose_an_update, lines=(HERE,)) > steps(lose_an_update)
    assert steps(lose_an_update, lines=("*",)) == steps(lose_an_update, lines=(HERE,))


def test_the_next_execution_may_choose_other_modules() -> None:
    usual = steps(lose_an_update, lines=(HERE,))
    steps(lose_an_update, lines=("elsewhere",))
    assert steps(lose_an_update, lines=(HERE,)) == usual


@pytest.mark.parametrize("seed", range(20))
def test_recording_makes_no_difference(seed: int) -> None:
    """Generated code (dataclasses, named tuples) is nobody's, ours least of all."""
    limits, chooser = Limits(lines=("*",)), RandomWalk(seed)
    quiet = execute(lose_an_update, Plan(), limits, chooser=chooser)
    told = execute(lose_an_update, quiet.plan, limits, record=True)
    assert (told.plan, told.steps, told.signature) == (quiet.plan, quiet.steps, quiet.signature)


def test_nothing_is_left_of_it() -> None:
    before = sys.gettrace(), threading.gettrace()
    steps(lose_an_update, lines=("*",))
    assert (sys.gettrace(), threading.gettrace()) == before
    if sys.version_info >= (3, 12):
        assert [sys.monitoring.get_tool(tool) for tool in (3, 4)] == [None, None]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="CPython 3.11 has no sys.monitoring")
def test_both_tool_ids_taken_is_an_error_that_says_by_whom() -> None:
    monitoring: Any = vars(sys)["monitoring"]
    monitoring.use_tool_id(3, "one profiler")
    monitoring.use_tool_id(4, "another")
    try:
        with pytest.raises(spectest.UsageError, match="another"):
            spectest.run(lose_an_update, lines="*")
    finally:
        monitoring.free_tool_id(3)
        monitoring.free_tool_id(4)
