"""How a service works on a call that is awaited: alongside the caller, who may be cancelled."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from spectest.faults import Duplicate
from spectest.kernel.clock import NANOSECONDS, seconds_to_ns
from spectest.services.desk import Desk, Request
from spectest.services.ledger import Call
from spectest.services.options import Interval

__all__ = ["Work", "settle"]


class Work:
    """The service's side of one call. `answered`: what the caller waits for."""

    def __init__(
        self,
        desk: Desk,
        request: Request,
        loop: asyncio.AbstractEventLoop,
        answered: asyncio.Future[None],
    ) -> None:
        self._desk = desk
        self._request = request
        self._loop = loop
        self._answered = answered
        self._operation: asyncio.TimerHandle | None = None
        self._over = False

    def begin(self) -> None:
        """There is a place for it."""
        request = self._request
        self._desk.begins(request)
        if not request.hangs:
            self._operation = self._after(request.call.name, request.ns, self._done)

    def _done(self) -> None:
        request = self._request
        self._over = True
        if self._desk.finishes(request):
            assert isinstance(request.fault, Duplicate)
            later = (seconds_to_ns(request.fault.later),) * 3
            self._after(f"{request.call.name} again", later, self._again)
        if not self._answered.done():
            self._answered.set_result(None)

    def _again(self) -> None:
        self._desk.write(self._request.call, repeated=True)

    def abandoned(self) -> None:
        """The caller was cancelled."""
        if self._over:
            return
        on_cancel = self._desk.options.on_cancel
        if self._request.call.worked_from is None:
            self._desk.capacity.leave(self.begin)
            self._stop()
        elif on_cancel == "stops":
            self._stop()
        elif on_cancel != "ignores":
            noticed = (seconds_to_ns(on_cancel),) * 3
            self._after(f"{self._request.call.name} cancel", noticed, self._stop)

    def _stop(self) -> None:
        if self._over:
            return
        self._over = True
        if self._operation is not None:
            self._operation.cancel()
        self._desk.stops(self._request)

    def _after(
        self, label: str, ns: Interval, callback: Callable[[], object]
    ) -> asyncio.TimerHandle:
        call_remote = getattr(self._loop, "call_remote", None)
        if call_remote is None:
            return self._loop.call_later(ns[1] / NANOSECONDS, callback)
        handle: asyncio.TimerHandle = call_remote(label, ns, callback)
        return handle


async def settle(answer: Any, call: Call) -> Any:
    """An answer, or what a function of the request makes of it."""
    if callable(answer):
        answer = answer(*call.args, **call.kwargs)
    if inspect.isawaitable(answer):
        answer = await answer
    return answer
