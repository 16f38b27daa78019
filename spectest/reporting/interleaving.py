"""The interleaving: one row for each step of a task, and which of the rows matter.

A row says when a task went on, why, and what it did before it waited again. Completions that no
task waited for, the callback of a timer for instance, have a row without a task.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Literal

from spectest.kernel.trace import SourceLine, Trace, TraceEvent
from spectest.reporting.deviations import Deviation, program_events, usual_ns

__all__ = ["Act", "Row", "matter", "rows_of"]

Reason = Literal["begins", "operation", "timer", "woken", "cancelled", "itself"]

_LAST, _DEVIATES, _FAILS, _NEAR, _LEADS, _ENDS, _OTHER = range(7)
_CANDIDATES = 200


@dataclass(frozen=True, slots=True)
class Act:
    """Something a step did: "starts", "cancels", "creates", "returns", "raises", "is cancelled"."""

    verb: str
    subject: str = ""
    usual_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    `number`: of its event. `reason`: why the task goes on: it "begins"; an "operation" or a "timer"
    completed (`by`); it was "woken" or "cancelled" by a task or timer (`by`); of "itself".
    `where`: the line that did it. `deviates`: a deviation of the plan shows here. `cause`: the
    number of the event that led to it.
    """

    number: int
    time_ns: int
    task: str
    reason: Reason
    by: str
    acts: tuple[Act, ...]
    where: SourceLine
    deviates: bool
    cause: int


def rows_of(trace: Trace, deviations: Sequence[Deviation]) -> list[Row]:
    """All rows of the failing execution."""
    return _Reader(program_events(trace), deviations).rows()


class _Reader:
    """Reads the rows from the events of one execution."""

    def __init__(self, events: Sequence[TraceEvent], deviations: Sequence[Deviation]) -> None:
        self._events = events
        self._effects: dict[int, list[TraceEvent]] = defaultdict(list)
        self._next_line: dict[int, SourceLine] = {}
        self._marked = _marked(events, deviations)
        steps: dict[str, list[TraceEvent]] = defaultdict(list)
        for event in events:
            self._effects[event.cause].append(event)
            if event.kind == "step":
                steps[event.subject].append(event)
        self._first = {taken[0].number for taken in steps.values()}
        for taken in steps.values():
            self._next_line.update((one.number, two.where) for one, two in pairwise(taken))

    def rows(self) -> list[Row]:
        rows = []
        for event in self._events:
            if event.kind == "step":
                rows.append(self._step(event))
            elif event.kind == "complete" and not self._continued(event):
                row = self._completion(event)
                if row.acts or row.deviates:
                    rows.append(row)
        return rows

    def _continued(self, complete: TraceEvent) -> bool:
        return any(effect.kind == "step" for effect in self._effects[complete.number])

    def _completion(self, event: TraceEvent) -> Row:
        effects = self._effects[event.number]
        return Row(
            event.number,
            event.time_ns,
            "",
            self._kind(event),
            event.subject,
            self._acts(effects),
            next((effect.where for effect in effects if effect.where), SourceLine()),
            event.number in self._marked,
            event.cause,
        )

    def _step(self, event: TraceEvent) -> Row:
        reason, by = self._reason(event)
        effects = self._effects[event.number]
        return Row(
            event.number,
            event.time_ns,
            event.subject,
            reason,
            by,
            self._acts(effects),
            self._where(event, effects),
            event.number in self._marked or self._completed_marked(event),
            event.cause,
        )

    def _completed_marked(self, step: TraceEvent) -> bool:
        return step.cause in self._marked and self._events[step.cause].kind == "complete"

    def _reason(self, step: TraceEvent) -> tuple[Reason, str]:
        if step.number in self._first:
            return "begins", ""
        if step.cause < 0:
            return "itself", ""
        cause = self._events[step.cause]
        for effect in self._effects[cause.number]:
            if effect.kind == "cancel" and effect.subject == step.subject:
                return "cancelled", cause.subject
        if cause.kind == "complete":
            return self._kind(cause), cause.subject
        return ("itself", "") if cause.subject == step.subject else ("woken", cause.subject)

    def _kind(self, complete: TraceEvent) -> Literal["operation", "timer"]:
        start = self._events[complete.cause] if complete.cause >= 0 else None
        return "timer" if start is not None and start.detail.startswith("timer") else "operation"

    def _where(self, step: TraceEvent, effects: Sequence[TraceEvent]) -> SourceLine:
        """Where it failed or cancelled; else where it went on; a first step: where it got to."""
        for kind in ("end", "cancel"):
            for effect in effects:
                if effect.kind == kind and effect.where:
                    return effect.where
        if step.number not in self._first:
            return step.where
        reached = [effect.where for effect in effects if effect.where]
        return reached[-1] if reached else self._next_line.get(step.number, step.where)

    def _acts(self, effects: Sequence[TraceEvent]) -> tuple[Act, ...]:
        acts = []
        for event in effects:
            match event.kind:
                case "start" if not (event.detail.startswith("timer") and self._unused(event)):
                    acts.append(Act("starts", event.subject, usual_ns(event)))
                case "cancel":
                    acts.append(Act("cancels", event.subject))
                case "task":
                    acts.append(Act("creates", event.subject))
                case "end" if event.detail == "cancelled":
                    acts.append(Act("is cancelled"))
                case "end":
                    verb, _, error = event.detail.partition(" ")
                    acts.append(Act("raises" if verb == "raised" else "returns", error))
        return tuple(acts)

    def _unused(self, start: TraceEvent) -> bool:
        """A deadline that was met is not worth a word."""
        return not any(effect.kind == "complete" for effect in self._effects[start.number])


def _marked(events: Sequence[TraceEvent], deviations: Sequence[Deviation]) -> set[int]:
    """Where deviations show: at the completion; for a set, where somebody walks it."""
    marked = set()
    for deviation in deviations:
        if 0 <= deviation.event < len(events):
            event = events[deviation.event]
            marked.add(_walker(events, event) if event.kind == "end" else event.number)
    return marked


def _walker(events: Sequence[TraceEvent], end: TraceEvent) -> int:
    """The first step of a task that another one woke, from the end of a task in a set onwards."""
    for event in islice(events, end.number, None):
        if event.kind == "step" and event.cause >= 0:
            cause = events[event.cause]
            if cause.kind == "step" and cause.subject != event.subject:
                return event.number
    return end.number


def matter(rows: Sequence[Row], deviations: Sequence[Deviation], room: int) -> list[Row | int]:
    """The rows that matter most, as many as fit into `room` lines, and counts of those left out."""
    if len(rows) <= room:
        return list(rows)
    ranks = _ranks(rows, deviations)
    anchors = [i for i, rank in enumerate(ranks) if rank == _DEVIATES] or [len(rows) - 1]
    order = sorted(
        range(len(rows)),
        key=lambda i: (ranks[i], min(abs(i - anchor) for anchor in anchors[:_CANDIDATES]), i),
    )
    chosen: list[int] = []
    for index in order[:_CANDIDATES]:
        more = sorted([*chosen, index])
        if len(_with_gaps(rows, more)) <= room:
            chosen = more
    return _with_gaps(rows, chosen)


def _with_gaps(rows: Sequence[Row], chosen: Collection[int]) -> list[Row | int]:
    """The chosen rows, in order, and between them how many are missing."""
    lines: list[Row | int] = []
    for before, index in pairwise([-1, *chosen, len(rows)]):
        if index - before > 1:
            lines.append(index - before - 1)
        if index < len(rows):
            lines.append(rows[index])
    return lines


def _ranks(rows: Sequence[Row], deviations: Sequence[Deviation]) -> list[int]:
    partners = {name for d in deviations for name in (*d.together_with, d.overtaken_by) if name}
    near = partners | {deviation.name for deviation in deviations}
    instants = {row.time_ns for row in rows if row.deviates}
    leading = _leading_to(rows[-1], rows)
    ranks = []
    for row in rows:
        verbs = {act.verb for act in row.acts}
        if row is rows[-1]:
            rank = _LAST
        elif row.deviates or row.by in partners:
            rank = _DEVIATES
        elif "raises" in verbs:
            rank = _FAILS
        elif verbs & {"cancels", "is cancelled"} or row.time_ns in instants or _starts(row, near):
            rank = _NEAR
        elif row.number in leading:
            rank = _LEADS
        else:
            rank = _ENDS if "returns" in verbs else _OTHER
        ranks.append(rank)
    return ranks


def _starts(row: Row, names: Collection[str]) -> bool:
    return any(act.verb == "starts" and act.subject in names for act in row.acts)


def _leading_to(last: Row, rows: Sequence[Row]) -> set[int]:
    """The steps that led to the last one, each the cause of the next."""
    by_number = {row.number: row for row in rows}
    started = {act.subject: row for row in rows for act in row.acts if act.verb == "starts"}
    leading: set[int] = set()
    row: Row | None = last
    while row is not None and row.number not in leading:
        leading.add(row.number)
        row = started.get(row.by) or by_number.get(row.cause)
    return leading
