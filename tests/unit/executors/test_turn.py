"""Scripted executors shared by threads."""

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from concurrent.futures._base import _FirstCompletedWaiter
from typing import Any

import pytest

from spectest.errors import Deadlock
from spectest.executors import Job, ScriptedExecutor
from spectest.executors.agenda import Agenda

PATIENCE_S = 30


def in_thread(function: Callable[[], Any]) -> "Future[Any]":
    """`function()` in a real thread."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(function)
    pool.shutdown(wait=False)
    return future


def test_jobs_run_one_at_a_time_whoever_waits() -> None:
    pool = ScriptedExecutor()
    alone, overlaps = threading.Lock(), []

    def job(number: int) -> int:
        if not alone.acquire(blocking=False):
            overlaps.append(number)
            return number
        threading.Event().wait(0.001)
        alone.release()
        return number

    futures = [pool.submit(job, number) for number in range(20)]
    waiting = [in_thread(future.result) for future in reversed(futures)]
    assert [future.result(PATIENCE_S) for future in waiting] == list(range(19, -1, -1))
    assert overlaps == []
    assert [call.args for call in pool.calls] == [(number,) for number in range(20)]


def test_every_submission_of_many_threads_has_a_name_of_its_own() -> None:
    pool = ScriptedExecutor()

    def job() -> None:
        pass

    def submits() -> None:
        for _ in range(100):
            pool.submit(job)

    for thread in [in_thread(submits) for _ in range(4)]:
        thread.result(PATIENCE_S)
    pool.shutdown()
    assert [call.name for call in pool.calls] == [f"job#{number}" for number in range(1, 401)]


def test_while_one_runs_a_job_another_may_submit_cancel_and_leave_with_what_is_done() -> None:
    pool = ScriptedExecutor()
    begun, go_on = threading.Event(), threading.Event()

    def blocks() -> bool:
        begun.set()
        return go_on.wait(PATIENCE_S)

    done, blocking, left = pool.submit(int), pool.submit(blocks), pool.submit(int)
    running = in_thread(blocking.result)
    assert begun.wait(PATIENCE_S)
    assert done.result() == 0
    assert blocking.running()
    assert not blocking.cancel()
    waiting = in_thread(left.exception)
    assert left.cancel()
    with pytest.raises(CancelledError):
        waiting.result(PATIENCE_S)
    pool.submit(int)
    assert not running.done()
    go_on.set()
    assert running.result(PATIENCE_S) is True
    pool.shutdown()


def test_a_thread_leaves_as_soon_as_it_has_what_it_waits_for() -> None:
    """The second job waits for the thread that waits for the first."""
    pool = ScriptedExecutor()
    started, has_first = threading.Event(), threading.Event()

    def first() -> None:
        started.set()
        threading.Event().wait(0.02)

    one, two = pool.submit(first), pool.submit(lambda: has_first.wait(PATIENCE_S))
    runs_all = in_thread(two.result)
    assert started.wait(PATIENCE_S)
    one.result()
    has_first.set()
    assert runs_all.result(PATIENCE_S) is True


def test_futures_of_other_executors_are_waited_for_in_real_time() -> None:
    pool = ScriptedExecutor(script={"slow": Job(never=True), "late": Job(delay=5)})

    def slow() -> None:
        pass

    def late() -> None:
        pass

    go_on = threading.Event()
    with ThreadPoolExecutor(1) as real:
        other: Future[Any] = real.submit(go_on.wait, PATIENCE_S)
        never: Future[Any] = pool.submit(slow)
        assert wait([other, never], timeout=0.01).not_done == {other, never}
        assert pool.now == 0.01
        scripted: Future[Any] = pool.submit(late)
        assert wait([other, scripted], return_when=FIRST_COMPLETED).done == {scripted}
        threading.Timer(0.02, go_on.set).start()
        assert wait([other, never], return_when=FIRST_COMPLETED).done == {other}
    with pytest.raises(Deadlock):
        wait([other, never])


def test_two_scripted_executors_in_one_wait() -> None:
    one, two = ScriptedExecutor(), ScriptedExecutor(script={"int": Job(delay=1)})
    futures: list[Future[Any]] = [one.submit(int), two.submit(int), one.submit(str)]
    assert wait(futures).not_done == set()
    assert (one.now, two.now) == (0, 1)


def test_a_future_that_is_done_answers_without_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stock `wait` asks futures that are done for their exceptions, and holds their locks then."""
    pool = ScriptedExecutor()
    future, other = pool.submit(int), pool.submit(int)
    assert future.result() == 0
    monkeypatch.delattr("spectest.executors.runner.Runner.drive")
    assert (future.result(), future.exception()) == (0, None)
    with pytest.raises(AttributeError):
        other.result()


def test_a_job_that_is_cancelled_at_the_last_moment_is_not_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool = ScriptedExecutor()
    future = pool.submit(int)
    picked = Agenda.next

    def cancelled_meanwhile(agenda: Agenda, among: Any) -> Any:
        in_thread(future.cancel).result(PATIENCE_S)
        return picked(agenda, among)

    monkeypatch.setattr(Agenda, "next", cancelled_meanwhile)
    pool.shutdown()
    assert pool.calls == []
    assert future.cancelled()


def test_a_waiter_that_stands_in_no_stock_function_is_served() -> None:
    pool = ScriptedExecutor(script={"int": Job(never=True)})
    future = pool.submit(int)
    waiter = _FirstCompletedWaiter()
    future._waiters.append(waiter)
    assert waiter.event.wait(1) is False
    assert pool.now == 1
    with pytest.raises(Deadlock):
        waiter.event.wait()
