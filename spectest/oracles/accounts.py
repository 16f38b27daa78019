"""What became of an attempt, in words, and in which of its fields a record differs from another."""

from __future__ import annotations

import json
from typing import Any

from spectest.kernel.trace import TraceEvent
from spectest.oracles.story import Attempt

__all__ = ["BY_TIMING", "differing_fields", "length", "ms", "record_in", "several", "standing"]

BY_TIMING = ("cancellations", "limiter", "sampled_because")
"""Fields of a record that depend on timing by nature, besides those that end in `_ms`."""

_OPEN = ("cancelled", "not launched", None)


def several(names: Any) -> tuple[str, ...]:
    """A name, or several, as a tuple."""
    return (names,) if isinstance(names, str) else tuple(names)


def ms(event: TraceEvent) -> str:
    """The moment of an event."""
    return length(event.time_ns)


def length(ns: int) -> str:
    """A time in milliseconds, to the nanosecond where that makes a difference."""
    return f"{ns / 1e6:.6f}".rstrip("0").rstrip(".") + " ms"


def record_in(event: TraceEvent) -> dict[str, Any] | None:
    """The record that the event tells, None if that is no JSON object."""
    try:
        record = json.loads(event.detail)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def standing(attempt: Attempt) -> str:
    """What became of it, and when, to be put after its name."""
    if attempt.ended is None:
        return "was still at work"
    verb = {
        "valid": "was valid",
        "invalid": "was invalid",
        "cancelled": "was cancelled",
        "dropped": "was dropped",
        "not launched": "was not launched",
    }.get(attempt.outcome, attempt.outcome)
    return f"{verb} at {ms(attempt.ended)}"


def differing_fields(record: str, other: str, ignored: tuple[str, ...] = ()) -> tuple[str, ...]:
    """A line for each field in which two records differ that timing alone may not change.

    Of a branch that one of them did without, validity and outcome are not compared.
    """
    ours, theirs = _fields(record), _fields(other)
    open_ = _not_awaited(ours) | _not_awaited(theirs)
    lines = []
    for name in sorted({*ours, *theirs}):
        if name.endswith("_ms") or name in (*BY_TIMING, *ignored):
            continue
        mine, usual = ours.get(name), theirs.get(name)
        if name in ("branch_outcomes", "branch_validities"):
            mine, usual = _without(mine, open_), _without(usual, open_)
        if mine != usual:
            lines.append(f"the record's `{name}` is {_text(mine)}, in stock order {_text(usual)}")
    return tuple(lines)


def _fields(record: str) -> dict[str, Any]:
    try:
        fields = json.loads(record)
    except ValueError:
        return {"record": record}
    return fields if isinstance(fields, dict) else {"record": fields}


def _not_awaited(fields: dict[str, Any]) -> set[int]:
    outcomes, validities = fields.get("branch_outcomes"), fields.get("branch_validities")
    listed = outcomes if isinstance(outcomes, list) else []
    cut = {index for index, outcome in enumerate(listed) if outcome in _OPEN}
    listed = validities if isinstance(validities, list) else []
    return cut | {index for index, valid in enumerate(listed) if valid is None}


def _without(values: Any, left_out: set[int]) -> Any:
    if not isinstance(values, list):
        return values
    return ["..." if index in left_out else one for index, one in enumerate(values)]


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
