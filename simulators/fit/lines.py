"""Lines of a log with their numbers: what is damaged is named by its line, and never guessed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from simulators import checks
from simulators.errors import ScenarioError

__all__ = ["RowError", "field_of", "instant", "numbered", "objects", "per_second", "seconds"]

_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}


class RowError(ScenarioError):
    """One row makes no sense; `line` is its number, counted from 1."""

    def __init__(
        self, place: str, line: int, what: str, value: object, why: str, remedy: str = ""
    ) -> None:
        at = f"{place}, line {line}{f': {what}' if what else ''}"
        way = remedy or "correct that line, or use malformed='dropped'"
        super().__init__(at, value, why, way)
        self.line = line
        self.reason = f"malformed: {what or 'the line'} {why}"


def numbered(path: str | os.PathLike[str]) -> Iterator[tuple[int, str]]:
    """Each line with its number, from 1. A line that is no UTF-8 is a `ScenarioError`."""
    place = Path(path)
    with place.open("rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                at, remedy = f"{place.name}, line {number}", "save the file as UTF-8"
                raise ScenarioError(at, raw.strip(), "is no UTF-8", remedy) from None


def objects(path: str | os.PathLike[str]) -> Iterator[tuple[int, Any]]:
    """The JSON object of each line, or the `RowError` of one that is none; blank ones are left out.

    Errors are yielded, so that the reader decides whether to go on.
    """
    name = Path(path).name
    for number, line in numbered(path):
        if not line.strip():
            continue
        try:
            found = json.loads(line, parse_constant=_refused)
        except (ValueError, RecursionError) as error:
            told = "is cut off" if not line.endswith("\n") else f"is no JSON ({error})"
            yield number, RowError(name, number, "", line.strip(), told)
            continue
        if not isinstance(found, dict):
            yield number, RowError(name, number, "", found, "is no JSON object")
            continue
        yield number, found


def field_of(row: Mapping[str, Any], name: str) -> Any:
    """A field of a JSON object, None if it is not there; `a.b` is the field b of the object a."""
    if name in row:
        return row[name]
    value: Any = row
    for key in name.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    return value


def per_second(unit: object, field: str = "unit") -> float:
    """How many of `unit` make a second."""
    if unit is None:
        remedy = "use unit='ms', or 's', 'us' or 'ns'"
        raise ScenarioError(field, unit, "does not say what the numbers mean", remedy)
    return _PER_SECOND[checks.one_of(field, unit, _PER_SECOND)]


def seconds(value: Any, scale: float) -> float | None:
    """A duration of which `scale` make a second, from a number or its text; None if it is none."""
    if isinstance(value, bool):
        return None
    try:
        number = float(value) / scale
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number < float("inf") else None


def instant(value: Any, scale: float | None) -> float | None:
    """A moment in seconds since 1970, from a number of which `scale` make a second, or ISO 8601.

    A text without an offset is taken as UTC. None if it is no moment.
    """
    if scale is not None:
        return seconds(value, scale)
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _refused(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number in JSON")
