"""Which job is next: the jobs of one executor on its fake clock, whoever runs them.

A job is taken up by a worker and finishes after its delay. An executor without `max_workers` has a
worker for everyone. Workers take jobs in the order of submission, and only while somebody waits: so
a job which nobody has waited for is pending, and may be cancelled.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import Any, Literal

from spectest.executors.script import Call, Part, Script
from spectest.kernel.clock import NANOSECONDS, seconds_to_ns

__all__ = ["Agenda", "Entry"]


class Entry:
    """One submission, from there to its end."""

    def __init__(
        self,
        part: Part,
        future: Future[Any],
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self.part = part
        self.future = future
        self.function = function
        self.args = args
        self.kwargs = kwargs
        self.start_ns: int | None = None
        self.finish_ns: int | None = None
        self.running = False
        self.called = False
        self.outcome: Literal["returned", "raised", "running"] = "running"
        self.value: Any = None

    @property
    def due_ns(self) -> int:
        """When it finishes, once it was taken up."""
        return (self.start_ns or 0) + seconds_to_ns(self.part.job.delay)

    def perform(self) -> Any:
        """What the job comes to: a result, or an exception that is raised."""
        if self.part.job.raises is not None:
            raise self.part.job.raises
        return self.function(*self.args, **self.kwargs)

    def end(self, outcome: Literal["returned", "raised"], value: Any, now_ns: int) -> None:
        self.outcome, self.value, self.finish_ns = outcome, value, now_ns

    def record(self) -> Call:
        finish = None if self.finish_ns is None else self.finish_ns / NANOSECONDS
        return Call(
            name=self.part.name,
            args=self.args,
            kwargs=self.kwargs,
            outcome=self.outcome,
            value=self.value,
            start=(self.start_ns or 0) / NANOSECONDS,
            finish=finish,
        )


class Agenda:
    """The submissions that have not ended, in order of submission."""

    def __init__(self, script: Script, max_workers: int | None) -> None:
        self.script = script
        self.now_ns = 0
        self._max_workers = max_workers
        self._entries: list[Entry] = []
        self._lock = threading.Lock()

    def add(
        self,
        future: Future[Any],
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        with self._lock:
            part = self.script.part_for(function)
            self._entries.append(Entry(part, future, function, args, kwargs))

    def close(self, entry: Entry) -> None:
        with self._lock:
            self._entries.remove(entry)

    def open(self) -> tuple[Entry, ...]:
        with self._lock:
            return tuple(self._entries)

    def move_to(self, instant_ns: int) -> None:
        """Let the clock show `instant_ns`, unless it is past."""
        self.now_ns = max(self.now_ns, instant_ns)

    def take_up(self) -> bool:
        """Let free workers take jobs; whether one of these turned out to be cancelled."""
        found_cancelled = False
        for entry in self.open():
            if entry.start_ns is None:
                if not self._has_free_worker():
                    break
                entry.start_ns = self.now_ns
            holds = self._max_workers is not None or entry.part.job.never
            if not entry.running and (holds or entry.future.cancelled()):
                entry.running = entry.future.set_running_or_notify_cancel()
                if not entry.running:
                    self.close(entry)
                    found_cancelled = True
        return found_cancelled

    def ready(self) -> list[Entry]:
        """Those that can finish without anyone else, the next one first."""
        reach = self._reach()
        found = [
            entry
            for entry in self.open()
            if entry.start_ns is not None
            and not entry.called
            and not entry.part.job.never
            and (entry.part.place is None or entry.part.place <= reach)
        ]
        return sorted(found, key=lambda entry: (entry.due_ns, entry.part.number))

    def next(self, among: Collection[Future[Any]]) -> Entry | None:
        """The one that finishes next.

        While a job is being called and waits, it is one `among` those waited for, if any of these
        can finish: another might wait for the job that waits.
        """
        ready = self.ready()
        if any(entry.called for entry in self.open()):
            ready = [entry for entry in ready if entry.future in among] or ready
        return ready[0] if ready else None

    def why_blocked(self, entry: Entry) -> str:
        """One line on why a job cannot finish."""
        name = f"`{entry.part.name}`"
        if entry.called:
            return f"{name} is itself being called, further up this stack"
        if entry.part.job.never:
            return f"{name} never finishes, says its script"
        if entry.start_ns is None:
            holders = [other for other in self.open() if other.start_ns is not None]
            names = ", ".join(f"`{holder.part.name}`" for holder in holders)
            taken = f"max_workers={self._max_workers}, taken by {names}"
            return f"{name} waits for a worker; {taken}"
        return f"{name} comes after {self.script.shown(self._reach())}, says `order`"

    def _has_free_worker(self) -> bool:
        if self._max_workers is None:
            return True
        return sum(entry.start_ns is not None for entry in self.open()) < self._max_workers

    def _reach(self) -> int:
        """The first place of the order of which jobs are still to finish."""
        unfinished = {entry.part.place for entry in self.open()}
        for place in range(len(self.script.order)):
            if place in unfinished or not self.script.is_met(place):
                return place
        return len(self.script.order)
