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

from spectest.kernel.trace import SourceLine, Trace, TraceEvent
from spectest.reporting.cast import Cast
from spectest.reporting.deviations import Deviation, program_events, usual_ns

__all__ = ["Act", "Row", "rows_of"]

Reason = Literal["begins", "operation", "timer", "woken", "cancelled", "itself", "back"]
_LOSSES = ("stall", "overtaken")


@dataclass(frozen=True, slots=True)
class Act:
    """Something a step did: "starts", "cancels", "creates", "returns", "raises", "is cancelled".

    Of threads also: "takes up" a job, "waits for" something, "loses the processor".
    """

    verb: str
    subject: str = ""
    usual_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    `number`: of its event. `reason`: why the task or thread goes on: it "begins"; an "operation" or
    a "timer" completed (`by`); it was "woken" or "cancelled" by a task, thread or timer (`by`), a
    thread `through` what it had waited for; it is "back" on the processor; of "itself".
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
    through: str = ""


def rows_of(
    trace: Trace,
    deviations: Sequence[Deviation],
    raised: tuple[str, SourceLine] | None = None,
) -> list[Row]:
    """All rows of the failing execution. `raised`: how the program's main thread ended, and where.

    A trace does not tell of that thread's end.
    """
    return _Reader(program_events(trace), deviations).rows(raised)


class _Reader:
    """Reads the rows from the events of one execution."""

    def __init__(self, events: Sequence[TraceEvent], deviations: Sequence[Deviation]) -> None:
        self._events = events
        self._cast = Cast(events)
        self._effects: dict[int, list[TraceEvent]] = defaultdict(list)
        self._next_line: dict[int, SourceLine] = {}
        self._marked = _marked(events, deviations)
        self._through: dict[int, str] = {}
        self._back: set[int] = set()
        self._owners: dict[int, str] = {}
        steps: dict[str, list[TraceEvent]] = defaultdict(list)
        waiting: dict[str, str] = {}
        lost: set[str] = set()
        for event in events:
            self._effects[event.cause].append(event)
            if event.kind == "step":
                steps[event.subject].append(event)
                if event.subject in self._cast.threads:
                    self._through[event.number] = waiting.pop(event.subject, "")
                if event.subject in lost:
                    self._back.add(event.number)
                    lost.remove(event.subject)
            elif event.kind in ("wait", "held"):
                waiting[event.task] = self._thing(event)
            elif event.kind == "overtaken":
                lost.add(event.task)
        self._first = {taken[0].number for taken in steps.values()}
        for taken in steps.values():
            self._next_line.update((one.number, two.where) for one, two in pairwise(taken))

    def _thing(self, wait: TraceEvent) -> str:
        if wait.kind == "held":
            return f"the end of {self._cast.label(wait.subject, wait.number)}"
        return wait.detail

    def rows(self, raised: tuple[str, SourceLine] | None) -> list[Row]:
        rows: list[Row] = []
        for event in self._events:
            if event.kind == "step":
                self._add(self._step(event), event.subject, rows)
            elif event.kind == "complete" and not self._continued(event):
                row = self._completion(event)
                if row.acts or row.deviates:
                    self._add(row, row.task, rows)
        last = next((row for row in reversed(rows) if self._owners[row.number] == "main"), None)
        if raised is not None and last is not None:
            place = rows.index(last)
            acts = (*last.acts, Act("raises", raised[0]))
            rows[place] = replace(last, acts=acts, where=raised[1] or last.where)
        return [row for row in rows if not self._empty(row)]

    def _add(self, row: Row, owner: str, rows: list[Row]) -> None:
        """A thread that goes on where it stopped, and nobody did anything meanwhile: one row."""
        before = rows[-1] if rows else None
        goes_on = owner in self._cast.threads and row.reason == "itself" and not row.deviates
        if before and goes_on and self._owners[before.number] == owner:
            acts = before.acts + row.acts
            rows[-1] = replace(before, acts=acts, where=row.where or before.where)
            return
        if self._empty(row) and row.task in self._cast.workers:
            return
        self._owners[row.number] = owner
        rows.append(row)

    def _empty(self, row: Row) -> bool:
        return row.task in self._cast.threads and not row.acts and not row.deviates

    def _continued(self, complete: TraceEvent) -> bool:
        return any(effect.kind == "step" for effect in self._effects[complete.number])

    def _completion(self, event: TraceEvent) -> Row:
        effects = self._effects[event.number]
        stalled = next((e.task for e in effects if _loses_processor(e)), "")
        return Row(
            event.number,
            event.time_ns,
            self._cast.label(stalled, event.number),
            self._kind(event),
            event.subject,
            self._acts(effects, stalled),
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
            self._cast.label_of_step(event),
            reason,
            by,
            self._acts(effects, event.subject),
            self._where(event, effects),
            event.number in self._marked or self._completed_marked(event),
            event.cause,
            self._through.get(event.number, ""),
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
        if cause.subject == step.subject:
            return "back" if step.number in self._back else "itself", ""
        if step.subject in self._cast.threads and not self._through[step.number]:
            # What it waited for is not worth a word: a new thread's beginning, an idle worker's end.
            return ("woken", self._by(cause)) if self._is_worker(step) else ("itself", "")
        return "woken", self._by(cause)

    def _by(self, cause: TraceEvent) -> str:
        return self._cast.label_of_step(cause) if cause.kind == "step" else cause.subject

    def _is_worker(self, step: TraceEvent) -> bool:
        return step.subject in self._cast.workers

    def _kind(self, complete: TraceEvent) -> Literal["operation", "timer", "back"]:
        start = self._events[complete.cause] if complete.cause >= 0 else None
        kind = "" if start is None else start.detail.partition(" ")[0]
        return "timer" if kind == "timer" else "back" if kind == "stall" else "operation"

    def _where(self, step: TraceEvent, effects: Sequence[TraceEvent]) -> SourceLine:
        """Where it failed or cancelled; else where it went on; a first step: where it got to.

        A thread: where it got to.
        """
        for kind in ("end", "cancel"):
            for effect in effects:
                if effect.kind == kind and effect.where:
                    return effect.where
        if step.number not in self._first and step.subject not in self._cast.threads:
            return step.where
        reached = [effect.where for effect in effects if effect.where and effect.kind != "job"]
        return reached[-1] if reached else self._next_line.get(step.number, step.where)

    def _acts(self, effects: Sequence[TraceEvent], owner: str) -> tuple[Act, ...]:
        acts: list[Act] = []
        for event in effects:
            if _loses_processor(event):
                act = Act("loses the processor") if event.task == owner else None
            else:
                act = self._act(event)
            if act is not None and act not in acts[-1:]:
                acts.append(act)
        return tuple(acts)

    def _act(self, event: TraceEvent) -> Act | None:
        match event.kind:
            case "start" if not (event.detail.startswith("timer") and self._unused(event)):
                return Act("starts", event.subject, usual_ns(event))
            case "cancel":
                return Act("cancels", event.subject)
            case "task" | "thread":
                return Act("creates", event.subject)
            case "wait":
                return Act("waits for", event.subject)
            case "held":
                return Act("waits for", self._thing(event).removeprefix("the end of "))
            case "job" if event.detail == "begins":
                return Act("takes up", event.subject)
            case "end" if event.detail == "cancelled":
                return Act("is cancelled")
            case "end" | "job" if event.kind == "job" or event.subject not in self._cast.workers:
                verb, _, error = event.detail.partition(" ")
                return Act("raises" if verb == "raised" else "returns", error)
        return None

    def _unused(self, start: TraceEvent) -> bool:
        """A deadline that was met is not worth a word."""
        return not any(effect.kind == "complete" for effect in self._effects[start.number])


def _loses_processor(event: TraceEvent) -> bool:
    return event.kind == "overtaken" or (
        event.kind == "start" and event.detail.startswith("stall")
    )


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
