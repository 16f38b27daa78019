"""Who was asked to go and did not, whose caller has left, and for whom an answer was kept waiting.

All of it is read from causes: which completion led to an event, and in whose name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from spectest.kernel.trace import TraceEvent
from spectest.oracles.races import Race, started_by
from spectest.oracles.story import Attempt, Story

__all__ = ["Departure", "callers_left", "refusals", "waited_for_losers"]

_GONE = ("cancelled", "timed out", "dropped", "not launched", "")


@dataclass(frozen=True, slots=True)
class Departure:
    """An attempt that was to go, and the cancellation by which it, or its `caller`, was told.

    `why`: how the caller was told, in words.
    """

    attempt: Attempt
    event: TraceEvent
    caller: str = ""
    why: str = ""


def refusals(story: Story) -> Iterator[Departure]:
    """Attempts that were cancelled by somebody else and ended in another way."""
    cancels = story.trace.of_kind("cancel")
    for attempt in story.attempts:
        if attempt.service or attempt.outcome in _GONE:
            continue
        asked = (it for it in cancels if it.subject == attempt.task and _at_work(attempt, it))
        for event in asked:
            if not _by_itself(story, attempt, event) and not _was_done(story, attempt, event):
                yield Departure(attempt, event)
                break


def _at_work(attempt: Attempt, event: TraceEvent) -> bool:
    ended = attempt.ended
    return attempt.began.number < event.number and (ended is None or event.number < ended.number)


def _by_itself(story: Story, attempt: Attempt, event: TraceEvent) -> bool:
    """Whether it was cancelled by a timeout or a task group of its own."""
    asking = story.attempt_of(event)
    if asking is not None and story.outermost(asking) is story.outermost(attempt):
        return True
    start = started_by(story.trace, event)
    return start is not None and start.detail.startswith("timer") and start.task == attempt.task


def _was_done(story: Story, attempt: Attempt, event: TraceEvent) -> bool:
    """Whether what it waited for had come before, at the same instant: it had nothing to give up.

    CPython 3.11's `wait_for` then returns, https://github.com/python/cpython/issues/86296.
    """
    ended = attempt.ended
    if ended is None or ended.time_ns != event.time_ns:
        return False
    for number in range(event.number - 1, -1, -1):
        earlier = story.trace[number]
        if earlier.time_ns != event.time_ns:
            return False
        if earlier.kind == "complete" and earlier.cause >= 0:
            owner = story.attempt_of(story.trace[earlier.cause])
            if owner is not None and story.outermost(owner) is attempt:
                return True
    return False


def callers_left(story: Story, races: Sequence[Race]) -> Iterator[Departure]:
    """Attempts at work when the task that had launched them, or one above it, was cancelled.

    What was launched before the timeout that cancels its caller was not meant by that.
    """
    decided = {it.label: race.decided.number for race in races for it in race.attempts}
    cancels = story.trace.of_kind("cancel")
    for attempt in story.attempts:
        line = list(story.creations(attempt.task, attempt.began.number))
        last = decided.get(attempt.label, len(story.trace))
        for event in cancels:
            launch = next((it for it in line if it.task == event.subject), None)
            if not _at_work(attempt, event) and _begun_since(story, attempt, event):
                launch = launch or attempt.began
            elif launch is None or not _at_work(attempt, event):
                continue
            if event.number > last:
                continue
            start = started_by(story.trace, event)
            if start is None or not start.detail.startswith("timer"):
                yield Departure(attempt, event, event.subject, "it was told to go")
            elif start.number < launch.number:
                why = f"its timeout `{start.subject}` expired"
                yield Departure(attempt, event, event.subject, why)


def _begun_since(story: Story, attempt: Attempt, event: TraceEvent) -> bool:
    """Whether it was begun for a speculation whose caller had been cancelled by then.

    That the caller ends the wait for something by a timeout of its own is another thing.
    """
    speculation = story.speculation(attempt.speculation)
    if speculation is None or speculation.task != event.subject or not attempt.worked:
        return False
    if not speculation.told.number < event.number < attempt.began.number:
        return False
    start = started_by(story.trace, event)
    own = start is not None and start.detail.startswith("timer")
    return not (own and start is not None and start.number > speculation.told.number)


def waited_for_losers(
    story: Story, race: Race, losers: Sequence[Attempt], moment_ns: int
) -> tuple[Attempt, TraceEvent, TraceEvent] | None:
    """The loser for which the answer was kept, when it was there, and when it was returned.

    A trace proves it where what ended last before the return was a loser's, who had been asked to
    go or whose race had been decided before; or where the end of a pool waited for his thread.
    """
    known, returned = _known(race), _returned(story, race)
    if known is None or returned is None or _held_up(story, known, returned):
        return None
    start = started_by(story.trace, returned)
    for loser in losers:
        asked = _held(story, known, loser)
        if asked is None and start is not None and _is_of(story, start, loser):
            asked = known if race.told is not None else _asked(story, loser, known)
        if asked is None and start is None and not _has_causes(story):
            asked = _seen_to_end(loser, known, returned, moment_ns)
        if asked is not None and returned.time_ns - asked.time_ns > moment_ns:
            return loser, asked, returned
    return None


def _held_up(story: Story, known: TraceEvent, returned: TraceEvent) -> bool:
    """Whether who returned the answer had lost the processor meanwhile, and waited for nobody."""
    return any(
        event.kind == "start" and event.task == returned.task and event.detail[:5] == "stall"
        for event in story.trace[known.number : returned.number]
    )


def _known(race: Race) -> TraceEvent | None:
    if not race.winners:
        return None
    return race.decided if race.told is not None else race.winners[0].ended


def _returned(story: Story, race: Race) -> TraceEvent | None:
    if race.told is not None and race.told.left is not None:
        return race.told.left
    if race.told is None or (story.returned and story.returned.subject == race.told.task):
        return story.over
    return story.end_of(race.told.task, race.decided.number)


def _held(story: Story, known: TraceEvent, loser: Attempt) -> TraceEvent | None:
    for event in story.trace.of_kind("held"):
        late = event.number > known.number and _at_work(loser, event)
        if late and event.subject == loser.task:
            return event
    return None


def _is_of(story: Story, start: TraceEvent, loser: Attempt) -> bool:
    owner = story.attempt_of(start)
    belongs = owner is not None and story.outermost(owner) is story.outermost(loser)
    return belongs or start.task == loser.task


def _asked(story: Story, loser: Attempt, known: TraceEvent) -> TraceEvent | None:
    for event in story.trace.of_kind("cancel", "dismiss"):
        him = event.subject == (loser.task if event.kind == "cancel" else loser.label)
        if him and event.number > known.number:
            return event
    return None


def _has_causes(story: Story) -> bool:
    return bool(story.trace.of_kind("complete"))


def _seen_to_end(
    loser: Attempt, known: TraceEvent, returned: TraceEvent, moment_ns: int
) -> TraceEvent | None:
    """What a performance in real time shows, of which causes are not known."""
    ended = loser.ended
    if ended is None or abs(returned.time_ns - ended.time_ns) > moment_ns:
        return None
    return known
