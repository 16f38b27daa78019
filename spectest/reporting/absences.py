"""When a thread could have run and did not get the processor: where it stood, and who ran."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from spectest.kernel.trace import NOWHERE, SourceLine, TraceEvent
from spectest.reporting.cast import Cast
from spectest.reporting.places import Place, place_of

__all__ = ["Absence", "absence_of", "is_of_a_thread", "moment_of"]

_HELD = re.compile(r".* (?:turn|stall)#\d+", re.DOTALL)

_BEFORE = ("before it began", "before it took up a job")


@dataclass(frozen=True, slots=True)
class Absence:
    """One absence of one thread from the processor.

    `thread`: what a report calls it. `moment`: at what point of its work, as the end of a sentence.
    `place`: where it stood; if it had not `begun`, where it was started or its job submitted.
    `went_first`: who went on meanwhile. `lost`, `back`: the numbers of the event with which it lost
    the processor and of the step with which it got it back, -1 if it never did. `stalled_ns`: how
    long it was stalled, None if it was only overtaken.
    """

    thread: str
    moment: str
    place: Place | None
    begun: bool
    went_first: tuple[str, ...]
    lost: int
    back: int
    stalled_ns: int | None = None


def is_of_a_thread(name: str) -> bool:
    """Whether the hold of this name keeps a thread from the processor."""
    return _HELD.fullmatch(name) is not None


def absence_of(name: str, events: Sequence[TraceEvent], cast: Cast) -> Absence | None:
    """The absence that the hold `name` made, or None if it had no effect."""
    about = [event for event in events if event.subject == name]
    if not about:
        return None
    lost, over = about[0], about[-1]
    thread = lost.task
    stalled = over.time_ns - lost.time_ns if over.kind == "complete" else None
    back = _back(thread, over, events, cast)
    between = events[lost.number + 1 : None if back < 0 else back]
    others = (e for e in between if e.kind == "step" and e.subject != thread)
    place, begun = _stood(lost, cast)
    return Absence(
        cast.label(thread, lost.number),
        _moment(lost, events) if begun else _BEFORE[0],
        place_of(place),
        begun,
        tuple(dict.fromkeys(cast.label_of_step(event) for event in others)),
        lost.number,
        back,
        stalled,
    )


def _stood(lost: TraceEvent, cast: Cast) -> tuple[SourceLine, bool]:
    """Its line, else where it was started or its job submitted; and whether it had begun."""
    thread = lost.task
    if lost.where or moment_of(lost) not in _BEFORE:
        ended = cast.last_job(thread, lost.number)
        return lost.where or (NOWHERE if ended is None else ended.where), True
    job = cast.next_job(thread, lost.number)
    return (cast.made_at(thread) if job is None else job.where), False


def _back(thread: str, over: TraceEvent, events: Sequence[TraceEvent], cast: Cast) -> int:
    """The first step afterwards; of a thread that runs an event loop, of one of its tasks."""
    steps = [e for e in islice(events, over.number, None) if e.kind == "step"]
    own = (event.number for event in steps if event.subject == thread)
    in_loop = (event.number for event in steps if event.subject in cast.tasks)
    return next(own, next(in_loop, -1))


def _moment(lost: TraceEvent, events: Sequence[TraceEvent]) -> str:
    """What it was woken by, if that was time; else what it was doing."""
    cause = events[lost.cause] if lost.cause >= 0 else lost
    if cause.kind != "complete":
        return moment_of(lost)
    start = events[cause.cause] if cause.cause >= 0 else cause
    timer = start.detail.startswith("timer")
    return f"when `{cause.subject}` had {'fallen due' if timer else 'completed'}"


def moment_of(lost: TraceEvent) -> str:
    """What the thread that this event is about was doing, as the end of a sentence."""
    return lost.detail.partition(" 0 ")[2] if lost.kind == "start" else lost.detail
