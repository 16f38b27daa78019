"""An observer is told of every event of an execution while it goes on.

It is the only way to be told. Observers must not touch the program: a run with an observer and the
same run without it are the same run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from spectest.kernel.clock import VirtualClock
from spectest.kernel.trace import NOWHERE, SourceLine, Trace, TraceEvent

__all__ = ["Observer", "TraceRecorder"]


class Observer(Protocol):
    """Anything with `on_event`."""

    def on_event(self, event: TraceEvent) -> None:
        """Called after `event` was appended to the trace."""
        ...


class TraceRecorder:
    """Writes the trace of an execution while it goes on, and tells its observers.

    `current`: the number of the event that whatever happens now is caused by.
    """

    def __init__(self, clock: VirtualClock, observers: Sequence[Observer] = ()) -> None:
        self.events: list[TraceEvent] = []
        self.current = -1
        self._stopped = False
        self._clock = clock
        self._observers = tuple(observers)

    def emit(
        self,
        kind: str,
        subject: str,
        *,
        task: str = "",
        cause: int | None = None,
        where: SourceLine = NOWHERE,
        detail: str = "",
    ) -> int:
        """Append an event and return its number; its cause is `current` unless given."""
        if self._stopped:
            return -1
        number = len(self.events)
        cause = self.current if cause is None else cause
        event = TraceEvent(number, self._clock.now_ns, kind, subject, task, cause, where, detail)
        self.events.append(event)
        for observer in self._observers:
            observer.on_event(event)
        return number

    def stop(self) -> None:
        """What happens from now on is not part of the execution."""
        self._stopped = True

    def trace(self) -> Trace:
        """What was recorded so far."""
        return Trace(self.events)
