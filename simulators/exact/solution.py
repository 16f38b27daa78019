"""An exact answer to a scenario: its numbers, the formula, and the paper that has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

__all__ = ["NotApplicable", "Solution"]


@dataclass(frozen=True, slots=True)
class Solution:
    """What is known of a scenario without simulating it.

    `formula` and `source` say how. `measures` has the names of `simulators.estimators`: latency in
    seconds of the requests that are answered (`mean`, `p50`, `p95`, `p99`, `p99.9`), `unanswered`,
    means for each request (`work`, `wasted`, `launches`, `drops`, `cost`), `utilisation`; those
    that the formula does not give are missing, and `missing` says why. `survival(t)`: of the
    answered requests, how many take longer than `t`; None if only means are known.
    """

    formula: str
    source: str
    measures: Mapping[str, float]
    missing: Mapping[str, str] = field(default_factory=dict)
    survival: Callable[[float], float] | None = None

    def __getitem__(self, measure: str) -> float:
        if measure in self.measures:
            return self.measures[measure]
        why = self.missing.get(measure, f"{self.formula} does not give it")
        raise KeyError(f"{measure}: {why}")

    def __str__(self) -> str:
        numbers = ", ".join(f"{name} {value:.6g}" for name, value in self.measures.items())
        return f"{self.formula}: {numbers}"


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """No formula of this package answers the scenario; `reason` is what stands in the way."""

    reason: str

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return f"not applicable: {self.reason}"
