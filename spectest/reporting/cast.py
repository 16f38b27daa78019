"""Who acts in a trace: tasks, threads, and the workers of pools by the job they run.

A worker is called after its job, as a task is after its coroutine: "fetch (ThreadPoolExecutor-0_1)".
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from spectest.kernel.trace import SourceLine, TraceEvent

__all__ = ["Cast"]


class Cast:
    """The cast of one execution.

    `tasks`, `threads`, `workers`: by the names that the trace has for them. `labels`: what a report
    calls them, in order of appearance. `made_at`: where each thread was started.
    """

    def __init__(self, events: Sequence[TraceEvent]) -> None:
        self.tasks = {event.subject for event in events if event.kind == "task"}
        self.threads = {event.subject for event in events if event.kind == "thread"}
        self.made_at: dict[str, SourceLine] = {
            event.subject: event.where for event in events if event.kind == "thread"
        }
        self._jobs: dict[str, list[TraceEvent]] = {}
        self._steps: dict[int, str] = {}
        labels: dict[str, None] = {}
        latest: dict[str, TraceEvent] = {}
        for event in events:
            if event.kind in ("task", "thread"):
                labels[event.subject] = None
            elif event.kind == "step":
                latest[event.subject] = event
                self._steps[event.number] = self.label(event.subject, event.number)
            elif event.kind == "job" and event.detail != "submitted":
                self._jobs.setdefault(event.task, []).append(event)
                label = self.label(event.task, event.number)
                labels[label] = None
                step = latest.get(event.task)
                if step is not None and self._steps[step.number] == event.task:
                    self._steps[step.number] = label
        self.workers = set(self._jobs)
        self.labels = tuple(labels)

    def job(self, thread: str, number: int) -> TraceEvent | None:
        """The beginning of the job that the thread runs at this event, None if it runs none."""
        jobs = self._jobs.get(thread, [])
        place = bisect_right(jobs, number, key=lambda event: event.number)
        return jobs[place - 1] if place and jobs[place - 1].detail == "begins" else None

    def label(self, thread: str, number: int) -> str:
        """What a report calls the thread or task at this event."""
        job = self.job(thread, number)
        return thread if job is None else f"{job.subject} ({thread})"

    def label_of_step(self, step: TraceEvent) -> str:
        """What it calls it during this step; a worker by the first job it has there."""
        return self._steps[step.number]
