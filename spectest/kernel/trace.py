"""A trace is everything that happened in one execution, each event with its cause.

Append-only and made of plain values, so that it can be judged, compared, saved and printed after
the program that produced it is gone. Its fingerprint covers what happened and when, not the paths
of source files, so that it is the same on every machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from spectest.errors import UsageError

__all__ = ["NOWHERE", "SourceLine", "Trace", "TraceEvent"]

# The number of the layout of saved traces; it grows when a field changes its meaning.
_FORMAT = 1
_FIELDS = ("time_ns", "kind", "subject", "task", "cause", "where", "detail")
_NUMBERS = ("time_ns", "cause")


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
    "return" (the program's main function is over), and more; `docs/reference/traces.md` has all.
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

    def to_json(self) -> str:
        """The trace as text, one event a line, for `from_json`."""
        return _text_of(self)

    @classmethod
    def from_json(cls, text: str) -> Trace:
        """A trace that was saved. `UsageError` if anything of it is missing or was changed."""
        return cls(_events_of(text))

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits; equal for executions in which the same things happened."""
        digest = hashlib.blake2b(digest_size=8)
        for event in self._events:
            digest.update(repr(event.key).encode())
        return digest.hexdigest()


# Saved traces.


def _text_of(trace: Trace) -> str:
    """`trace` as JSON: format, fingerprint and events, one a line, their numbers left out."""
    lines = [json.dumps(_row(event), ensure_ascii=True) for event in trace]
    events = ",\n".join(lines)
    head = f'"format": {_FORMAT}, "fingerprint": "{trace.fingerprint}"'
    return f'{{{head}, "fields": {json.dumps(_FIELDS)}, "events": [\n{events}\n]}}\n'


def _row(event: TraceEvent) -> list[Any]:
    place = list(event.where) if event.where else None
    return [place if name == "where" else getattr(event, name) for name in _FIELDS]


def _events_of(text: str) -> list[TraceEvent]:
    """The events of a saved trace; `UsageError` says what is wrong with it, and where."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise _unfit(f"it is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise _unfit("it is no JSON object")
    if document.get("format") != _FORMAT:
        raise _unfit(
            f"its `format` is {document.get('format')!r}, and this version reads {_FORMAT}"
        )
    if document.get("fields") != list(_FIELDS):
        raise _unfit(f"its `fields` are not {', '.join(_FIELDS)}")
    rows = document.get("events")
    if not isinstance(rows, list):
        raise _unfit("its `events` are no list")
    events = [_event(number, row) for number, row in enumerate(rows)]
    _check_fingerprint(events, document.get("fingerprint"))
    return events


def _event(number: int, row: Any) -> TraceEvent:
    if not isinstance(row, list) or len(row) != len(_FIELDS):
        raise _unfit(f"event {number} does not have {len(_FIELDS)} fields")
    fields = dict(zip(_FIELDS, row, strict=True))
    fields["where"] = _where(number, fields["where"])
    for name, value in fields.items():
        wanted: type = int if name in _NUMBERS else SourceLine if name == "where" else str
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise _unfit(f"the `{name}` of event {number} is {value!r}")
    if not -1 <= fields["cause"] < number:
        raise _unfit(f"the `cause` of event {number} is {fields['cause']}, which was not before it")
    return TraceEvent(number, **fields)


def _where(number: int, place: Any) -> SourceLine:
    if place is None:
        return NOWHERE
    if not isinstance(place, list) or [type(one) for one in place] != [str, int, str]:
        raise _unfit(f"the `where` of event {number} is {place!r}")
    return SourceLine(*place)


def _check_fingerprint(events: list[TraceEvent], fingerprint: Any) -> None:
    actual = Trace(events).fingerprint
    if fingerprint != actual:
        raise _unfit(f"its `fingerprint` is {fingerprint!r}, and its events have {actual!r}")


def _unfit(why: str) -> UsageError:
    return UsageError(
        f"this is no saved trace, or a damaged one: {why}.\nSave it again, with trace.to_json()."
    )
