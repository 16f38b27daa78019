"""How a service works on a call that is awaited: alongside the caller, who may be cancelled."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from spectest.errors import UsageError
from spectest.faults import Duplicate
from spectest.kernel.clock import NANOSECONDS, seconds_to_ns
from spectest.services.desk import Desk, Request
from spectest.services.options import Interval
from spectest.source.names import Spoken

__all__ = ["Work"]


class Work(Spoken):
    """One call: the service's side of it, and the caller's, which waits in `answer`."""

    def __init__(self, desk: Desk, request: Request) -> None:
        self._desk = desk
        self._request = request
        self._loop = asyncio.get_running_loop()
        self._answered: asyncio.Future[None] = self._loop.create_future()
        self._operation: asyncio.TimerHandle | None = None
        self._over = False

    @property
    def waited_for(self) -> str:
        return self._desk.waited_for(self._request)

    # The caller.

    async def answer(self) -> Any:
        """Wait until the service is done; what it answers or raises."""
        desk, request = self._desk, self._request
        desk.capacity.take(self._begin)
        try:
            await self._answered
        except asyncio.CancelledError:
            desk.given_up(request)
            self._abandoned()
            raise
        try:
            answer = desk.outcome(request)
            if callable(answer):
                answer = answer(*request.call.args, **request.call.kwargs)
            if inspect.isawaitable(answer):
                answer = await answer
        except asyncio.CancelledError:
            desk.given_up(request)
            raise
        except Exception as error:
            desk.failed(request, error)
            raise
        return desk.answers(request, answer)

    # The service.

    def _begin(self) -> None:
        """There is a place for it. A call in another thread may have given it back."""
        self._desk.begins(self._request)
        if self._request.hangs:
            return
        if _runs_here(self._loop):
            self._start()
        else:
            self._loop.call_soon_threadsafe(self._start)

    def _start(self) -> None:
        if not self._over:
            self._operation = self._after(self._request.call.name, self._request.ns, self._done)

    def _done(self) -> None:
        request = self._request
        self._over = True
        try:
            twice = self._desk.finishes(request)
        except UsageError as misuse:
            if self._answered.done():
                raise
            self._answered.set_exception(misuse)
            return
        if twice:
            assert isinstance(request.fault, Duplicate)
            later = (seconds_to_ns(request.fault.later),) * 3
            self._after(f"{request.call.name} again", later, self._again)
        if not self._answered.done():
            self._answered.set_result(None)

    def _again(self) -> None:
        self._desk.write(self._request.call, repeated=True)

    def _abandoned(self) -> None:
        """The caller was cancelled."""
        if self._over:
            return
        on_cancel = self._desk.options.on_cancel
        if self._request.call.worked_from is None:
            self._desk.capacity.leave(self._begin)
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


def _runs_here(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether this is a callback or task of `loop`."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
