"""Who acts in a trace: tasks, threads, and the workers of pools by the job they run.

A worker is called after its job, as a task is after its coroutine: "fetch (io_1)" is what io_1 is
called while it runs fetch, on its way to its first job, and after its last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from spectest.kernel.trace import NOWHERE, SourceLine, TraceEvent

__all__ = ["Cast"]


class Cast:
    """The cast of one execution.

    `tasks`, `threads`, `workers`: by the names that the trace has for them. `labels`: what a report
    calls them, in order of appearance.
    """

    def __init__(self, events: Sequence[TraceEvent]) -> None:
        self.tasks = {event.subject for event in events if event.kind == "task"}
        self._made_at = {event.subject: event.where for event in events if event.kind == "thread"}
        self._jobs: dict[str, list[TraceEvent]] = {}
        steps: dict[str, list[TraceEvent]] = {}
        labels: dict[str, None] = {}
        for event in events:
            if event.kind in ("task", "thread"):
                labels[event.subject] = None
            elif event.kind == "step":
                steps.setdefault(event.subject, []).append(event)
            elif event.kind == "job" and event.detail != "submitted":
                self._jobs.setdefault(event.task, []).append(event)
                labels[_label(event)] = None
        self.threads = frozenset(self._made_at)
        self.workers = frozenset(self._jobs)
        self.labels = tuple(labels)
        self._steps = {
            step.number: self._label_of_step(step, len(events) if after is None else after.number)
            for taken in steps.values()
            for step, after in pairwise([*taken, None])
            if step is not None
        }

    def made_at(self, thread: str) -> SourceLine:
        """Where a thread was started."""
        return self._made_at.get(thread, NOWHERE)

    def job(self, thread: str, number: int) -> TraceEvent | None:
        """The beginning of the job that the thread runs at this event, None if it runs none."""
        last = self.last_job(thread, number + 1)
        return last if last is not None and last.detail == "begins" else None

    def last_job(self, thread: str, number: int) -> TraceEvent | None:
        """The latest beginning or end of a job of this worker before this event."""
        jobs = [event for event in self._jobs.get(thread, ()) if event.number < number]
        return jobs[-1] if jobs else None

    def next_job(self, thread: str, number: int) -> TraceEvent | None:
        """The beginning of the job that the worker takes up next after this event."""
        later = (event for event in self._jobs.get(thread, ()) if event.number > number)
        return next((event for event in later if event.detail == "begins"), None)

    def label(self, thread: str, number: int) -> str:
        """What a report calls the thread or task at this event."""
        job = self.last_job(thread, number + 1) or self.next_job(thread, number)
        return thread if job is None else _label(job)

    def label_of_step(self, step: TraceEvent) -> str:
        """What it calls it during this step."""
        return self._steps[step.number]

    def _label_of_step(self, step: TraceEvent, end: int) -> str:
        """A worker's is that of its job, if it has none that of the first one it takes up now."""
        job = self.job(step.subject, step.number) or self.next_job(step.subject, step.number)
        if job is not None and job.number < end:
            return _label(job)
        return self.label(step.subject, step.number)


def _label(job: TraceEvent) -> str:
    return f"{job.subject} ({job.task})"
