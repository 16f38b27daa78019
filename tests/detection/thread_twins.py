"""Programs with threads, in pairs: one that breaks at some timing, and its healthy twin.

Every broken one passes practically always on stock threads, where what is short is done before
anybody else gets the processor.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import spectest

__all__ = ["TWINS", "Twins"]


@dataclass(frozen=True)
class Twins:
    """`error`: what the broken one ends with."""

    broken: Callable[[], Any]
    healthy: Callable[[], Any]
    error: type[BaseException] = AssertionError


def in_threads(*functions: Callable[[], Any]) -> None:
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# Check, then act.


class Cache:
    def __init__(self, *, sets_default: bool) -> None:
        self.values: dict[str, object] = {}
        self.lock = threading.Lock()
        self.sets_default = sets_default

    def get(self) -> object:
        with self.lock:
            if "session" in self.values:
                return self.values["session"]
        made = object()
        with self.lock:
            if self.sets_default:
                return self.values.setdefault("session", made)
            self.values["session"] = made
            return made


def both_get(*, sets_default: bool) -> None:
    cache = Cache(sets_default=sets_default)
    got: list[object] = []
    in_threads(*(lambda: got.append(cache.get()) for _ in range(2)))
    assert got[0] is got[1], "two sessions for one key"


# Lost update: the lock covers the reading and the writing, each for itself.


def add_three_times(*, at_once: bool) -> None:
    lock = threading.Lock()
    total = [0]

    def add() -> None:
        for _ in range(3):
            if at_once:
                with lock:
                    total[0] += 1
                continue
            with lock:
                before = total[0]
            with lock:
                total[0] = before + 1

    in_threads(add, add)
    assert total == [6], f"{total[0]} of 6"


# Made lazily, made twice.


def make_lazily(*, guarded: bool) -> None:
    made: list[threading.Lock] = []
    guard = threading.Lock()

    class Pool:
        lock: threading.Lock | None = None

        def open(self) -> None:
            if guarded:
                guard.acquire()
            if self.lock is None:
                self.lock = threading.Lock()
                made.append(self.lock)
            if guarded:
                guard.release()

    pool = Pool()
    in_threads(pool.open, pool.open)
    assert len(made) == 1, "two locks"


# Deadlocks.


def transfer(*, in_order: bool) -> None:
    first, second = threading.Lock(), threading.Lock()

    def move(one: threading.Lock, other: threading.Lock) -> None:
        with one, other:
            pass

    pair = (first, second) if in_order else (second, first)
    in_threads(lambda: move(first, second), lambda: move(*pair))


def wake_up(*, with_predicate: bool) -> None:
    """A notification before the wait is lost, unless the state is looked at first."""
    condition = threading.Condition()
    ready: list[bool] = []

    def consume() -> None:
        with condition:
            while with_predicate and not ready:
                condition.wait()
            if not with_predicate:
                condition.wait()

    def produce() -> None:
        with condition:
            ready.append(True)
            condition.notify()

    in_threads(consume, produce)


def nested_jobs(*, workers: int) -> None:
    """A job that waits for a job of its own pool needs a free worker."""
    with ThreadPoolExecutor(workers) as pool:

        def outer() -> int:
            time.sleep(0.010)
            return pool.submit(int, "7").result()

        first = pool.submit(outer)
        time.sleep(0.0105)
        second = pool.submit(outer)
        assert [first.result(), second.result()] == [7, 7]


# Queues.


def drain_queue(*, asks_first: bool) -> None:
    jobs: queue.Queue[int] = queue.Queue()
    for number in range(3):
        jobs.put(number)

    def work() -> None:
        while True:
            try:
                if asks_first and jobs.empty():
                    return
                jobs.get(timeout=None if asks_first else 0.001)
            except queue.Empty:
                return

    in_threads(work, work)


# Cancellation and timeouts.


def cancel_in_time(*, asks: bool) -> None:
    """Future.cancel() is False for a job that runs already; its effect comes all the same."""
    effects: list[str] = []

    def charge(name: str) -> None:
        time.sleep(0.010)
        effects.append(name)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(charge, "rules")
        loser = pool.submit(charge, "llm")
        time.sleep(0.0095)
        cancelled = loser.cancel()
    expected = ["rules"] if cancelled or not asks else ["rules", "llm"]
    assert effects == expected, effects


def answer_in_time(*, accepts_late: bool) -> None:
    """The timeout and the answer in one instant: the caller was told that there is none."""
    billed: list[str] = []

    def call() -> str:
        time.sleep(0.095)
        billed.append("call")
        return "answer"

    with ThreadPoolExecutor(1) as pool:
        future: Future[str] = pool.submit(call)
        try:
            answer = future.result(timeout=0.100)
        except TimeoutError:
            answer = future.result() if accepts_late else ""
        assert answer or not billed, "billed for no answer"


def stop_the_worker(*, joins: bool) -> None:
    """A worker that is told to stop may be at work; its last write comes after the end."""
    stop = threading.Event()
    written: list[str] = []
    closed: list[bool] = []

    def work() -> None:
        while not stop.wait(0.010):
            time.sleep(0.001)
            written.append("late" if closed else "in time")

    worker = threading.Thread(target=work)
    worker.start()
    time.sleep(0.040)
    stop.set()
    if joins:
        worker.join()
    closed.append(True)
    worker.join()
    assert "late" not in written


def stop_retrying(*, looks_again: bool) -> None:
    """Told to stop while it logs that it will retry. A job that runs has a millisecond to begin."""
    attempts: list[int] = []
    lock = threading.Lock()
    stopped = False

    def attempt() -> None:
        with lock:
            attempts.append(1)

    def retry(pool: ThreadPoolExecutor) -> None:
        while not stopped:
            time.sleep(0.001)
            with lock:
                if looks_again and stopped:
                    return
                job = pool.submit(attempt)
            job.result()
            time.sleep(0.005)

    with ThreadPoolExecutor(1) as pool:
        retrying = threading.Thread(target=retry, args=(pool,))
        retrying.start()
        time.sleep(0.0145)
        with lock:
            stopped = True
        time.sleep(0.001)
        with lock:
            before = len(attempts)
        retrying.join()
    assert len(attempts) == before, "one more attempt after the end"


# What every program promises.


def forget_a_thread(*, daemon: bool) -> None:
    threading.Thread(target=threading.Event().wait, daemon=daemon).start()


def raise_in_a_thread(*, caught: bool) -> None:
    ready: list[bool] = []
    lock = threading.Lock()

    def use() -> None:
        with lock:
            there = bool(ready)
        if not there and not caught:
            raise LookupError("not ready")

    def prepare() -> None:
        with lock:
            ready.append(True)

    in_threads(prepare, use)


def program(function: Callable[..., Any], **options: Any) -> Callable[[], Any]:
    def run() -> Any:
        return function(**options)

    run.__qualname__ = run.__name__ = function.__name__
    return run


def twins(
    function: Callable[..., Any],
    option: str,
    values: tuple[Any, Any] = (False, True),
    error: type[BaseException] = AssertionError,
) -> Twins:
    broken, healthy = (program(function, **{option: value}) for value in values)
    return Twins(broken, healthy, error)


TWINS: dict[str, Twins] = {
    "check_then_act": twins(both_get, "sets_default"),
    "lost_update": twins(add_three_times, "at_once"),
    "made_twice": twins(make_lazily, "guarded"),
    "ab_ba": twins(transfer, "in_order", error=spectest.Deadlock),
    "lost_wake_up": twins(wake_up, "with_predicate", error=spectest.Deadlock),
    "pool_too_small": twins(nested_jobs, "workers", (2, 4), error=spectest.Deadlock),
    "empty_then_get": twins(drain_queue, "asks_first", (True, False), error=spectest.Deadlock),
    "cancelled_too_late": twins(cancel_in_time, "asks"),
    "answer_and_timeout": twins(answer_in_time, "accepts_late"),
    "write_after_stop": twins(stop_the_worker, "joins"),
    "retry_after_stop": twins(stop_retrying, "looks_again"),
    "forgotten_thread": twins(forget_a_thread, "daemon", error=spectest.ThreadLeaked),
    "unheard_exception": twins(raise_in_a_thread, "caught", error=spectest.ThreadFailure),
}
