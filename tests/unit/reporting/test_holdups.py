import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import replace
from typing import Any

import pytest

from spectest.exploration.execution import execute
from spectest.exploration.results import Report
from spectest.exploration.settings import Settings
from spectest.kernel.plan import Plan
from spectest.kernel.trace import Trace
from spectest.reporting.holdups import hold_ups_of, notes_of
from spectest.reporting.records import to_json
from spectest.reporting.text import summary
from tests.unit.reporting.thread_programs import fetch, first_answer

PROGRAMS = "tests/unit/reporting/thread_programs.py"


def trace_of(program: Callable[[], Any]) -> Trace:
    trace = execute(program, Plan(), Settings().limits, record=True).trace
    assert trace is not None
    return trace


@pytest.fixture(autouse=True)
def _from_the_root(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(request.config.rootpath)


def test_who_held_up_whom() -> None:
    [note] = notes_of(trace_of(first_answer))
    assert note == (
        f"main was ready to go on at 30 ms and went on at 1000 ms: `with ThreadPoolExecutor` at "
        f"{PROGRAMS}:79 at its end waited for fetch (worker 0_1), submitted at "
        f"thread_programs.py:80, which was at {PROGRAMS}:72"
    )


def within(pool: ThreadPoolExecutor, seconds: tuple[float, ...], leave_early: bool) -> None:
    for future in as_completed([pool.submit(fetch, each) for each in seconds]):
        future.result()
        if leave_early:
            break


@pytest.mark.parametrize(
    "seconds, early, held_up_ns",
    [
        ((0.010, 0.500, 0.900), True, [(10_000_000, 900_000_000)]),
        ((0.010, 0.500, 0.900), False, []),
        ((0.010, 0.011), True, []),  # A millisecond is not worth a word.
        ((0.010, 0.0110001), True, [(10_000_000, 11_000_100)]),
    ],
)
def test_only_what_nobody_asked_for(
    seconds: tuple[float, ...], early: bool, held_up_ns: list[tuple[int, int]]
) -> None:
    def main() -> None:
        with ThreadPoolExecutor() as pool:
            within(pool, seconds, early)

    found = hold_ups_of(trace_of(main))
    assert [(it.ready_ns, it.left_ns) for it in found] == held_up_ns


def test_the_end_of_a_block_may_be_what_one_waits_for() -> None:
    def main() -> None:
        with ThreadPoolExecutor() as pool:
            pool.submit(fetch, 1.0)
            pool.submit(fetch, 2.0)

    assert hold_ups_of(trace_of(main)) == ()


def test_a_pool_that_is_not_waited_for_holds_nobody_up() -> None:
    def main() -> None:
        pool = ThreadPoolExecutor()
        within(pool, (0.010, 1.0), leave_early=True)
        pool.shutdown(wait=False)

    assert hold_ups_of(trace_of(main)) == ()


def test_a_shutdown_without_a_block() -> None:
    def main() -> None:
        pool = ThreadPoolExecutor(thread_name_prefix="io")
        within(pool, (0.010, 1.0), leave_early=True)
        pool.shutdown()

    [it] = hold_ups_of(trace_of(main))
    assert (it.call, it.job) == ("ThreadPoolExecutor.shutdown()", "fetch (io_1)")
    assert it.place.source == "pool.shutdown()"


def test_an_exception_is_no_answer() -> None:
    def main() -> None:
        with ThreadPoolExecutor() as pool:
            jobs = [pool.submit(fetch, seconds) for seconds in (0.010, 1.0)]
            for job in as_completed(jobs, timeout=0.300):
                job.result()

    trace = trace_of(main)
    [it] = hold_ups_of(trace)
    assert (it.call, it.error) == ("with ThreadPoolExecutor", "TimeoutError")
    [note] = notes_of(trace)
    assert " ms (TimeoutError) and went on at 1000 ms: `with ThreadPoolExecutor` at " in note


def test_another_thread_is_held_up() -> None:
    def main() -> None:
        helper = threading.Thread(target=first_answer_of, name="helper")
        helper.start()
        helper.join()

    def first_answer_of() -> None:
        with ThreadPoolExecutor() as pool:
            within(pool, (0.010, 1.0), leave_early=True)

    [it] = hold_ups_of(trace_of(main))
    assert it.thread == "helper"


def test_a_task_that_blocks_its_loop_is_held_up() -> None:
    async def main() -> None:
        with ThreadPoolExecutor() as pool:
            within(pool, (0.010, 1.0), leave_early=True)
        await asyncio.sleep(1)

    [it] = hold_ups_of(trace_of(main))
    assert (it.thread, it.left_ns) == ("main (Task-1)", 1_000_000_000)


def test_a_task_that_awaited_jobs_is_held_up() -> None:
    async def main() -> None:
        submit = asyncio.get_running_loop().run_in_executor
        with ThreadPoolExecutor() as pool:
            jobs = [submit(pool, fetch, seconds) for seconds in (0.010, 1.0)]
            await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)

    [it] = hold_ups_of(trace_of(main))
    assert (it.thread, it.ready_ns, it.left_ns) == ("main (Task-1)", 10_000_000, 1_000_000_000)
    assert it.place.source == "with ThreadPoolExecutor() as pool:"
    assert (it.job, it.error) == ("fetch (ThreadPoolExecutor-0_1)", "")


def test_a_task_that_awaits_nothing_wants_the_end_of_its_block() -> None:
    async def main() -> None:
        submit = asyncio.get_running_loop().run_in_executor
        await asyncio.sleep(0.010)
        with ThreadPoolExecutor() as pool:
            for seconds in (0.010, 1.0):
                submit(pool, fetch, seconds)

    assert hold_ups_of(trace_of(main)) == ()


def test_two_blocks_are_two_times() -> None:
    def main() -> None:
        for _ in range(2):
            with ThreadPoolExecutor() as pool:
                within(pool, (0.010, 1.0), leave_early=True)

    trace = trace_of(main)
    assert [it.ready_ns for it in hold_ups_of(trace)] == [10_000_000, 1_010_000_000]
    assert len(notes_of(trace)) == 2


def test_where_a_job_stood_that_waits_for_another_thread() -> None:
    def main() -> None:
        go = threading.Event()
        waker = threading.Timer(1.0, go.set)
        waker.start()
        with ThreadPoolExecutor() as pool:
            futures: list[Future[Any]] = [pool.submit(go.wait), pool.submit(fetch, 0.010)]
            futures[1].result()
        waker.join()

    [it] = hold_ups_of(trace_of(main))
    assert it.job == "wait (ThreadPoolExecutor-0_0)"
    assert it.stood is None  # In no code of the user's.


def test_a_clean_report_tells_of_it() -> None:
    report = Report("p", Settings(), 3, complete=True, failure=None, notes=("first",))
    with_trace = replace(report, stock_trace=trace_of(first_answer))
    assert summary(report).splitlines()[2:] == ["  note: first"]
    assert [line.partition(" ready")[0] for line in summary(with_trace).splitlines()[2:]] == [
        "  note: first",
        "  note: main was",
    ]
    assert len(to_json(with_trace)["notes"]) == 2
