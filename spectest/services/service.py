"""`FakeService`: a remote dependency that a test can hold, break and audit."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Literal

from spectest.errors import UsageError
from spectest.faults import Duplicate, Fault, FaultPlan
from spectest.kernel.clock import NANOSECONDS
from spectest.kernel.scheduler import Scheduler
from spectest.services.awaited import Work, settle
from spectest.services.desk import Desk, Request
from spectest.services.ledger import Call, Ledger
from spectest.services.options import OnCancel, Options
from spectest.threads.agents import Agent, current

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
    whether or not somebody still waits; what it returns stands in the ledger as written.
    `failures`: faults of `spectest.faults` that may hit its calls, one or several. Each that fires
    is a choice of the search.
    `capacity`: on how many calls it works at once; others wait in its queue, `queue` of them at
    most. `connections`: how many calls may be open at once, the waiting ones included. What is
    beyond is refused with `ConnectionRefusedError`. None: no limit.
    `on_cancel`: what happens at the service when an awaited call is cancelled. The await ends at
    once in any case. "stops": so does the work. A number: the service notices after so many
    seconds. "ignores": it works the call off, holds its connection and writes its effect, a dead
    handle. A thread cannot be cancelled, so this is of no concern to `blocking`.
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
        return f"FakeService({self.name!r})"

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
        loop = asyncio.get_running_loop()
        request = desk.receive(args, kwargs)
        answered = loop.create_future()
        work = Work(desk, request, loop, answered)
        desk.capacity.take(work.begin)
        try:
            await answered
        except asyncio.CancelledError:
            desk.given_up(request)
            work.abandoned()
            raise
        answer = await settle(desk.outcome(request), request.call)
        return desk.answers(request, answer)

    def blocking(self, *args: Any, **kwargs: Any) -> Any:
        """Ask, and block the calling thread until the answer is there."""
        desk = self._here()
        request = desk.receive(args, kwargs)
        _wait_for_place(desk, request)
        _work(request)
        if desk.finishes(request):
            _deliver_again(desk, request)
        answer = desk.outcome(request)
        if callable(answer):
            answer = answer(*request.call.args, **request.call.kwargs)
        if inspect.isawaitable(answer):
            if inspect.iscoroutine(answer):
                answer.close()
            raise UsageError(
                f"{self!r} answers with something to await; its blocking face cannot wait for it"
            )
        return desk.answers(request, answer)

    # The world it is in.

    def _here(self) -> Desk:
        agent = current()
        world, scheduler, now = _surroundings(agent)
        if self._desk is None or (world is not None and world is not self._world):
            self._world, self._desk = world, Desk(self._options, scheduler, now)
        return self._desk


def _surroundings(agent: Agent | None) -> tuple[object, Scheduler | None, Callable[[], float]]:
    """What tells one world from the next, its scheduler, and its clock in seconds."""
    if agent is not None:
        baton = agent.baton

        def now() -> float:
            return baton.now_ns(current() or agent) / NANOSECONDS

        return baton.scheduler, baton.scheduler, now
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return None, None, time.monotonic
    scheduler = getattr(loop, "scheduler", None)
    return scheduler or loop, scheduler, loop.time


# The blocking face.


def _wait_for_place(desk: Desk, request: Request) -> None:
    agent = current()
    free = threading.Event() if agent is None else None

    def begin() -> None:
        desk.begins(request)
        if free is not None:
            free.set()
        elif agent is not None:
            agent.baton.wake(agent)

    desk.capacity.take(begin)
    if free is not None:
        free.wait()
    while agent is not None and request.call.worked_from is None:
        agent.baton.wait(agent)


def _work(request: Request) -> None:
    agent = current()
    if agent is not None:
        agent.baton.perform(agent, "call", request.call.name, request.ns)
    else:
        time.sleep(request.ns[1] / NANOSECONDS)


def _deliver_again(desk: Desk, request: Request) -> None:
    fault = request.fault
    assert isinstance(fault, Duplicate)

    def again() -> None:
        time.sleep(fault.later)
        desk.write(request.call, repeated=True)

    threading.Thread(target=again, name=f"{request.call.name} again", daemon=True).start()
