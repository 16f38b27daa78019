"""`queue.SimpleQueue` of a world: a real one, waited for by handing the baton on."""

from __future__ import annotations

import _queue
import _thread
from types import GenericAlias
from typing import Any

from spectest.threads.agents import Agent, present
from spectest.threads.locks import WaitingList

__all__ = ["VirtualSimpleQueue", "real_simple_queue"]

real_simple_queue = _queue.SimpleQueue
_get_ident = _thread.get_ident


class VirtualSimpleQueue(WaitingList):
    """`queue.SimpleQueue`; a choice point before each `get` and after each `put`."""

    __slots__ = ("__weakref__", "_got", "_inner")

    def __new__(cls) -> Any:
        """Outside of a world, a real queue."""
        return super().__new__(cls) if _get_ident() in present else real_simple_queue()

    def __init__(self) -> None:
        super().__init__()
        self._inner: Any = real_simple_queue()
        self._got: dict[Agent, Any] = {}

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        self._inner.put(item)
        if self._waiting:
            self._wake_all()
        agent = present.get(_get_ident())
        if agent is not None:
            agent.baton.point(agent)

    def put_nowait(self, item: Any) -> None:
        self.put(item)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        agent = present.get(_get_ident())
        if agent is None:
            return self._inner.get(block, timeout)
        if block and timeout is not None and timeout < 0:
            raise ValueError("'timeout' must be a non-negative number")
        agent.baton.point(agent)
        if not self._try(agent):
            if not block or timeout == 0:
                agent.baton.look_in_vain(agent)
                raise _queue.Empty
            limit = -1 if timeout is None else timeout
            if not self._until(agent, lambda: self._try(agent), limit):
                raise _queue.Empty
        return self._got.pop(agent)

    def _try(self, agent: Agent) -> bool:
        try:
            self._got[agent] = self._inner.get_nowait()
        except _queue.Empty:
            return False
        if self._woken and self._inner.empty():
            self._taken()
        return True

    def get_nowait(self) -> Any:
        return self.get(block=False)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._inner.__reduce_ex__(protocol)  # Raises what it raises.

    def empty(self) -> bool:
        self._look()
        return self._inner.empty()  # type: ignore[no-any-return]

    def qsize(self) -> int:
        self._look()
        return self._inner.qsize()  # type: ignore[no-any-return]

    def _look(self) -> None:
        agent = present.get(_get_ident())
        if agent is not None:
            agent.baton.look_in_vain(agent)

    __class_getitem__: Any = classmethod(GenericAlias)
