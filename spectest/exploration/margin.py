"""The margin: the smallest stretch of undeclared sleeps at which the program fails.

A search with sleeps that may stretch fourfold finds some failure, and its longest stretch is an
upper bound. The next search may stretch a little less than that, and so on down, until one finds
nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from spectest.exploration.results import Failure, Margin

__all__ = ["MOST", "find_margin", "longest_stretch"]

MOST = 3.0
_ROUNDS = 12
_STEP = 0.01


def find_margin(search: Callable[[float], Failure | None], clean_at: float) -> Margin:
    """Ask `search(elasticity)` for failures, from `MOST` down to `clean_at`, known to be clean."""
    worst: Failure | None = None
    elasticity = MOST
    for _ in range(_ROUNDS):
        failure = search(elasticity)
        if failure is None:
            return Margin(1 + elasticity, worst)
        worst = failure
        stretch = longest_stretch(failure)
        elasticity = round(min(stretch, elasticity) - _STEP, 2)
        if elasticity <= clean_at:
            return Margin(1 + clean_at, worst)
    return Margin(1 + clean_at, worst)


def longest_stretch(failure: Failure) -> float:
    """By which part of its length the sleep that stretched most did, or would have."""
    longest = 0.0
    for event in failure.trace:
        hold = failure.plan.holds.get(event.subject)
        if event.kind == "start" and hold is not None and event.detail.startswith("sleep"):
            usual_ns = float(event.detail.split()[1]) * 1e6
            if usual_ns > 0:
                longest = max(longest, hold.by_ns / usual_ns)
    return longest
