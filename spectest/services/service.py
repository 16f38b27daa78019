"""`FakeService`: a remote dependency that a test can hold, break and audit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Literal

from spectest.errors import UsageError
from spectest.faults import Fault, FaultPlan
from spectest.latency import Latency
from spectest.services.awaited import Work
from spectest.services.blocked import BlockingWork
from spectest.services.desk import Desk
from spectest.services.ledger import Call, Ledger
from spectest.services.options import OnCancel, Options
from spectest.services.surroundings import surroundings

__all__ = ["FakeService"]


class FakeService:
    """A named remote dependency.

    `await service(request)` in asyncio, `service.blocking(request)` in threads; the arguments are
    the service's own affair. In a world of spectest a call takes any time its latency allows, and
    the search chooses which. Elsewhere it takes its usual time, and nothing goes wrong.

    `name`: what reports call it; its second call is "llm#2".
    `latency`: a number of seconds, a pair (shortest, longest), one of `spectest.latency`, or a
    function of the request that returns one of these.
    `answer`: what it answers, or a function of the request that returns or raises it; it may be a
    coroutine function where the service is awaited.
    `valid`: says of an answer whether it is a valid one; for the ledger.
    `effect`: a function of the request that is called when the service has worked the call off,
    whether or not somebody still waits; what it returns stands in the ledger as written. What it
    raises is raised for the caller, too, and of a dead handle kept in the ledger.
    `failures`: faults of `spectest.faults` that may hit its calls, one or several. Each that fires
    is a choice of the search.
    `capacity`: on how many calls it works at once; others wait in its queue, `queue` of them at
    most. `connections`: how many calls may be open at once, the waiting ones included. What is
    beyond is refused with `ConnectionRefusedError`. None: no limit.
    `on_cancel`: what happens at the service when an awaited call is cancelled. The await ends at
    once in any case. "stops": so does the work. A number: the service notices after so many
    seconds. "ignores": it works the call off, holds its connection and writes its effect, a dead
    handle. A call that waits in the queue leaves it in any case. A thread cannot be cancelled, so
    this is of no concern to `blocking`.
    `cost`: of a call, or a function of the `Call`; one that was stopped costs the part that was
    worked.

    Raises `UsageError` for an argument that means nothing.
    """

    def __init__(
        self,
        name: str,
        *,
        latency: Any = 0.0,
        answer: Any = None,
        valid: Callable[[Any], bool] | None = None,
        effect: Callable[..., Any] | None = None,
        failures: FaultPlan | Fault | Iterable[Fault] | None = None,
        capacity: int | None = None,
        queue: int | None = None,
        connections: int | None = None,
        on_cancel: OnCancel | Literal["stops", "ignores"] = "stops",
        cost: float | Callable[[Call], float] = 0.0,
    ) -> None:
        self._options = Options(
            name,
            latency,
            answer,
            valid,
            effect,
            FaultPlan.of(failures),
            capacity,
            queue,
            connections,
            on_cancel,
            cost,
        )
        self._world: object = None
        self._desk: Desk | None = None

    def __repr__(self) -> str:
        latency = self._options.latency
        of_request = callable(latency) and not isinstance(latency, Latency)
        shown = "a function" if of_request else repr(latency)
        return f"FakeService({self.name!r}, latency={shown})"

    @property
    def name(self) -> str:
        """What reports call it."""
        return self._options.name

    @property
    def ledger(self) -> Ledger:
        """Calls and effects in this world; outside of all, those of the last one."""
        return self._here().ledger

    # Calls.

    def __call__(self, *args: Any, **kwargs: Any) -> Coroutine[Any, Any, Any]:
        """Ask; what is awaited is the answer."""
        asking: Any = self._ask(args, kwargs)
        asking.__name__ = asking.__qualname__ = self.name
        return asking  # type: ignore[no-any-return]

    async def _ask(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        desk = self._here()
        try:
            request = desk.receive(args, kwargs)
        except UsageError as misuse:
            # A program that catches everything must not hide it.
            loop: Any = asyncio.get_running_loop()
            if getattr(loop, "escape", misuse) is None:
                loop.escape = misuse
            raise
        return await Work(desk, request).answer()

    def blocking(self, *args: Any, **kwargs: Any) -> Any:
        """Ask, and block the calling thread until the answer is there."""
        desk = self._here()
        return BlockingWork(desk, desk.receive(args, kwargs)).answer()

    def __reduce__(self) -> Any:
        raise UsageError(
            f"{self!r} cannot be copied or sent to another process: what it is asked there, its "
            "ledger here would not know.\nCall it in the process of the test, and pass its answer."
        )

    # The world it is in.

    def _here(self) -> Desk:
        here = surroundings()
        if self._desk is None or here.world not in (None, self._world):
            self._world = here.world
            self._desk = Desk(self._options, here.scheduler, here.now)
        return self._desk
