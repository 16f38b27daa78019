"""Locks of a world: around a real lock each, and waited for by handing the baton on.

Whoever takes or releases such a lock comes to a choice point, and nobody ever blocks in the real
lock. `Condition`, `Event`, `Semaphore`, `Barrier` and `Queue` are CPython's own, on top of these.
Outside of a world, and in threads that are not part of one, they are the real locks.
"""

from __future__ import annotations

import _thread
import sys
from collections.abc import Callable
from typing import Any

from spectest.kernel.trace import NOWHERE
from spectest.source.lines import calling_frame, line_of
from spectest.threads.agents import Agent, present

__all__ = ["QuietLock", "VirtualLock", "VirtualRLock", "WaitingList", "real_lock", "real_rlock"]

real_lock: Callable[[], Any] = _thread.allocate_lock
real_rlock: Callable[[], Any] = _thread.RLock
_get_ident = _thread.get_ident


class WaitingList:
    """The agents that wait for one thing, in order; base of whatever can be waited for."""

    __slots__ = ("_waiting", "_woken")

    def __init__(self) -> None:
        self._waiting: list[Agent] = []
        self._woken: list[Agent] = []

    def _until(self, agent: Agent, attempt: Callable[[], bool], timeout: float) -> bool:
        """Wait until `attempt` succeeds, for `timeout` seconds or, if below zero, for ever."""
        baton = agent.baton
        if timeout >= 0:
            baton.alarm(agent, _name_of_timeout(agent), timeout)
        try:
            while True:
                self._waiting.append(agent)
                try:
                    in_time = baton.wait(agent)
                finally:
                    self._leave(agent)
                if not in_time:
                    agent.expired_ns = baton.now_ns(agent)
                    return False
                if attempt():
                    return True
        finally:
            baton.silence(agent)

    def _leave(self, agent: Agent) -> None:
        """`agent` waits no longer: it was woken, timed out or interrupted, or its world ended."""
        for waiting in (self._woken, self._waiting):
            if agent in waiting:
                waiting.remove(agent)

    def _wake_all(self) -> None:
        """Whoever waits may try; which of them is first is up to the turns."""
        woken, self._waiting = self._waiting, []
        self._woken += woken
        for agent in woken:
            agent.baton.wake(agent)

    def _taken(self) -> None:
        """Somebody was first: the others need not try."""
        for agent in [agent for agent in self._woken if agent.baton.unwake(agent)]:
            self._woken.remove(agent)
            self._waiting.append(agent)


def _name_of_timeout(agent: Agent) -> str:
    """A deadline is called after the user's function that waits."""
    frame = calling_frame(sys._getframe(2))
    return f"{agent.name if frame is None else frame.f_code.co_name} timeout"


class VirtualLock(WaitingList):
    """`threading.Lock`.

    `holder`: the agent that took it last, while it is locked. `taken_at`: at which line of the
    user's, if its world records.
    """

    __slots__ = ("__weakref__", "_inner", "holder", "taken_at")
    __module__ = "_thread"

    def __new__(cls) -> Any:
        """Outside of a world, a real lock."""
        return super().__new__(cls) if _get_ident() in present else real_lock()

    def __init__(self) -> None:
        self._wrap(real_lock())
        self._made()

    def __init_subclass__(cls) -> None:
        if cls.__module__ != __name__:
            raise TypeError("type '_thread.lock' is not an acceptable base type")

    @classmethod
    def around(cls, inner: Any) -> Any:
        """One that shares the real lock `inner` with whoever has it."""
        lock = object.__new__(cls)
        lock._wrap(inner)
        return lock

    def _wrap(self, inner: Any) -> None:
        super().__init__()
        self._inner = inner
        self.holder: Agent | None = None
        self.taken_at = NOWHERE

    def _made(self) -> None:
        """Making a lock is a choice point: what is made lazily may be made twice."""
        agent = present.get(_get_ident())
        if agent is not None:
            agent.baton.point(agent)

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        agent = present.get(_get_ident())
        if agent is None:
            return self._inner.acquire(blocking, timeout)  # type: ignore[no-any-return]
        if timeout != -1:
            self._check(blocking, timeout)
            blocking = timeout != 0
        agent.baton.point(agent)
        if self._try(agent):
            return True
        if not blocking:
            agent.baton.look_in_vain(agent)
            return False
        return self._until(agent, lambda: self._try(agent), timeout)

    def _try(self, agent: Agent) -> bool:
        if not self._inner.acquire(False):
            return False
        self.holder = agent
        if agent.baton.records:
            self.taken_at = line_of(calling_frame(sys._getframe(1)))
        if self._woken:
            self._taken()
        return True

    def _check(self, blocking: bool, timeout: float) -> None:
        """Raise what the real lock raises for a timeout that means nothing."""
        if not blocking or not 0 <= timeout <= _thread.TIMEOUT_MAX:
            real_lock().acquire(blocking, timeout)

    def release(self) -> None:
        self._inner.release()
        self._released()
        agent = present.get(_get_ident())
        if agent is not None:
            agent.baton.point(agent)

    def _released(self) -> None:
        self.holder = None
        if self._waiting:
            self._wake_all()

    def abandon(self) -> None:
        """The world is over: whoever of its threads held the lock holds it no longer."""
        if self.holder is not None and self._held():
            self._inner.release()
        self.holder = None
        self._waiting, self._woken = [], []

    def locked(self) -> bool:
        if self._held():
            agent = present.get(_get_ident())
            if agent is not None:
                agent.baton.look_in_vain(agent)
        return self._held()

    def _held(self) -> bool:
        return self._inner.locked()  # type: ignore[no-any-return]

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()

    def _is_owned(self) -> bool:
        """What `Condition` finds out by trying; it is not worth a choice point."""
        return self._held()

    def _at_fork_reinit(self) -> None:
        self._inner._at_fork_reinit()
        self._wrap(self._inner)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._inner.__reduce_ex__(protocol)  # Raises what it raises.

    def __repr__(self) -> str:
        state = "locked" if self._held() else "unlocked"
        return f"<{state} _thread.lock object at {id(self):#x}>"

    acquire_lock = acquire
    release_lock = release
    locked_lock = locked


class QuietLock(VirtualLock):
    """A lock inside CPython's own primitives, where only blocking matters."""

    __slots__ = ()

    def _made(self) -> None:
        """No choice point."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        agent = present.get(_get_ident())
        if agent is None:
            return self._inner.acquire(blocking, timeout)  # type: ignore[no-any-return]
        if timeout != -1:
            self._check(blocking, timeout)
        if self._try(agent):
            return True
        if not blocking or timeout == 0:
            return False
        return self._until(agent, lambda: self._try(agent), timeout)

    def release(self) -> None:
        self._inner.release()
        self._released()

    def locked(self) -> bool:
        return self._held()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()


class VirtualRLock(VirtualLock):
    """`threading.RLock`: a choice point at the outermost level only."""

    __slots__ = ()

    def __new__(cls, *args: object, **kwargs: object) -> Any:
        """Outside of a world, a real lock; like that, it takes any arguments."""
        if cls is VirtualRLock and _get_ident() not in present:
            return real_rlock()
        return object.__new__(cls)

    def __init__(self, *args: object, **kwargs: object) -> None:
        self._wrap(real_rlock())
        self._made()

    def __init_subclass__(cls) -> None:
        """Unlike `threading.Lock`, it may have subclasses."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if self._inner._is_owned():
            return self._inner.acquire(blocking, timeout)  # type: ignore[no-any-return]
        return super().acquire(blocking, timeout)

    def _check(self, blocking: bool, timeout: float) -> None:
        if not blocking or not 0 <= timeout <= _thread.TIMEOUT_MAX:
            real_rlock().acquire(blocking, timeout)

    def release(self) -> None:
        self._inner.release()
        if self._inner._is_owned():
            return
        self._released()
        agent = present.get(_get_ident())
        if agent is not None:
            agent.baton.point(agent)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()

    def abandon(self) -> None:
        if self.holder is not None:
            self._inner._at_fork_reinit()
        self.holder = None
        self._waiting, self._woken = [], []

    def _held(self) -> bool:
        return self.holder is not None or self._inner._is_owned()

    def _is_owned(self) -> bool:
        return self._inner._is_owned()  # type: ignore[no-any-return]

    def _recursion_count(self) -> int:
        return self._inner._recursion_count()  # type: ignore[no-any-return]

    def _release_save(self) -> Any:
        state = self._inner._release_save()
        self._released()
        return state

    def _acquire_restore(self, state: Any) -> None:
        agent = present.get(_get_ident())
        if agent is not None:
            if not self._try(agent):
                self._until(agent, lambda: self._try(agent), -1)
            self._inner.release()
        self._inner._acquire_restore(state)

    def __repr__(self) -> str:
        return repr(self._inner)
