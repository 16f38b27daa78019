"""What a fake service is told when it is made, checked once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from spectest.errors import UsageError
from spectest.executors.script import is_seconds
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
        if isinstance(self.latency, Latency) or not callable(self.latency):
            self._check_latency(self.latency, "latency")
        self._check_counts()
        self._check_functions()
        if self.on_cancel not in ("stops", "ignores") and not is_seconds(self.on_cancel):
            self._refuse("on_cancel", "'stops', 'ignores' or a number of seconds")
        if not callable(self.cost) and not is_seconds(self.cost):
            self._refuse("cost", "a number, 0 or more, or a function of the call")

    def _check_counts(self) -> None:
        for field, least in (("capacity", 1), ("queue", 0), ("connections", 1)):
            value = getattr(self, field)
            if value is not None and (type(value) is not int or value < least):
                self._refuse(field, f"a whole number, {least} or more, or None for no limit")
        if self.queue is not None and self.capacity is None:
            self._refuse("queue", "None where capacity is None: nobody ever waits")

    def _check_functions(self) -> None:
        for field in ("valid", "effect"):
            value = getattr(self, field)
            if value is not None and not callable(value):
                self._refuse(field, "a plain function, or None")
        for field in ("latency", "valid", "effect", "cost"):
            if inspect.iscoroutinefunction(getattr(self, field)):
                self._refuse(field, "a plain function: nothing awaits what it returns")

    def latency_of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Latency:
        """How long this request takes. Raises `UsageError` if the function makes no sense of it."""
        if isinstance(self.latency, Latency) or not callable(self.latency):
            return as_latency(self.latency)
        latency = self._told("latency(request)", self.latency, *args, **kwargs)
        return self._check_latency(latency, "latency(request)")

    def cost_of(self, call: Call) -> float:
        """What a call costs that is worked off. Raises `UsageError` if the function cannot tell."""
        cost: Any = self._told("cost(call)", self.cost, call) if callable(self.cost) else self.cost
        if not is_seconds(cost):
            raise UsageError(
                f"FakeService {self.name!r}: cost(call)={cost!r} must be a number, 0 or more"
            )
        return float(cost)

    def _told(self, called: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """What a function of the test's author says; if it raises, that is theirs to mend."""
        try:
            return function(*args, **kwargs)
        except Exception as error:
            raise UsageError(
                f"FakeService {self.name!r}: {called} raised {type(error).__name__}: {error}"
            ) from error

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
