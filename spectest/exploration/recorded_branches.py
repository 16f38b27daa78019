"""From the latencies of a record to holds of operations, by what a run at other holds has shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from spectest.kernel.trace import TraceEvent
from spectest.oracles import Attempt, Speculation, Story

__all__ = ["BranchHold", "holds_of"]

_MS = 1_000_000
_ANSWERED = ("valid", "invalid", "raised ")
_CUT_SHORT = ("cancelled", "timed out", "running")
_BEYOND_NS = _MS
"""How much later than its end an operation is over that was cut short."""


@dataclass(frozen=True, slots=True)
class BranchHold:
    """An operation is held by so many nanoseconds; `unreached` says why that is not enough."""

    by_ns: int
    unreached: str = ""

    def of(self, by_ns: int) -> BranchHold:
        """The same with another length."""
        return replace(self, by_ns=by_ns)


def holds_of(
    story: Story, speculation: Speculation, record: Mapping[str, Any]
) -> dict[str, BranchHold]:
    """By operation: how long it has to be held so that its branch ends as the record says."""
    holds: dict[str, BranchHold] = {}
    for index, name in enumerate(record["branch_names"]):
        attempt = next((it for it in speculation.attempts if it.branch == name), None)
        launched = record["branch_launched_after_ms"][index]
        latency = record["branch_latencies_ms"][index]
        if attempt is None or launched is None or latency is None:
            continue
        end_ns = speculation.told.time_ns + round((launched + latency) * _MS)
        operation = _last_operation(story, attempt)
        if operation is None:
            continue
        hold = _hold(operation, end_ns, record["branch_outcomes"][index], name)
        if hold is not None:
            holds[operation.subject] = hold
    return holds


def _hold(operation: TraceEvent, end_ns: int, outcome: str, branch: str) -> BranchHold | None:
    length_ms = float(operation.detail.split()[-1])
    usual_ns = operation.time_ns + round(length_ms * _MS)
    if outcome.startswith(_CUT_SHORT):
        late_ns = end_ns + _BEYOND_NS - usual_ns
        return BranchHold(late_ns) if late_ns > 0 else None
    by_ns = end_ns - usual_ns
    if not outcome.startswith(_ANSWERED) or not by_ns:
        return None
    took_ms = (end_ns - operation.time_ns) / _MS
    if by_ns < 0 and operation.detail.startswith("sleep"):
        return BranchHold(
            by_ns,
            f"{operation.subject} of branch {branch!r} is a sleep of {length_ms:g} ms, which never "
            f"ends early, and took {took_ms:g} ms; make it a FakeService with a latency",
        )
    return BranchHold(by_ns)


def _last_operation(story: Story, attempt: Attempt) -> TraceEvent | None:
    """Of the operations of this attempt, the one that was over last, or is not over."""
    starts = [
        event
        for event in story.trace.of_kind("start")
        if not event.detail.startswith(("timer", "stall")) and _within(story, event, attempt)
    ]
    over = {event.subject: event.number for event in story.trace.of_kind("complete")}
    never = len(story.trace)
    return max(starts, key=lambda it: (over.get(it.subject, never), it.number), default=None)


def _within(story: Story, event: TraceEvent, attempt: Attempt) -> bool:
    owner = story.attempt_of(event)
    return owner is not None and story.outermost(owner) is attempt
