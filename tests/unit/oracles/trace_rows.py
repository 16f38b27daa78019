"""Traces made by hand: a row for each event."""

from __future__ import annotations

from typing import Any

from spectest.kernel.trace import NOWHERE, Trace, TraceEvent

Row = tuple[Any, ...]


def trace_of(*rows: Row) -> Trace:
    """Rows of (milliseconds, kind, subject, task, detail, cause); the last two may be missing."""
    events = []
    for number, row in enumerate(rows):
        time, kind, subject, task = row[:4]
        detail = row[4] if len(row) > 4 else ""
        cause = row[5] if len(row) > 5 else -1
        at = round(time * 1e6)
        events.append(TraceEvent(number, at, kind, subject, task, cause, NOWHERE, detail))
    return Trace(events)


def race(*outcomes: tuple[float, str, str], winner: str, decided: float, **more: Any) -> Trace:
    """A race that was told: (when it ended, branch, outcome) for each attempt, in order of ends.

    `winner` decided at `decided` ms; `record`: its record; `result`: what the program returned.
    """
    rows: list[Row] = [(0, "speculation", "race", "main")]
    rows += [(0, "attempt", name, f"{name} task", "race") for _, name, _ in outcomes]
    ends: list[Row] = [(at, "outcome", name, f"{name} task", how) for at, name, how in outcomes]
    early = [row for row in ends if row[0] <= decided]
    rows += [*early, (decided, "decision", "race", "main", winner)]
    if "record" in more:
        rows.append((decided, "record", "race", "main", more["record"]))
    rows += [(decided, "end", "main", "", "returned"), (decided, "return", "main", "")]
    rows += [(decided, "result", winner, "", more.get("result", "'A'"))]
    return trace_of(*rows, *[row for row in ends if row[0] > decided])


def findings(verdicts: Any) -> list[str]:
    return [verdict.finding for verdict in verdicts]
