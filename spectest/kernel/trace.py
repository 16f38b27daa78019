"""A trace is everything that happened in one execution, each event with its cause.

Append-only and made of plain values, so that it can be judged, compared, saved and printed after
the program that produced it is gone. Its fingerprint covers what happened and when, not the paths
of source files, so that it is the same on every machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["NOWHERE", "SourceLine", "Trace", "TraceEvent"]


class SourceLine(NamedTuple):
    """A line of the user's program; empty `file` means that there is none."""

    file: str = ""
    line: int = 0
    function: str = ""

    def __bool__(self) -> bool:
        return bool(self.file)


NOWHERE = SourceLine()


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """One event.

    `kind`: "task" (created), "step" (a task or callback goes on), "end" (a task is over), "cancel"
    (a cancellation is requested), "start" and "complete" (an operation or timer), "choice",
    "fault" (something goes wrong with the call `subject`), "effect" (that call writes something),
    "return" (the program's main function is over).
    `subject`: the label of the task, operation, timer or choice point it is about.
    `task`: the task that was running, "" for none.
    `cause`: the number of the event that led to it, -1 for none.
    """

    number: int
    time_ns: int
    kind: str
    subject: str
    task: str
    cause: int
    where: SourceLine
    detail: str

    def __str__(self) -> str:
        parts = [f"{self.time_ns / 1e6:.6f} ms", self.kind, self.subject, self.detail]
        return " ".join(part for part in parts if part)

    @property
    def key(self) -> tuple[object, ...]:
        """What must be equal for two executions to be the same."""
        return (self.time_ns, self.kind, self.subject, self.task, self.cause, self.detail)


class Trace(Sequence[TraceEvent]):
    """The events of one execution, in order."""

    def __init__(self, events: Sequence[TraceEvent]) -> None:
        self._events = tuple(events)

    def __repr__(self) -> str:
        return f"<Trace {self.fingerprint} of {len(self)} events>"

    def __len__(self) -> int:
        return len(self._events)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        return self._events[index]

    def __iter__(self) -> Iterator[TraceEvent]:
        return iter(self._events)

    def of_kind(self, *kinds: str) -> list[TraceEvent]:
        """The events of these kinds."""
        return [event for event in self._events if event.kind in kinds]

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits; equal for executions in which the same things happened."""
        digest = hashlib.blake2b(digest_size=8)
        for event in self._events:
            digest.update(repr(event.key).encode())
        return digest.hexdigest()
