"""Random small programs with threads, as plain data that Hypothesis can shrink and people can read.

As in `programs`, but a task is a thread and nothing is awaited.
"""

from __future__ import annotations

import queue
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait
from typing import Any

from hypothesis import strategies as st

__all__ = ["make", "thread_programs"]

Step = tuple[Any, ...]
Steps = Sequence[Step]

_LONGEST_S = 0.020


class _Machine:
    """One execution of one program. Every wait has a timeout, so that most programs end."""

    def __init__(self, threads: Sequence[Steps]) -> None:
        self.program = threads
        self.log: list[str] = []
        self.locks: list[Any] = [threading.Lock(), threading.RLock()]
        self.conditions = [threading.Condition(lock) for lock in self.locks]
        self.queues: list[Any] = [queue.Queue(1), queue.SimpleQueue()]
        self.event = threading.Event()
        self.semaphore = threading.Semaphore(1)
        self.pool = ThreadPoolExecutor(2)
        self.futures: list[Future[None]] = []

    def main(self, modulus: int) -> list[str]:
        threads = [
            threading.Thread(target=self.run, args=(f"t{n}", steps))
            for n, steps in enumerate(self.program)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.pool.shutdown()
        self.log.append(f"{time.monotonic():.6f}")
        assert modulus == 0 or zlib.crc32(repr(self.log).encode()) % modulus, "an unlucky order"
        return self.log

    def run(self, name: str, steps: Steps) -> None:
        for step in steps:
            self.log.append(f"{name} {step[0]}")
            try:
                getattr(self, step[0])(name, *step[1:])
            except (TimeoutError, queue.Empty, queue.Full) as error:
                self.log.append(f"{name} {type(error).__name__}")
        self.log.append(f"{name} ends")

    def sleep(self, name: str, ms: int) -> None:
        time.sleep(ms / 1000)

    def lock(self, name: str, which: int, steps: Steps) -> None:
        if self.locks[which].acquire(timeout=_LONGEST_S):
            try:
                self.run(f"{name}l", steps)
            finally:
                self.locks[which].release()

    def notified(self, name: str, which: int) -> None:
        with self.conditions[which]:
            self.log.append(f"{name} {self.conditions[which].wait(_LONGEST_S)}")

    def notify(self, name: str, which: int) -> None:
        with self.conditions[which]:
            self.conditions[which].notify()

    def put(self, name: str, which: int) -> None:
        self.queues[which].put(name, timeout=_LONGEST_S)

    def get(self, name: str, which: int) -> None:
        self.log.append(f"{name} got {self.queues[which].get(timeout=_LONGEST_S)}")

    def set(self, name: str) -> None:
        self.event.set()

    def await_event(self, name: str) -> None:
        self.log.append(f"{name} {self.event.wait(_LONGEST_S)}")

    def permit(self, name: str, steps: Steps) -> None:
        if self.semaphore.acquire(timeout=_LONGEST_S):
            try:
                self.run(f"{name}p", steps)
            finally:
                self.semaphore.release()

    def submit(self, name: str, steps: Steps) -> None:
        self.futures.append(self.pool.submit(self.run, f"{name}j", steps))

    def result(self, name: str, ms: int) -> None:
        for future in self.futures[-1:]:
            future.result(ms / 1000)

    def cancel(self, name: str) -> None:
        for future in self.futures[-1:]:
            self.log.append(f"{name} {future.cancel()}")

    def first(self, name: str, ms: int) -> None:
        done, pending = wait(self.futures, ms / 1000, FIRST_COMPLETED)
        self.log.append(f"{name} {len(done)} of {len(done) + len(pending)}")
        for future in done:
            self.log.append(f"{name} {self.futures.index(future)}")

    def completed(self, name: str, ms: int) -> None:
        for future in as_completed(list(self.futures), ms / 1000):
            self.log.append(f"{name} {self.futures.index(future)}")

    def thread(self, name: str, steps: Steps) -> None:
        threading.Thread(target=self.run, args=(f"{name}n", steps)).start()

    def fail(self, name: str) -> None:
        raise LookupError(name)


def make(threads: Sequence[Steps], modulus: int) -> Callable[[], Any]:
    """A program that fails in about one of `modulus` orders; 0: in none."""

    def program() -> list[str]:
        return _Machine(threads).main(modulus)

    return program


_MS = st.sampled_from([0, 1, 2, 3, 5, 10])
_LEAVES = st.one_of(
    st.tuples(st.sampled_from(["sleep", "result", "first", "completed"]), _MS),
    st.tuples(st.sampled_from(["notified", "notify", "put", "get"]), st.integers(0, 1)),
    st.tuples(st.sampled_from(["set", "await_event", "cancel", "fail"])),
)


def _nested(step: st.SearchStrategy[Step]) -> st.SearchStrategy[Step]:
    steps = st.lists(step, max_size=3).map(tuple)
    return st.one_of(
        st.tuples(st.just("lock"), st.integers(0, 1), steps),
        st.tuples(st.sampled_from(["permit", "submit", "thread"]), steps),
    )


def thread_programs() -> st.SearchStrategy[Callable[[], Any]]:
    """Programs of up to three threads of up to four steps each."""
    step = st.recursive(_LEAVES, _nested, max_leaves=6)
    steps = st.lists(step, max_size=4).map(tuple)
    threads = st.lists(steps, min_size=1, max_size=3).map(tuple)
    return st.builds(make, threads, st.sampled_from([0, 2, 3]))
