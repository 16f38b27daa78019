"""What a fake service is told when it is made, checked once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from spectest.errors import UsageError
from spectest.faults import FaultPlan
from spectest.kernel.clock import seconds_to_ns
from spectest.latency import Latency, as_latency
from spectest.services.ledger import Call

__all__ = ["Interval", "OnCancel", "Options", "interval_ns"]

Interval: TypeAlias = tuple[int, int, int]
OnCancel: TypeAlias = float | Literal["stops", "ignores"]


@dataclass(frozen=True, slots=True)
class Options:
    """The arguments of `FakeService`, where they are explained."""

    name: str
    latency: Any
    answer: Any
    valid: Callable[[Any], bool] | None
    effect: Callable[..., Any] | None
    failures: FaultPlan
    capacity: int | None
    queue: int | None
    connections: int | None
    on_cancel: OnCancel
    cost: float | Callable[[Call], float]

    def __post_init__(self) -> None:
        name: Any = self.name
        if not isinstance(name, str) or not name:
            raise UsageError(f"FakeService: name={self.name!r} must be a word, such as 'llm'")
        if not callable(self.latency):
            self._check_latency(self.latency, "latency")
        for field, least in (("capacity", 1), ("queue", 0), ("connections", 1)):
            value = getattr(self, field)
            if value is not None and (type(value) is not int or value < least):
                self._refuse(field, f"a whole number, {least} or more, or None for no limit")
        if self.queue is not None and self.capacity is None:
            self._refuse("queue", "None where capacity is None: nobody ever waits")
        for field in ("valid", "effect"):
            value = getattr(self, field)
            if value is not None and (not callable(value) or inspect.iscoroutinefunction(value)):
                self._refuse(field, "a plain function, or None")
        if self.on_cancel not in ("stops", "ignores") and not _is_seconds(self.on_cancel):
            self._refuse("on_cancel", "'stops', 'ignores' or a number of seconds")
        if not callable(self.cost) and not _is_seconds(self.cost):
            self._refuse("cost", "a number, 0 or more, or a function of the call")

    def latency_of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Latency:
        """How long this request takes."""
        if isinstance(self.latency, Latency) or not callable(self.latency):
            return as_latency(self.latency)
        return self._check_latency(self.latency(*args, **kwargs), "latency(request)")

    def cost_of(self, call: Call) -> float:
        """What a call costs that is worked off."""
        return float(self.cost(call)) if callable(self.cost) else float(self.cost)

    def _check_latency(self, latency: Any, called: str) -> Latency:
        try:
            return as_latency(latency)
        except UsageError as why:
            raise UsageError(f"FakeService {self.name!r}: {called}={latency!r}: {why}") from None

    def _refuse(self, field: str, rule: str) -> None:
        value = getattr(self, field)
        raise UsageError(f"FakeService {self.name!r}: {field}={value!r} must be {rule}")


def interval_ns(latency: Latency) -> Interval:
    """(shortest, usual, longest), in nanoseconds."""
    shortest, usual, longest = map(seconds_to_ns, latency.interval())
    return shortest, usual, longest


def _is_seconds(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 <= value < float("inf")
