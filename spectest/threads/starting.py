"""How `threading` starts and joins: with these in the place of what `_thread` offers.

CPython 3.11 and 3.12 join a thread through a lock that is released when the thread is over; 3.13
through a handle. Both are here, for threads that belong to a world.
"""

from __future__ import annotations

import _thread
from collections.abc import Callable
from typing import Any

from spectest.threads.agents import Agent, current
from spectest.threads.locks import QuietLock, WaitingList

__all__ = ["VirtualHandle", "count", "set_sentinel", "start_joinable_thread", "start_new_thread"]

_real_count = _thread._count
_real_start = _thread.start_new_thread
_real_start_joinable = getattr(_thread, "start_joinable_thread", None)
_real_handle = getattr(_thread, "_ThreadHandle", None)
_real_sentinel = getattr(_thread, "_set_sentinel", None)


def start_new_thread(function: Any, args: Any, kwargs: Any = None) -> int:
    """`_thread.start_new_thread`."""
    agent = current()
    kwargs = {} if kwargs is None else kwargs
    if agent is None:
        return int(_real_start(function, args, kwargs))
    if not (callable(function) and isinstance(args, tuple) and isinstance(kwargs, dict)):
        return int(_real_start(function, args, kwargs))  # Raises what it raises.
    started = agent.baton.start(function, args, kwargs)
    agent.baton.point(agent)
    return started.ident


def start_for_thread(function: Callable[..., object], args: tuple[Any, ...]) -> int:
    """What `Thread.start` of CPython 3.11 and 3.12 calls, before it waits for the beginning."""
    agent = current()
    if agent is None:
        return int(_real_start(function, args))
    return agent.baton.start(function, args, {}).ident


def count() -> int:
    """`_thread._count`: the threads besides the main one; carriers and the watchdog are none."""
    agent = current()
    return _real_count() if agent is None else len(agent.baton.agents) - 1


def set_sentinel() -> Any:
    """`_thread._set_sentinel`: a lock that is released when the thread that takes it is over."""
    agent = current()
    if agent is None:
        assert _real_sentinel is not None
        return _real_sentinel()
    lock = QuietLock()
    agent.on_end.append(lambda: lock.release() if lock.locked() else None)
    return lock


class VirtualHandle(WaitingList):
    """`_thread._ThreadHandle`: who joins waits here."""

    __slots__ = ("_agent", "_done", "ident")

    def __new__(cls) -> Any:
        """Outside of a world, a real handle."""
        if current() is None and _real_handle is not None:
            return _real_handle()
        return super().__new__(cls)

    def __init__(self) -> None:
        super().__init__()
        self._agent: Agent | None = None
        self._done = False
        self.ident = 0

    def stands_for(self, agent: Agent) -> None:
        """The thread is started."""
        self._agent = agent
        self.ident = agent.ident
        agent.on_end.append(self._set_done)

    def is_done(self) -> bool:
        return self._done

    def _set_done(self) -> None:
        self._check_started()
        self._done = True
        self._wake_all()

    def join(self, timeout: float | None = None) -> None:
        agent = current()
        self._check_started()
        if agent is None:
            return
        if agent is self._agent and not self._done:
            raise RuntimeError("Cannot join current thread")
        if self._done or timeout == 0:
            return
        limit = -1.0 if timeout is None or timeout < 0 else timeout
        self._until(agent, self.is_done, limit)

    def _check_started(self) -> None:
        if self._agent is None:
            raise RuntimeError("thread not started")


def start_joinable_thread(
    function: Callable[..., object], handle: Any = None, daemon: bool = True
) -> Any:
    """`_thread.start_joinable_thread`."""
    agent = current()
    if agent is None or not callable(function):
        assert _real_start_joinable is not None
        return _real_start_joinable(function, handle=handle, daemon=daemon)
    if not isinstance(handle, VirtualHandle):
        # The thread was made before the world began, and is started in it.
        handle = VirtualHandle()
        thread: Any = getattr(function, "__self__", None)
        if hasattr(thread, "_handle"):
            thread._handle = handle
    elif handle.ident:
        raise RuntimeError("thread already started")
    handle.stands_for(agent.baton.start(function, (), {}))
    return handle
