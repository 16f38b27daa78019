"""Smaller plans: what shrinking tries, and what it calls smaller."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from spectest.kernel.plan import Hold, Plan
from spectest.kernel.trace import Trace

__all__ = ["Entry", "is_turn", "single_holds", "size_of", "without"]

_TURN = re.compile(r"(.*)( turn#| stall#)(\d+)")
Entry = tuple[str, Hold | int]
"""One deviation of a plan: what it concerns, and the hold or the pick."""


def without(entries: Sequence[Entry], dropped: str, shift: int) -> list[Entry]:
    """The entries but for one; later turns of the same thread have numbers that are shifted."""
    thread, _, number = _parts(dropped)
    kept = []
    for name, value in entries:
        who, kind, at = _parts(name)
        if name == dropped:
            continue
        later = kind and who == thread and at > number
        kept.append((f"{who}{kind}{max(at + shift, 1)}" if later else name, value))
    return kept


def _parts(name: str) -> tuple[str, str, int]:
    """Of "worker turn#3": the thread, what it is, and its number; else the name only."""
    found = _TURN.fullmatch(name)
    return (found[1], found[2], int(found[3])) if found else (name, "", 0)


def is_turn(name: str) -> bool:
    return bool(_parts(name)[1])


def size_of(plan: Plan) -> tuple[int, int, int]:
    holds = plan.holds.values()
    steps = sum(hold.polls + hold.behind for hold in holds) + sum(plan.picks.values())
    return len(plan), steps, sum(abs(hold.by_ns) for hold in holds)


def single_holds(trace: Trace, elasticity: float) -> Iterator[tuple[str, Hold]]:
    """Each operation alone, held until it meets each later moment of the stock execution."""
    moments = sorted({event.time_ns for event in trace if event.kind == "complete"})
    done = {event.subject: event.time_ns for event in trace if event.kind == "complete"}
    for event in trace:
        if event.kind != "start" or event.subject not in done or "timer" in event.detail:
            continue
        usual = done[event.subject]
        latest = usual + int((usual - event.time_ns) * elasticity)
        for moment in moments:
            if usual < moment <= latest:
                yield event.subject, Hold(moment - usual)
                yield event.subject, Hold(moment - usual + 1)
