"""One service in one world: its ledger, its places, its faults, and what happens to each call.

Both faces of a service, `await` and blocking, keep their calls here. Nothing in here waits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from spectest.faults import (
    Duplicate,
    Fault,
    Firing,
    Hang,
    Raise,
    RateLimit,
    RateLimited,
    Reset,
    SlowStart,
    WrongAnswer,
)
from spectest.kernel.clock import FOREVER_NS, NANOSECONDS, seconds_to_ns
from spectest.kernel.mentions import Mentions
from spectest.kernel.scheduler import Scheduler
from spectest.services.capacity import Capacity
from spectest.services.ledger import Call, Effect, Ledger
from spectest.services.options import Interval, Options, interval_ns
from spectest.threads.agents import WorldEnded, current

__all__ = ["Desk", "Request"]

_FOR_EVER: Interval = (FOREVER_NS, FOREVER_NS, FOREVER_NS)


class Request:
    """A call on its way. `ns`: how long the service works on it, (shortest, usual, longest)."""

    def __init__(self, call: Call, fault: Fault | None, ns: Interval) -> None:
        self.call = call
        self.fault = fault
        self.ns = ns

    @property
    def hangs(self) -> bool:
        return isinstance(self.fault, Hang)


class Desk:
    """`now`: the clock of the world, in seconds. `scheduler`: None outside of all worlds."""

    def __init__(
        self, options: Options, scheduler: Scheduler | None, now: Callable[[], float]
    ) -> None:
        self.options = options
        self.scheduler = scheduler
        self.now = now
        self.ledger = Ledger(options.name)
        self.capacity = Capacity(options.capacity, options.queue)
        self._open = 0
        mentions = Mentions() if scheduler is None else scheduler.mentions
        self._own = Firing(options.failures, mentions, options.name)
        if scheduler is not None:
            scheduler.ledgers.append(self.ledger)

    @property
    def at_work(self) -> list[str]:
        """The calls that have a place."""
        calls = self.ledger.calls
        return [it.name for it in calls if it.worked_from is not None and it.worked_until is None]

    def waited_for(self, request: Request) -> str:
        """What a caller waits for, to be put after "waits for"."""
        call = request.call
        if call.worked_from is not None:
            return f"`{call.name}`, which hangs" if request.hangs else f"`{call.name}`"
        taken = ", ".join(f"`{name}`" for name in self.at_work)
        return f"a place in `{self.options.name}`, which is taken by {taken}"

    # From the call to its end.

    def receive(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Request:
        """A call comes in. Raises what a caller is refused with."""
        options = self.options
        latency = options.latency_of(args, kwargs)
        number = len(self.ledger.calls) + 1
        name = f"{options.name}#{number}" if self.scheduler is None else self._label()
        call = Call(name, number, args, kwargs, began=self.now())
        self.ledger.calls.append(call)
        self._tells("begins", call, "service")
        if options.connections is not None and self._open >= options.connections:
            self._refuse(call, f"no connection is free; there are {options.connections}")
        if self.capacity.full:
            self._refuse(call, f"its queue of {options.queue} is full")
        fault = self._fault(call)
        if isinstance(fault, RateLimit):
            call.outcome, call.ended = "raised", call.began
            self._tells("ends", call, "raised RateLimited")
            raise RateLimited(f"{options.name}: too many requests", fault.retry_after)
        self._open += 1
        return Request(call, fault, self._interval(call, latency, fault))

    def begins(self, request: Request) -> None:
        """The service works on it."""
        request.call.worked_from = self.now()

    def finishes(self, request: Request) -> bool:
        """The service is done with it. Whether it will be delivered a second time."""
        call, fault = request.call, request.fault
        self._leave(call)
        call.finished = not isinstance(fault, Raise | Reset)
        if not isinstance(fault, Raise):
            self.write(call, partial=isinstance(fault, Reset))
        call.cost = self.options.cost_of(call) * _part(fault)
        return isinstance(fault, Duplicate)

    def stops(self, request: Request) -> None:
        """The service has noticed that nobody waits for the answer any more."""
        call = request.call
        self._leave(call)
        usual = request.ns[1] / NANOSECONDS
        if call.worked_from is not None and usual and not request.hangs:
            part = min((self.now() - call.worked_from) / usual, 1.0)
            call.cost = self.options.cost_of(call) * part * _part(request.fault)
        if self.options.on_cancel == "stops":
            call.worked_until = call.ended  # Real clocks have gone on meanwhile.

    def _leave(self, call: Call) -> None:
        self._open -= 1
        if call.worked_from is not None:
            call.worked_until = self.now()
            self.capacity.give_back()
        else:
            call.worked_until = call.ended
        if call.outcome == "cancelled":
            self._released(call)

    def write(self, call: Call, *, partial: bool = False, repeated: bool = False) -> None:
        """The effect of the call takes place. What it raises is kept for the caller."""
        effect = self.options.effect
        if effect is None:
            return
        late = call.outcome == "cancelled"
        how = " again" * repeated + ", though cancelled" * late + ", in part" * partial
        try:
            what = effect(*call.args, **call.kwargs)
        except (KeyboardInterrupt, SystemExit, WorldEnded):
            raise
        except BaseException as error:  # noqa: BLE001  # whatever it throws is the caller's
            call.error = error
            how = f" nothing: {type(error).__name__}{how}"
        else:
            self.ledger.effects.append(Effect(what, call.name, self.now(), late, partial, repeated))
        agent = current()
        if self._witness is not None:
            self._witness.emit("effect", call.name, f"writes{how}")
        elif agent is not None:
            agent.baton.tell("effect", call.name, agent, f"writes{how}")

    def outcome(self, request: Request) -> Any:
        """An answer, or a function that makes it; raises what the caller gets instead."""
        call, fault = request.call, request.fault
        call.ended = self.now()
        call.outcome = "raised"
        if isinstance(fault, Raise):
            raise fault.make()
        if isinstance(fault, Reset):
            raise ConnectionResetError(f"{self.options.name}: the connection was reset")
        if call.error is not None:
            raise call.error
        if isinstance(fault, WrongAnswer):
            return fault.answer
        return self.options.answer

    def answers(self, request: Request, answer: Any) -> Any:
        """The caller has got `answer`."""
        call, valid = request.call, self.options.valid
        call.answer = answer
        call.valid = None if valid is None else bool(valid(answer))
        call.outcome = "answered"
        self._tells("ends", call, "invalid" if call.valid is False else "valid", answer)
        return answer

    def given_up(self, request: Request) -> None:
        """The caller waits no longer."""
        request.call.outcome, request.call.ended = "cancelled", self.now()
        self._tells("ends", request.call, "cancelled")
        if request.call.worked_until is not None:
            self._released(request.call)

    def _releases(self, call: Call) -> None:
        """Nothing at the service works on a call that was given up."""
        if self._witness is not None:
            self._witness.emit("released", call.name, "")

    def failed(self, request: Request, error: BaseException) -> None:
        """The caller has got `error`."""
        self._tells("ends", request.call, f"raised {type(error).__name__}: {error}")

    # What it tells.

    @property
    def _witness(self) -> Any:
        return None if self.scheduler is None else self.scheduler.witness

    def _released(self, call: Call) -> None:
        """Nothing of a call that was given up is left at the service."""
        if self._witness is not None:
            self._witness.emit("released", call.name, "")

    def _tells(self, what: str, call: Call, *detail: Any) -> None:
        witness = self._witness
        if witness is not None:
            getattr(witness, what)(call.name, *detail)

    # What it meets.

    def _label(self) -> str:
        assert self.scheduler is not None
        return self.scheduler.name(self.options.name)

    def _refuse(self, call: Call, why: str) -> None:
        call.outcome, call.ended = "raised", call.began
        self._tells("ends", call, "raised ConnectionRefusedError")
        self.ledger.refused += 1
        raise ConnectionRefusedError(f"{self.options.name}: {why}")

    def _fault(self, call: Call) -> Fault | None:
        scheduler = self.scheduler
        if scheduler is None:
            return None
        asked: Counter[str] = Counter()
        for firing, name in ((scheduler.firing, self.options.name), (self._own, None)):
            if firing is None:
                continue
            fault: Fault | None = firing.strike(
                scheduler.door,
                call.name,
                partial(self._may_hit, call, name),
                asked,
                None if scheduler.sampler is None else partial(self._chance, call),
            )
            if fault is not None:
                call.fault = fault.says
                return fault
        return None

    def _may_hit(self, call: Call, name: str | None, fault: Fault) -> bool:
        """`name`: of the service; None for one of its own failures, which hit no other."""
        return fault.hits(fault.on if name is None else name, call.began, call.args, call.kwargs)

    def _chance(self, call: Call, fault: Fault) -> float:
        assert self.scheduler is not None
        assert self.scheduler.sampler is not None
        return self.scheduler.sampler.uniform(self.options.name, call.number, fault.says)

    def _interval(self, call: Call, latency: Any, fault: Fault | None) -> Interval:
        if isinstance(fault, Hang):
            return _FOR_EVER
        sampler = None if self.scheduler is None else self.scheduler.sampler
        if sampler is None:
            ns = interval_ns(latency)
        else:
            ns = (seconds_to_ns(sampler.seconds(self.options.name, call.number, latency)),) * 3
        extra = seconds_to_ns(fault.extra) if isinstance(fault, SlowStart) else 0
        shortest, usual, longest = (round(one * _part(fault)) + extra for one in ns)
        return shortest, usual, longest


def _part(fault: Fault | None) -> float:
    """Which part of its work the service does on a call."""
    return fault.at if isinstance(fault, Reset) else 1.0
