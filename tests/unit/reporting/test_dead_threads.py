"""A thread's own exception is told, also if the program fails with another one."""

import asyncio
import pickle
import queue
import threading
from collections.abc import Callable

import pytest

import spectest
from spectest.errors import Deadlock, ThreadFailure
from spectest.exploration.execution import execute
from spectest.exploration.results import Report
from spectest.exploration.settings import Settings
from spectest.kernel.plan import Plan
from spectest.reporting.records import to_json
from spectest.reporting.text import render

ReportMaker = Callable[..., Report]

PLACE = "tests/unit/reporting/test_dead_threads.py"
WHAT = "ValueError: invalid literal for int() with base 10: 'seven'"


def load(numbers: list[int]) -> None:
    numbers.append(int("seven"))


def misses_it() -> None:
    numbers: list[int] = []
    thread = threading.Thread(target=load, args=(numbers,))
    thread.start()
    thread.join()
    if numbers != [7]:
        raise LookupError(numbers)


def waits_for_it() -> None:
    numbers: queue.Queue[int] = queue.Queue()
    for _ in range(2):
        threading.Thread(target=lambda: numbers.put(int("seven")), name="loader").start()
    numbers.get()


def only_the_thread() -> None:
    thread = threading.Thread(target=load, args=([],))
    thread.start()
    thread.join()


def test_the_page_says_what_ended_a_thread_before(report_of: ReportMaker) -> None:
    lines = render(report_of(misses_it)).splitlines()
    assert lines[:4] == [
        "LookupError: []",
        f"  {PLACE}:36  raise LookupError(numbers)",
        f"  before that, `load` ended with {WHAT}",
        f'    {PLACE}:27  numbers.append(int("seven"))',
    ]


def test_the_error_has_it_as_a_note(report_of: ReportMaker) -> None:
    failure = report_of(misses_it).failure
    assert failure is not None
    assert failure.error.__notes__ == [
        f"before that, the thread load (Thread-1) ended with {WHAT}\n  at {PLACE}:27 in load"
    ]
    with pytest.raises(LookupError) as raised:
        spectest.replay(misses_it, failure.token)
    assert raised.value.__notes__ == failure.error.__notes__


def test_in_what_the_failure_is_known_by_it_does_not_show() -> None:
    outcome = execute(misses_it, Plan(), Settings().limits)
    assert outcome.signature[0] == "LookupError"
    assert outcome.signature[-1] == ""
    assert outcome.dead_threads[0].error == "ValueError"


def test_a_deadlock_for_which_threads_are_to_blame(report_of: ReportMaker) -> None:
    report = report_of(waits_for_it)
    assert report.failure is not None
    assert isinstance(report.failure.error, Deadlock)
    assert len(report.failure.error.__notes__) == 2
    head = render(report).partition("\n\n")[0]
    assert "\n  before that, `loader` ended with ValueError: invalid literal for int()" in head
    assert head.endswith("\n    ... and so did 1 more thread")


def test_a_failure_of_the_thread_is_told_once(report_of: ReportMaker) -> None:
    report = report_of(only_the_thread)
    assert report.failure is not None
    assert isinstance(report.failure.error, ThreadFailure)
    assert report.failure.dead_threads == ()
    assert "before that" not in render(report)


def test_what_the_error_comes_from_is_told_by_it(report_of: ReportMaker) -> None:
    def main() -> None:
        caught: list[Exception] = []

        def work() -> None:
            try:
                load([])
            except ValueError as error:
                caught.append(error)
                raise

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        raise ExceptionGroup("several", caught)

    assert report_of(main).failure.dead_threads == ()  # type: ignore[union-attr]


def test_one_exception_object_of_all_executions_has_one_note() -> None:
    error = LookupError()

    def main() -> None:
        only_the_thread()
        raise error

    for _ in range(3):
        execute(main, Plan(), Settings().limits)
    assert len(error.__notes__) == 1


def test_in_a_program_with_an_event_loop(report_of: ReportMaker) -> None:
    async def main() -> None:
        thread = threading.Thread(target=load, args=([],), name="loader")
        thread.start()
        await asyncio.to_thread(thread.join)
        raise LookupError

    [dead] = to_json(report_of(main))["failure"]["dead_threads"]
    assert dead["where"]["line"] == 27
    assert (dead["thread"], dead["error"]) == ("loader", "ValueError")
    assert dead["message"] == ["invalid literal for int() with base 10: 'seven'"]


def test_a_saved_failure_reads_the_same(report_of: ReportMaker) -> None:
    report = report_of(misses_it)
    saved = pickle.loads(pickle.dumps(report))
    assert saved.failure.dead_threads == report.failure.dead_threads  # type: ignore[union-attr]
    assert saved.failure.error.__notes__ == report.failure.error.__notes__  # type: ignore[union-attr]
