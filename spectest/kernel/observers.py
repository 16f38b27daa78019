"""An observer is told of every event of an execution while it goes on.

It is the only way to be told. Observers must not touch the program: a run with an observer and the
same run without it are the same run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from spectest.kernel.trace import NOWHERE, SourceLine, Trace, TraceEvent

__all__ = ["Observer", "TraceRecorder"]


class Observer(Protocol):
    """Anything with `on_event`."""

    def on_event(self, event: TraceEvent) -> None:
        """Called after `event` was appended to the trace."""
        ...


class Dated(Protocol):
    """A clock, as far as a trace needs one."""

    @property
    def now_ns(self) -> int: ...


class TraceRecorder:
    """Writes the trace of an execution while it goes on, and tells its observers.

    `current`: the number of the event that whatever happens now is caused by. `on_step`: called
    after each step with `emit`, the name of who made it, and a function that says where it stands.
    `on_settled`: called before each event is appended, and wherever whoever runs stops running;
    then with the task that has run, which cannot be asked for any more.
    """

    def __init__(self, clock: Dated, observers: Sequence[Observer] = ()) -> None:
        self.events: list[TraceEvent] = []
        self.current = -1
        self.on_step: Callable[..., object] | None = None
        self.on_settled: Callable[[Any], object] | None = None
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
        self.settle()
        number = len(self.events)
        cause = self.current if cause is None else cause
        event = TraceEvent(number, self._clock.now_ns, kind, subject, task, cause, where, detail)
        self.events.append(event)
        for observer in self._observers:
            observer.on_event(event)
        return number

    def stepped(self, speaker: str, where: Callable[[], SourceLine]) -> None:
        """The task or thread `speaker` has made a step and stands at `where()`."""
        if self.on_step is not None and not self._stopped:
            self.on_step(self.emit, speaker, where)

    def settle(self, task: Any = None) -> None:
        """What was done up to now was done by whoever runs; see `on_settled`."""
        if self.on_settled is not None and not self._stopped:
            self.on_settled(task)

    def stop(self) -> None:
        """What happens from now on is not part of the execution."""
        self._stopped = True

    def trace(self) -> Trace:
        """What was recorded so far."""
        return Trace(self.events)
