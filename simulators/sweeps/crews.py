"""Who does the work: this process, processes of ours, any executor, or a Dask cluster.

A crew takes jobs through `submit`, as an executor does. It may lose them, when a process is killed
or a machine goes away; then it is renewed, if it is ours, and the jobs are given out again.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from multiprocessing.connection import Connection
from typing import Any, Protocol

from simulators.errors import ScenarioError

__all__ = ["Crew", "Here", "Lent", "Processes", "cores", "crew_of"]

_KINDS = "use None, a number of processes, 'processes', 'dask://host:port' or an Executor"


class Crew(Protocol):
    """Who works. `size`: jobs at once; `window`: jobs handed out ahead; `losses`: errors of a job
    that say nothing about the job itself.
    """

    size: int
    window: int
    losses: tuple[type[BaseException], ...]

    def submit(self, job: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Hand out a job."""

    def renew(self) -> None:
        """Be able to work again after a loss. `ScenarioError` if that is not possible."""

    def close(self, *, now: bool) -> None:
        """No more jobs; `now`: not even those under way."""


def crew_of(pool: Any) -> Crew:
    """The crew that a user means; see `sweeps.run`."""
    if pool is None:
        return Here()
    if pool == "processes":
        return Processes(cores())
    if isinstance(pool, int) and not isinstance(pool, bool) and pool >= 1:
        return Processes(pool)
    if isinstance(pool, str) and pool.startswith("dask://"):
        from simulators.sweeps.clusters import Cluster

        return Cluster(pool)
    if isinstance(pool, Executor):
        return Lent(pool)
    raise ScenarioError("pool", pool, "does not work", _KINDS)


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Here:
    """No other process: whoever asks does the work."""

    size = window = 1
    losses: tuple[type[BaseException], ...] = ()

    def submit(self, job: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Do it."""
        future: Future[Any] = Future()
        try:
            future.set_result(job(*arguments))
        except Exception as error:  # noqa: BLE001 - what the job raises is the future's
            future.set_exception(error)
        return future

    def renew(self) -> None:
        """Nothing is lost here."""

    def close(self, *, now: bool) -> None:
        """Nothing is open."""


class Lent:
    """An executor of the user, who also shuts it down."""

    losses: tuple[type[BaseException], ...] = (BrokenExecutor,)

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.size = cores()
        self.window = 64 * self.size
        self._futures: list[Future[Any]] = []

    def submit(self, job: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Hand out a job."""
        future: Future[Any] = self._executor.submit(job, *arguments)
        self._futures = [one for one in self._futures if not one.done()] + [future]
        return future

    def renew(self) -> None:
        """Only its owner can."""
        why = "has broken; the rows that are done are kept"
        raise ScenarioError("pool", self._executor, why, "make a new one, and sweep again")

    def close(self, *, now: bool) -> None:
        """Take back what has not begun."""
        for future in self._futures if now else ():
            future.cancel()


class Processes:
    """Processes of ours, started afresh (`spawn`) and gone when this one is, however it ends."""

    losses: tuple[type[BaseException], ...] = (BrokenExecutor, CancelledError)

    def __init__(self, size: int) -> None:
        self.size = size
        self.window = 2 * size
        self._begin()

    def _begin(self) -> None:
        context = multiprocessing.get_context("spawn")
        alive, self._alive = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(self.size, context, _leave_with, (alive,))
        try:
            first, *_ = [self.submit(os.getpid) for _ in range(self.size)]
            first.result()
        except BrokenExecutor:
            self.close(now=True)
            why = "could not be started"
            remedy = "put the sweep of a script under if __name__ == '__main__':"
            raise ScenarioError("pool", f"{self.size} processes", why, remedy) from None

    def submit(self, job: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Hand out a job."""
        with _no_interrupts():
            return self._pool.submit(job, *arguments)

    def renew(self) -> None:
        """New processes."""
        self.close(now=True)
        self._begin()

    def close(self, *, now: bool) -> None:
        """End the processes."""
        if now:
            self._alive.close()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._alive.close()


@contextlib.contextmanager
def _no_interrupts() -> Iterator[None]:
    """Processes that are started meanwhile never hear of Ctrl-C; it comes here afterwards.

    What it means is decided by the one who asks, and a terminal sends it to all.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _leave_with(alive: Connection) -> None:
    """In a new process: end as soon as the other end of the pipe is closed, by whatever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        with contextlib.suppress(EOFError, OSError):
            alive.recv()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
