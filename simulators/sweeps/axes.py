"""An axis of a grid: a field of a scenario, or what fields follow from, and the values it takes.

The text of a command line says the same as a list in Python: `10,20`, `immediate,never`, `1..5` for
whole numbers, `0.3..0.95:14` for so many evenly spaced ones, `p50..p99:20` for quantiles of a
latency. Numbers between two ends are computed as fractions, so that 0.35 is 0.35.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from simulators.errors import ScenarioError

__all__ = ["Axis", "axis", "parse", "quantile_in"]

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_QUANTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")
_WORDS: Mapping[str, Any] = {"true": True, "false": False, "none": None}
_SYNTAX = "use values such as 10,20 or a range such as 0.3..0.95:14"


@dataclass(frozen=True, slots=True)
class Axis:
    """`name`: "load", "hedge" or a path such as "pools.gpu.capacity". `values`: as JSON has them.

    A quantile of a latency is the text "p95".
    """

    name: str
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ScenarioError(f"axis {self.name!r}", [], "has no values", _SYNTAX)
        seen = []
        for value in self.values:
            try:
                text = json.dumps(value, sort_keys=True, allow_nan=False)
            except (TypeError, ValueError):
                remedy = "use numbers, texts, lists and objects"
                raise ScenarioError(
                    f"axis {self.name!r}", value, "has no form in a file", remedy
                ) from None
            if text in seen:
                raise ScenarioError(
                    f"axis {self.name!r}", value, "is there twice", "leave one of them out"
                )
            seen.append(text)


def axis(name: str, values: Any) -> Axis:
    """An axis from a text as `parse` takes it, or from an iterable of values."""
    if isinstance(values, str):
        return parse(name, values)
    if isinstance(values, Mapping) or not isinstance(values, Iterable):
        raise ScenarioError(f"axis {name!r}", values, "is no list of values", _SYNTAX)
    return Axis(name, tuple(v.item() if isinstance(v, np.generic) else v for v in values))


def parse(name: str, text: str) -> Axis:
    """An axis from the text of a command line.

    `ScenarioError` if it is none, or if a range of quantiles is not one of delays.
    """
    parts = [part.strip() for part in text.split(",")]
    return Axis(name, tuple(value for part in parts for value in _values(name, part)))


def quantile_in(value: Any) -> float | None:
    """0.95 of "p95"; None of what is no quantile."""
    match = _QUANTILE.fullmatch(value) if isinstance(value, str) else None
    if match is None or float(match[1]) == 0:
        return None
    return round(float(match[1]) / 100, 12)


def _values(name: str, part: str) -> Iterator[Any]:
    low, dots, rest = part.partition("..")
    if not dots:
        yield _single(name, part)
        return
    high, colon, count = rest.partition(":")
    if quantile_in(low) is not None and quantile_in(high) is not None:
        places = _spaced(name, part, low[1:], high[1:], count)
        yield from (f"p{float(place):.10g}" for place in places)
        return
    for end in (low, high):
        if not _NUMBER.fullmatch(end):
            raise ScenarioError(f"axis {name!r}", part, f"is no range: {end!r} is no end", _SYNTAX)
    if not colon:
        yield from _whole(name, part, low, high)
        return
    found = _spaced(name, part, low, high, count)
    whole = all(place.denominator == 1 for place in found) and _is_whole(low) and _is_whole(high)
    yield from (int(place) if whole else float(place) for place in found)


def _single(name: str, part: str) -> Any:
    if not part:
        raise ScenarioError(f"axis {name!r}", part, "is no value", _SYNTAX)
    low, dash, high = part.partition("-")
    if dash and quantile_in(low) is not None and quantile_in(high) is not None:
        remedy = f"use {low}..{high}:8 for 8 quantiles between them"
        raise ScenarioError(f"axis {name!r}", part, "is no value", remedy)
    if _NUMBER.fullmatch(part):
        return int(part) if _is_whole(part) else float(part)
    return _WORDS.get(part.lower(), part)


def _spaced(name: str, part: str, low: str, high: str, count: str) -> list[Fraction]:
    if not count.isdecimal() or int(count) < 2:
        why, remedy = "does not say how many values", "end it with :20 for 20 of them, 2 or more"
        raise ScenarioError(f"axis {name!r}", part, why, remedy)
    first, last, steps = Fraction(low), Fraction(high), int(count) - 1
    return [first + (last - first) * step / steps for step in range(steps + 1)]


def _whole(name: str, part: str, low: str, high: str) -> range:
    if not (_is_whole(low) and _is_whole(high) and int(low) < int(high)):
        why = "does not say how many values"
        raise ScenarioError(f"axis {name!r}", part, why, f"use {part}:10 for 10 of them")
    return range(int(low), int(high) + 1)


def _is_whole(text: str) -> bool:
    return text.lstrip("+-").isdecimal()
