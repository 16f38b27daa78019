import asyncio
import inspect
import traceback
import unittest
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

import spectest
from spectest.exploration.results import Report
from spectest.exploration.settings import Settings
from spectest.testing import check, explored, marking_of, replayed, run_once

PACKAGE = str(Path(spectest.__file__).parent)


async def race() -> list[str]:
    order: list[str] = []

    async def finish(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        order.append(name)

    await asyncio.gather(finish("first", 0.100), finish("second", 0.105))
    return order


class WrongOrderError(Exception):
    pass


async def finds() -> None:
    order = await race()
    if order != ["first", "second"]:
        raise WrongOrderError(order)


async def holds() -> None:
    assert len(await race()) == 2


def files_of(error: BaseException) -> list[str]:
    return [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]


def test_the_original_error_is_raised() -> None:
    reports: list[Report] = []
    with pytest.raises(WrongOrderError) as caught:
        check(finds, Settings(runs=50), tell=reports.append)
    (report,) = reports
    assert report.failure is not None
    assert caught.value is report.failure.error
    assert caught.value.args == (["second", "first"],)


def test_the_traceback_has_no_line_of_ours_below_the_check() -> None:
    with pytest.raises(WrongOrderError) as caught:
        check(finds, Settings(runs=50))
    inside = files_of(caught.value)
    assert [file for file in inside if file.startswith(PACKAGE)] == [f"{PACKAGE}/testing.py"]
    assert not [file for file in inside if "/asyncio/" in file]
    assert inside[-1] == __file__


def test_the_report_is_a_note_once_unless_somebody_was_told() -> None:
    with pytest.raises(WrongOrderError) as caught:
        check(finds, Settings(runs=50))
    (note,) = caught.value.__notes__
    assert "finish#1" in note

    with pytest.raises(WrongOrderError) as caught:
        check(finds, Settings(runs=50), tell=lambda report: None)
    assert not hasattr(caught.value, "__notes__")


def test_a_program_that_holds_returns_its_report() -> None:
    report = check(holds, Settings(runs=7), name="mine")
    assert (report.failure, report.executions, report.program) == (None, 7, "mine")


def test_once_and_replay() -> None:
    assert check(finds, Settings(), mode="once").executions == 1
    with pytest.raises(WrongOrderError) as caught:
        check(finds, Settings(runs=50))
    token = caught.value.__notes__[0].split("st1-")[1].split()[0].rstrip("'\")")
    with pytest.raises(WrongOrderError):
        check(finds, token=f"st1-{token}")
    assert replayed(holds, f"st1-{token}", Settings()).failure is None
    assert run_once(finds, Settings()).failure is None


# Leaving without a verdict.


@pytest.mark.parametrize("leave", [pytest.skip, pytest.xfail, unittest.SkipTest])
def test_leaving_in_the_first_execution_leaves(leave: Callable[[str], BaseException]) -> None:
    executions = []

    async def program() -> None:
        executions.append(1)
        await asyncio.sleep(1)
        raise leave("not here")

    with pytest.raises((pytest.skip.Exception, pytest.xfail.Exception, unittest.SkipTest)) as left:
        check(program)
    assert executions == [1]
    assert "not here" in str(left.value)


def test_leaving_leaves_from_a_program_with_a_check_too() -> None:
    async def main() -> None:
        pytest.skip("not here")

    with pytest.raises(pytest.skip.Exception):
        check(lambda: (main(), lambda: None))


def test_leaving_in_some_timings_is_no_failure() -> None:
    async def program() -> None:
        if await race() != ["first", "second"]:
            pytest.skip("of no interest")

    assert check(program, Settings(runs=50)).failure is None


def test_leaving_hides_no_failure_of_other_timings() -> None:
    async def program() -> None:
        if await race() != ["first", "second"]:
            pytest.skip("of no interest")
        assert await race() == ["first", "second"]

    with pytest.raises(AssertionError):
        check(program, Settings(runs=50))


# The decorator.


def test_explored_is_an_ordinary_function() -> None:
    @explored(runs=20)
    async def example(number: int, *, word: str = "x") -> None:
        """Documented."""
        assert (number, word) == (1, "y")
        await finds()

    assert not inspect.iscoroutinefunction(example)
    assert list(inspect.signature(example).parameters) == ["number", "word"]
    assert example.__doc__ == "Documented."
    with pytest.raises(WrongOrderError):
        example(1, word="y")  # type: ignore[unused-coroutine]


def test_explored_without_keywords_and_on_plain_functions() -> None:
    calls = []

    @explored
    def example() -> None:
        calls.append(asyncio.run(race()))

    example()
    assert {tuple(call) for call in calls} == {("first", "second"), ("second", "first")}
    assert ["second", "first"] in calls


def test_explored_remembers_its_keywords() -> None:
    decorated = explored(runs=20)(finds)
    marking = marking_of(decorated)
    assert marking is not None
    assert marking.function is finds
    assert marking.settings == {"runs": 20}
    assert marking_of(finds) is None


async def agen() -> AsyncIterator[None]:
    yield


def gen() -> Iterator[None]:
    yield


@pytest.mark.parametrize("thing", [agen, gen, Report, 3])
def test_what_cannot_be_explored(thing: object) -> None:
    with pytest.raises(spectest.UsageError):
        explored(runs=5)(thing)  # type: ignore[type-var]


def test_unknown_keywords_are_refused_at_once() -> None:
    with pytest.raises(spectest.UsageError, match="'rums' is not a setting"):
        explored(rums=5)
