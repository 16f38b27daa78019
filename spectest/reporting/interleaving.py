"""The interleaving: one row for each step of a task or thread.

A row says when it went on, why, and what it did before it waited again. Completions that nobody
waited for, the callback of a timer for instance, have a row without a task.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import Literal

from spectest.kernel.trace import NOWHERE, SourceLine, Trace, TraceEvent
from spectest.reporting.acts import BLOCKING, Act, acts_of, loses_processor, reached, waits_for
from spectest.reporting.cast import Cast
from spectest.reporting.deviations import Deviation, program_events

__all__ = ["Row", "rows_of"]

Reason = Literal["begins", "operation", "timer", "woken", "cancelled", "itself", "back"]


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    `number`: of its event. `reason`: why the task or thread goes on: it "begins"; an "operation" or
    a "timer" completed (`by`); it was "woken" or "cancelled" by a task, thread or timer (`by`), a
    thread `through` what it had waited for; it is "back" on the processor; of "itself".
    `where`: the line that did it. `deviates`: a deviation of the plan shows here. `cause`: the
    number of the event that led to it. `proves`: an oracle refers to it.
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
    through: str = ""
    proves: bool = False


def rows_of(
    trace: Trace,
    deviations: Sequence[Deviation],
    raised: tuple[str, SourceLine] | None = None,
) -> list[Row]:
    """All rows of the failing execution.

    `raised`: what ended the program's main thread, and where, of which the trace does not tell.
    """
    return _Reader(program_events(trace), deviations).rows(raised)


class _Reader:
    """Reads the rows from the events of one execution."""

    def __init__(self, events: Sequence[TraceEvent], deviations: Sequence[Deviation]) -> None:
        self._events = events
        self._cast = Cast(events)
        self._through = waits_for(events, self._cast)
        self._completed = {event.cause for event in events if event.kind == "complete"}
        self._effects: dict[int, list[TraceEvent]] = defaultdict(list)
        self._next_line: dict[int, SourceLine] = {}
        self._marked = _marked(events, deviations)
        self._owners: dict[int, str] = {}
        steps: dict[str, list[TraceEvent]] = defaultdict(list)
        for event in events:
            self._effects[event.cause].append(event)
            if event.kind == "step":
                steps[event.subject].append(event)
        self._first = {taken[0].number for taken in steps.values()}
        for taken in steps.values():
            self._next_line.update((one.number, two.where) for one, two in pairwise(taken))

    def rows(self, raised: tuple[str, SourceLine] | None) -> list[Row]:
        rows: list[Row] = []
        for event in self._events:
            if event.kind == "step":
                self._add(self._step(event), event.subject, rows)
            elif event.kind == "complete" and not self._continued(event):
                row = self._completion(event)
                if row.acts or row.deviates:
                    self._add(row, "", rows)
        if raised is not None:
            self._raise(*raised, rows)
        return [row for row in rows if not self._says_nothing(row, self._owners[row.number])]

    def _raise(self, error: str, where: SourceLine, rows: list[Row]) -> None:
        """The main thread's last row is the program's end."""
        own = [at for at, row in enumerate(rows) if self._owners[row.number] == "main"]
        if own:
            last = rows[own[-1]]
            acts = (*last.acts, Act("raises", error))
            rows[own[-1]] = replace(last, acts=acts, where=where or last.where)

    def _add(self, row: Row, owner: str, rows: list[Row]) -> None:
        """A thread that goes on where it stopped, and nobody did anything meanwhile: one row."""
        before = rows[-1] if rows else None
        goes_on = owner in self._cast.threads and row.reason == "itself" and not row.deviates
        if before is not None and goes_on and self._owners[before.number] == owner:
            where = row.where if row.acts else before.where
            rows[-1] = replace(before, acts=before.acts + row.acts, where=where)
        elif not (owner in self._cast.workers and self._says_nothing(row, owner)):
            self._owners[row.number] = owner
            rows.append(row)

    def _says_nothing(self, row: Row, owner: str) -> bool:
        in_vain = row.reason == "itself" and self._waited_in_vain(self._events[row.number])
        of_thread = owner in self._cast.threads
        return (of_thread or in_vain) and not row.acts and not row.deviates

    def _continued(self, complete: TraceEvent) -> bool:
        return any(effect.kind == "step" for effect in self._effects[complete.number])

    def _completion(self, event: TraceEvent) -> Row:
        effects = self._effects[event.number]
        stalled = next((e.task for e in effects if loses_processor(e)), "")
        return Row(
            event.number,
            event.time_ns,
            self._cast.label(stalled, event.number),
            self._kind(event),
            event.subject,
            acts_of(effects, stalled, self._cast, self._completed),
            next((effect.where for effect in effects if effect.where), NOWHERE),
            event.number in self._marked,
            event.cause,
        )

    def _step(self, event: TraceEvent) -> Row:
        reason, by = self._reason(event)
        effects = [*self._written(event), *self._effects[event.number]]
        return Row(
            event.number,
            event.time_ns,
            self._cast.label_of_step(event),
            reason,
            by,
            acts_of(effects, event.subject, self._cast, self._completed),
            self._where(event, effects),
            event.number in self._marked or self._completed_marked(event),
            event.cause,
            self._through.get(event.number, ""),
        )

    def _written(self, step: TraceEvent) -> list[TraceEvent]:
        """What the call wrote whose completion the step goes on with."""
        if step.cause < 0 or self._events[step.cause].kind != "complete":
            return []
        return [event for event in self._effects[step.cause] if event.kind == "effect"]

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
        if cause.subject == step.subject:
            lost = any(map(loses_processor, self._effects[cause.number]))
            return "back" if lost else "itself", ""
        if self._waited_in_vain(step):
            return "itself", ""
        by = self._cast.label_of_step(cause) if cause.kind == "step" else cause.subject
        return "woken", by

    def _waited_in_vain(self, step: TraceEvent) -> bool:
        """Whether it waited for what is not worth a word.

        That is, for a thread it had started to begin, or for an idle worker to end.
        """
        if step.number in self._through or step.subject in self._cast.workers:
            return False
        return step.subject in self._cast.threads or step.detail == BLOCKING

    def _kind(self, complete: TraceEvent) -> Literal["operation", "timer", "back"]:
        start = self._events[complete.cause] if complete.cause >= 0 else None
        kind = "" if start is None else start.detail.partition(" ")[0]
        return "timer" if kind == "timer" else "back" if kind == "stall" else "operation"

    def _where(self, step: TraceEvent, effects: Sequence[TraceEvent]) -> SourceLine:
        """Where it failed or cancelled; else where it went on; a first step: where it got to."""
        if step.subject in self._cast.threads:
            return reached(effects, step.subject) or step.where
        for kind in ("end", "cancel"):
            for effect in effects:
                if effect.kind == kind and effect.where:
                    return effect.where
        if step.number not in self._first:
            return step.where
        lines = [effect.where for effect in effects if effect.where]
        return lines[-1] if lines else self._next_line.get(step.number, step.where)


def _marked(events: Sequence[TraceEvent], deviations: Sequence[Deviation]) -> set[int]:
    """Where deviations show: at the completion; for a set, where somebody walks it.

    For a cancellation, where it is raised.
    """
    marked = set()
    for deviation in deviations:
        if 0 <= deviation.event < len(events):
            event = events[deviation.event]
            if event.kind == "choice":
                marked.add(_thrown(events, event))
            else:
                marked.add(_walker(events, event) if event.kind == "end" else event.number)
    return marked


def _thrown(events: Sequence[TraceEvent], choice: TraceEvent) -> int:
    """The step at which the cancellation that was chosen is raised in its task."""
    told = [event for event in events if event.cause == choice.number and event.kind == "cancel"]
    whom = {event.subject for event in told}
    for event in islice(events, choice.number, None):
        if event.kind == "step" and event.subject in whom:
            return event.number
    return choice.number


def _walker(events: Sequence[TraceEvent], end: TraceEvent) -> int:
    """The first step of a task that another one woke, from the end of a task in a set onwards."""
    for event in islice(events, end.number, None):
        if event.kind == "step" and event.cause >= 0:
            cause = events[event.cause]
            if cause.kind == "step" and cause.subject != event.subject:
                return event.number
    return end.number
