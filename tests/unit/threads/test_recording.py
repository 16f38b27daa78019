"""What the trace tells of threads: events, in whose name, where, and because of what."""

import asyncio
import linecache
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from spectest.exploration.execution import execute
from spectest.exploration.settings import Settings
from spectest.kernel.plan import Hold, Plan
from spectest.kernel.trace import TraceEvent

FORTH = "forth (Thread-1)"


def recorded(
    program: Callable[[], Any], holds: Mapping[str, Hold] | None = None
) -> list[TraceEvent]:
    trace = execute(program, Plan(holds or {}), Settings().limits, record=True).trace
    assert trace is not None
    return list(trace)


def told(events: list[TraceEvent], *kinds: str) -> list[tuple[str, str, str]]:
    return [(e.task, e.subject, e.detail) for e in events if e.kind in kinds]


def source_of(event: TraceEvent) -> str:
    return linecache.getline(event.where.file, event.where.line).strip()


def two_threads() -> None:
    lock = threading.Lock()

    def forth() -> None:
        with lock:
            time.sleep(0.010)

    thread = threading.Thread(target=forth)
    thread.start()
    time.sleep(0.005)
    with lock:
        pass
    thread.join()


def test_who_waits_for_what() -> None:
    events = recorded(two_threads)
    assert told(events, "wait") == [("main", f"threading.Lock `lock`, held by {FORTH}", "`lock`")]
    [wait] = [event for event in events if event.kind == "wait"]
    assert source_of(wait) == "with lock:"
    assert events[wait.cause].subject == "main"


def test_the_beginning_of_a_thread_is_not_waited_for() -> None:
    def main() -> None:
        threading.Thread(target=time.sleep, args=(0.010,)).start()

    assert told(recorded(main), "wait") == []


def test_whoever_wakes_is_the_cause() -> None:
    events = recorded(two_threads)
    [wait] = [event for event in events if event.kind == "wait"]
    step = next(e for e in events[wait.number :] if e.kind == "step" and e.subject == "main")
    assert events[step.cause].kind == "step"
    assert events[step.cause].subject == FORTH


def test_an_ended_thread_has_the_last_line_at_which_it_was_seen() -> None:
    [end] = [event for event in recorded(two_threads) if event.kind == "end"]
    assert (end.subject, end.detail, source_of(end)) == (FORTH, "returned", "with lock:")


def moments(program: Callable[[], Any], thread: str, kind: str) -> dict[str, TraceEvent]:
    """By the words for it, each moment at which the thread can lose the processor."""
    found: dict[str, TraceEvent] = {}
    hold = Hold(behind=1) if kind == "turn" else Hold(by_ns=1_000_000)
    for number in range(1, 40):
        name = f"{thread} {kind}#{number}"
        for event in recorded(program, {name: hold}):
            if event.subject == name and event.kind in ("overtaken", "start"):
                found.setdefault(event.detail.removeprefix("stall 0 "), event)
    return found


@pytest.mark.parametrize("kind", ["turn", "stall"])
def test_where_a_thread_loses_the_processor(kind: str) -> None:
    def main() -> None:
        lock = threading.Lock()
        done = threading.Event()

        def forth() -> None:
            with lock:
                pass
            done.set()

        thread = threading.Thread(target=forth)
        thread.start()
        time.sleep(0.010)
        thread.join()

    found = moments(main, FORTH, kind)
    assert set(found) >= {"before taking `lock`", "after releasing `lock`", "in `done.set()`"}
    assert source_of(found["after releasing `lock`"]) == "with lock:"
    assert source_of(found["in `done.set()`"]) == "done.set()"
    assert {event.task for event in found.values()} == {FORTH}


def test_a_thread_loses_the_processor_before_it_begins() -> None:
    lost = moments(two_threads, FORTH, "stall")["before it began"]
    assert not lost.where


def test_who_starts_a_thread_loses_the_processor() -> None:
    found = moments(two_threads, "main", "turn")
    lost = found[f"after starting {FORTH}"]
    assert (lost.task, source_of(lost)) == ("main", "thread.start()")


def test_the_cause_of_a_stall_is_what_would_have_let_it_go_on() -> None:
    def main() -> None:
        thread = threading.Thread(target=forth)
        thread.start()
        thread.join()

    def forth() -> None:
        time.sleep(0.010)

    lost = moments(main, FORTH, "stall")["in `time.sleep()`"]
    events = recorded(main, {lost.subject: Hold(by_ns=1_000_000)})
    [lost] = [event for event in events if event.subject == lost.subject and event.kind == "start"]
    assert (events[lost.cause].kind, events[lost.cause].subject) == ("complete", "forth#1")


def job(number: int) -> int:
    if number < 0:
        raise ValueError(number)
    return number


def test_jobs_are_submitted_begun_and_ended() -> None:
    def main() -> None:
        with ThreadPoolExecutor(1, "io") as pool:
            futures = [pool.submit(job, 1), pool.submit(job, -1)]
            futures[0].result()

    events = recorded(main)
    assert sorted(told(events, "job")) == [
        ("io_0", "job", "begins"),
        ("io_0", "job", "begins"),
        ("io_0", "job", "raised ValueError"),
        ("io_0", "job", "returned"),
        ("main", "job", "submitted"),
        ("main", "job", "submitted"),
    ]
    begins = [e for e in events if e.kind == "job" and e.detail == "begins"]
    assert {source_of(e) for e in begins} == {
        "futures = [pool.submit(job, 1), pool.submit(job, -1)]"
    }
    [raised] = [e for e in events if e.detail == "raised ValueError"]
    assert source_of(raised) == "raise ValueError(number)"


def test_a_cancelled_job_is_never_begun() -> None:
    def main() -> None:
        with ThreadPoolExecutor(1, "io") as pool:
            pool.submit(time.sleep, 0.010)
            pool.submit(job, 1).cancel()
            pool.submit(job, 2)

    details = [detail for _, name, detail in told(recorded(main), "job") if name == "job"]
    assert details == ["submitted", "submitted", "begins", "returned"]


def test_what_to_thread_runs_has_its_own_name() -> None:
    async def main() -> None:
        await asyncio.to_thread(job, 1)

    assert told(recorded(main), "job") == [
        ("main (Task-1)", "job", "submitted"),
        ("asyncio_0", "job", "begins"),
        ("asyncio_0", "job", "returned"),
    ]


def test_the_end_of_a_block_waits_for_each_busy_worker() -> None:
    def main() -> None:
        with ThreadPoolExecutor(3, "io") as pool:
            for seconds in (0.010, 0.030, 0.020):
                pool.submit(time.sleep, seconds)

    events = recorded(main)
    # The third has ended when the second has.
    assert told(events, "held") == [
        ("main", "io_0", "with ThreadPoolExecutor"),
        ("main", "io_1", "with ThreadPoolExecutor"),
    ]
    assert {source_of(e) for e in events if e.kind == "held"} == {
        'with ThreadPoolExecutor(3, "io") as pool:'
    }


def test_idle_workers_are_not_waited_for() -> None:
    def main() -> None:
        with ThreadPoolExecutor(1, "io") as pool:
            pool.submit(job, 1).result()

    assert told(recorded(main), "held") == []


def test_a_task_that_blocks_its_loop_is_who_waits() -> None:
    async def main() -> None:
        lock = threading.Lock()

        def hold() -> None:
            with lock:
                time.sleep(0.010)

        thread = threading.Thread(target=hold, name="holder")
        thread.start()
        with lock:
            pass
        thread.join()

    events = recorded(main)
    assert told(events, "thread") == [("main (Task-1)", "holder", "-3")]
    assert ("main (Task-1)", "threading.Lock `lock`, held by holder", "`lock`") in told(
        events, "wait"
    )
    steps = [e for e in events if e.kind == "step" and e.subject == "main (Task-1)"]
    assert [step.detail for step in steps][:2] == ["", "blocking"]


def test_what_happens_after_the_verdict_is_not_told() -> None:
    def main() -> None:
        lock = threading.Lock()
        lock.acquire()
        try:
            lock.acquire()
        finally:
            time.sleep(1)

    events = recorded(main)
    assert [event.kind for event in events] == ["thread", "step", "wait"]


def test_recording_keeps_nothing_alive() -> None:
    """What a program lets go of is gone, whether or not somebody looks on."""

    class Answer:
        pass

    gone: list[bool] = []

    def main() -> None:
        lock = threading.Lock()
        answer = Answer()
        reference = weakref.ref(answer)
        with lock:
            threading.Thread(target=lock.acquire, daemon=True).start()
            time.sleep(0.010)
        with ThreadPoolExecutor() as pool:
            future: Future[Answer] | None = pool.submit(lambda it: it, answer)
            assert future is not None
            future.result()
        del answer, future
        gone.append(reference() is None)

    execute(main, Plan(), Settings().limits)
    execute(main, Plan(), Settings().limits, record=True)
    assert gone == [True, True]


def test_the_same_execution_with_and_without_a_recorder() -> None:
    for number in range(1, 25):
        plan = Plan({f"{FORTH} turn#{number}": Hold(behind=1)})
        bare = execute(two_threads, plan, Settings().limits)
        watched = execute(two_threads, plan, Settings().limits, record=True)
        assert (bare.plan, bare.virtual_ns, bare.steps) == (
            watched.plan,
            watched.virtual_ns,
            watched.steps,
        )
