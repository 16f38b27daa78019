"""Speculation on an executor of `concurrent.futures`: what threads and processes have in common.

The calling thread decides. Workers tell it when they end, through a queue, and between two tellings
it sleeps until the next alarm. Losers are never waited for: if one still runs at the decision, a
short-lived thread sees it go, within `grace`, and writes the record.
"""

from __future__ import annotations

import contextlib
import functools
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from spectest.patterns.accounts import Account
from spectest.patterns.branches import Branch
from spectest.patterns.invocations import Answer, Invocation, Terms
from spectest.patterns.racing import Ending
from spectest.patterns.records import Record
from spectest.patterns.staging import commit
from spectest.patterns.telling import telling

__all__ = ["InPool", "check_executor", "settled"]

T = TypeVar("T")

_WATCHERS: dict[threading.Thread, None] = {}
"""The threads that see losers go."""


def settled() -> None:
    """Wait for the losers of all calls that have returned: they have gone, or their grace is over.

    To be called before what branches share is closed. Records have been written then.
    """
    for watcher in list(_WATCHERS):
        watcher.join()


def check_executor(executor: object) -> None:
    """An executor has `submit`."""
    if isinstance(executor, type) or not callable(getattr(executor, "submit", None)):
        raise TypeError(f"executor is {executor!r}; pass an executor of concurrent.futures")


class InPool(Invocation[T]):
    """One speculation on an executor. Forms add `submitted`, `received` and what a cancel is."""

    def __init__(
        self, branches: Sequence[Branch[Any]], inputs: object, terms: Terms, executor: Executor
    ) -> None:
        super().__init__(branches, inputs, terms)
        self.executor = executor
        self._began = time.monotonic()
        self._tellings: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._futures: dict[Account, Future[Any]] = {}
        self._changed = threading.Condition()
        self._endings: dict[Account, Ending] = {}
        self._closers = 0

    def submitted(self, account: Account) -> Future[Any]:
        """Hand the branch to the executor."""
        raise NotImplementedError

    def concluded(self, account: Account, future: Future[Any]) -> None:
        """The job is over: `end` the account, unless that is done."""
        raise NotImplementedError

    # In the calling thread.

    def run(self) -> Answer[T]:
        """Decide, commit, answer."""
        try:
            self.begin()
            while not self.race.over:
                self.proceed(rang=self._woken())
            if self.winner is None:
                raise self.all_failed()
            commit(self.winner.kept, functools.partial(self.committing, self.winner))
            return self.answer(self.winner)
        finally:
            self.abandon()
            self._leave()
            self.tell_leave()

    @contextlib.contextmanager
    def standing_still(self) -> Iterator[None]:
        """See `Invocation`. Whoever has ended is about to announce it."""
        with self._changed:
            while self._endings:
                self._changed.wait()
            yield

    def now(self) -> float:
        """Seconds since the speculation began."""
        return time.monotonic() - self._began

    def happened(self, account: Account, ending: Any) -> None:
        """See `Invocation`; wakes the calling thread."""
        super().happened(account, ending)
        self._tellings.put(None)

    def launch(self, account: Account) -> None:
        """Submit the branch."""
        future = self.submitted(account)
        self._futures[account] = future
        future.add_done_callback(functools.partial(self._gone, account))

    def cancel(self, account: Account) -> None:
        """Take the branch out of the queue, if it has not begun."""
        self._futures[account].cancel()

    def _woken(self) -> bool:
        alarm = self.race.alarm
        try:
            self._tellings.get(timeout=None if alarm is None else max(0.0, alarm - self.now()))
        except queue.Empty:
            return True
        return False

    def _leave(self) -> None:
        """The caller goes. What still runs is seen to by a thread of its own."""
        if self._all_gone():
            self.close()
            return
        watcher = threading.Thread(target=self._see_them_go, name="speculate: losers")
        _WATCHERS[watcher] = None
        try:
            watcher.start()
        except RuntimeError:  # the interpreter is shutting down
            del _WATCHERS[watcher]
            self.close()

    # In other threads.

    def end(self, account: Account, *, tell: bool = True, **how: Any) -> None:
        """The branch has an answer or an error; `announce` says so to the calling thread."""
        with self._changed:
            self._endings[account] = account.end(self.now(), **how)
        if tell and telling():
            account.tell_end(self)

    def announce(self, account: Account) -> None:
        """Tell the calling thread of an end, once."""
        with self._changed:
            if (ending := self._endings.pop(account, None)) is not None:
                self.happened(account, ending)
                self._changed.notify_all()

    def record(self) -> Record:
        """See `Invocation`; no attempt ends meanwhile."""
        with self._changed:
            return super().record()

    def close(self) -> None:
        """See `Invocation`; called once."""
        super().close()
        self._futures.clear()  # their callbacks refer to this: no cycle is left to the collector

    def _gone(self, account: Account, future: Future[Any]) -> None:
        """Called once, by whoever finds that the job is over."""
        self.concluded(account, future)
        with self._changed:
            self.left(account)
            self._changed.notify_all()
        self.announce(account)

    def closing(self, close: Callable[[], None]) -> None:
        """Close a client under its branch, in a thread of its own: nobody waits if that hangs."""
        with self._changed:
            self._closers += 1

        def closer() -> None:
            try:
                close()
            finally:
                with self._changed:
                    self._closers -= 1
                    self._changed.notify_all()

        try:
            threading.Thread(target=closer, name="speculate: close", daemon=True).start()
        except RuntimeError:  # the interpreter is shutting down
            closer()

    def _all_gone(self) -> bool:
        with self._changed:
            return self._closers == 0 and not any(one.running for one in self.accounts)

    def _see_them_go(self) -> None:
        until = self.now() + self.terms.grace
        with self._changed:
            while not self._all_gone() and (left := until - self.now()) > 0:
                self._changed.wait(left)
        try:
            self.close()
        finally:
            del _WATCHERS[threading.current_thread()]
