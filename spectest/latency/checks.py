"""Parameters that mean something, or a `UsageError` that names the field and the way out.

Each check takes the name of the class and of the field, and returns the value as a plain float or
int, so that equal latencies print alike. Booleans are no numbers here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from spectest.errors import UsageError

__all__ = [
    "fix",
    "inner_probability",
    "integer",
    "pairs",
    "positive",
    "probability",
    "refusal",
    "seconds",
    "weights",
]


def refusal(owner: str, field: str, value: object, why: str) -> UsageError:
    return UsageError(f"{owner}: {field}={value!r} {why}")


def fix(latency: object, **fields: Any) -> None:
    """Set fields of a frozen dataclass while it is made."""
    for name, value in fields.items():
        object.__setattr__(latency, name, value)


def seconds(owner: str, field: str, value: Any) -> float:
    number = _finite(value)
    if number is None or number < 0:
        why = "is not a number of seconds, 0 or more and finite; use 0.2 for 200 ms"
        raise refusal(owner, field, value, why)
    return number


def positive(owner: str, field: str, value: Any, *, example: str = "0.2 for 200 ms") -> float:
    number = _finite(value)
    if number is None or number <= 0:
        why = f"is not a finite number greater than 0; use {example}"
        raise refusal(owner, field, value, why)
    return number


def probability(owner: str, field: str, value: Any) -> float:
    number = _finite(value)
    if number is None or not 0 <= number <= 1:
        raise refusal(owner, field, value, "is not a probability; use a number from 0 to 1")
    return number


def inner_probability(owner: str, field: str, value: Any) -> float:
    number = _finite(value)
    if number is None or not 0 < number < 1:
        why = "is not between 0 and 1, both excluded; use 0.99 for the 99th percentile"
        raise refusal(owner, field, value, why)
    return number


def integer(owner: str, field: str, value: Any, *, least: int) -> int:
    if type(value) is int and value >= least:
        return value
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
        raise refusal(owner, field, value, f"is not an integer; use {least} or more")
    return int(value)


def weights(owner: str, field: str, values: Iterable[Any]) -> tuple[float, ...]:
    """Positive numbers with the sum 1, up to 1e-9."""
    found = tuple(positive(owner, field, value, example="0.5 for half of it") for value in values)
    total = math.fsum(found)
    if abs(total - 1.0) > 1e-9:
        why = f"does not sum to 1 but to {total!r}; divide each by the sum"
        raise refusal(owner, field, list(found), why)
    return found


def pairs(owner: str, field: str, value: Any) -> list[tuple[Any, Any]]:
    """The items of a mapping, or of a sequence of pairs; at least one."""
    items: Any = list(value.items()) if isinstance(value, Mapping) else value
    if isinstance(items, str) or not isinstance(items, Sequence) or not items:
        raise refusal(
            owner, field, value, "is empty or no mapping; use a mapping or a list of pairs"
        )
    for item in items:
        if isinstance(item, str) or not isinstance(item, Sequence) or len(item) != 2:
            raise refusal(owner, field, value, f"has {item!r}, which is no pair; use two values")
    return [(first, second) for first, second in items]


def _finite(value: Any) -> float | None:
    if type(value) is float:
        return value if math.isfinite(value) else None
    if not isinstance(value, Real) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
