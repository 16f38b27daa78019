"""Numbers and names of a scenario, checked where they enter: plain values come out, or errors."""

from __future__ import annotations

import math
from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any

from simulators.errors import ScenarioError
from spectest.errors import UsageError
from spectest.latency import Latency, as_latency

__all__ = [
    "amount",
    "count",
    "fix",
    "latency",
    "name",
    "nearest",
    "one_of",
    "positive",
    "probability",
    "seconds",
]


def fix(owner: object, **fields: Any) -> None:
    """Set fields of a frozen dataclass while it is made."""
    for field, value in fields.items():
        object.__setattr__(owner, field, value)


def seconds(field: str, value: Any) -> float:
    """A duration, 0 or more."""
    return _number(field, value, "is no duration", "use seconds, 0 or more, such as 0.2 for 200 ms")


def amount(field: str, value: Any) -> float:
    """A price, a size or a number of tokens, 0 or more."""
    return _number(field, value, "is no amount", "use a finite number, 0 or more")


def positive(field: str, value: Any, example: str) -> float:
    """A number above 0."""
    number = _finite(value)
    if number is None or number <= 0:
        why = "is no number" if number is None else "is not above 0"
        raise ScenarioError(field, value, why, f"use a positive number, {example}")
    return number


def probability(field: str, value: Any) -> float:
    """A number from 0 to 1."""
    number = _finite(value)
    if number is None or not 0 <= number <= 1:
        raise ScenarioError(field, value, "is no probability", "use a number from 0 to 1")
    return number


def count(field: str, value: Any, what: str) -> int:
    """An integer, 1 or more."""
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < 1:
        raise ScenarioError(field, value, f"is no {what}", "use an integer, 1 or more")
    return int(value)


def name(field: str, value: Any) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value:
        raise ScenarioError(field, value, "is no name", "use a text such as 'llm'")
    return value


def one_of(field: str, value: Any, choices: Iterable[str]) -> str:
    """One of these words."""
    known = list(choices)
    if value not in known:
        told = ", ".join(repr(choice) for choice in known)
        raise ScenarioError(field, value, "is not known", f"use one of {told}")
    return str(value)


def latency(field: str, value: Any) -> Latency:
    """A latency, or what `spectest.latency.as_latency` makes one of."""
    try:
        return as_latency(value)
    except UsageError:
        remedy = "use seconds, a pair (low, high), or a latency such as LogNormal(0.03, sigma=0.5)"
        raise ScenarioError(field, value, "is no latency", remedy) from None


def nearest(value: str, known: Iterable[str]) -> str:
    """What was probably meant, or all there is."""
    names = list(known)
    if close := get_close_matches(value, names, n=1):
        return f"did you mean {close[0]!r}?"
    return f"use one of {', '.join(map(repr, names))}"


def _number(field: str, value: Any, why: str, remedy: str) -> float:
    number = _finite(value)
    if number is None or number < 0:
        raise ScenarioError(field, value, why, remedy)
    return number


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
