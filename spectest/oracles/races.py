"""Races: what a story says of who competed, who had ended when it was decided, and who was cut off.

A race is a speculation that was told. If none was, the program itself is one: its branches compete,
and it is decided when the program returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from spectest.kernel.trace import Trace, TraceEvent
from spectest.oracles.story import Attempt, Speculation, Story

__all__ = ["Fate", "Race", "fate", "given_up", "races_of", "started_by"]

Fate = Literal["valid", "not valid", "open"]
"""What was known of an attempt when its race was decided; open: the decision did without it."""


@dataclass(slots=True, eq=False)
class Race:
    """One race.

    `label`: of the speculation, "" for the program as a whole. `attempts`: those that compete.
    `decided`: the event of the decision, or of the program's return. `winners`: who won; several
    only if their answers are equal and nobody told whose it is. `value`: the text of what came out,
    None if that says nothing. `told`: the speculation, None for the program.
    """

    label: str
    attempts: list[Attempt]
    decided: TraceEvent
    winners: list[Attempt]
    value: str | None
    told: Speculation | None = None

    @property
    def branches(self) -> tuple[str, ...]:
        """The names of those who won."""
        return tuple(dict.fromkeys(it.branch for it in self.winners))


def races_of(story: Story) -> list[Race]:
    """The races that were decided, in order of their beginnings."""
    if story.speculations:
        return [_told(it, it.decided) for it in story.speculations if it.decided is not None]
    over = story.over
    if over is None or story.result is None or not story.branches:
        return []
    silent = story.result == "None"
    winners = [] if silent else story.winners
    value = None if silent else story.result
    return [Race("", story.branches, over, winners, value)]


def _told(it: Speculation, decided: TraceEvent) -> Race:
    winners = [] if it.winner is None else [it.winner]
    value = it.winner.answer if it.winner is not None else "nobody's answer"
    return Race(it.label, it.attempts, decided, winners, value, it)


def fate(story: Story, attempt: Attempt, race: Race, other: Story) -> Fate:
    """What was known of `attempt` at the decision of `race`; `other`: what that is compared with.

    Whoever was cancelled by a deadline, or had not ended when a deadline decided, is not valid: too
    late is as good as never. Whoever was cancelled for another reason, or ended later, is open; so
    is who missed a window that opened with the answer of a competitor.
    """
    ended = attempt.ended
    if attempt.outcome == "timed out":
        return "not valid"  # A thread may go on for a while; its time was over.
    if ended is None or ended.number > race.decided.number:
        late = _at_deadline(story, race.decided, attempt, other)
        return "not valid" if late else "open"
    if attempt.outcome == "not launched":
        return "open"
    if attempt.outcome == "cancelled":
        late = _at_deadline(story, _cancellation(story, attempt), attempt, other)
        return "not valid" if late else "open"
    if attempt in race.winners and attempt.valid:
        return "valid"
    if not attempt.valid or _overdue(story, attempt, race, other):
        return "not valid"
    late = not _handed_over(story, attempt, race)
    return "not valid" if late and _at_deadline(story, race.decided, attempt, other) else "valid"


def given_up(story: Story, race: Race) -> bool:
    """Whether a deadline of its caller's ended the race: the task that had launched it was cut."""
    for event in story.trace.of_kind("cancel"):
        start = None if event.number > race.decided.number else started_by(story.trace, event)
        if start is not None and start.detail.startswith("timer"):
            for attempt in race.attempts:
                line = story.creations(attempt.task, attempt.began.number)
                if any(it.task == event.subject for it in line):
                    return True
    return False


def _overdue(story: Story, attempt: Attempt, race: Race, other: Story) -> bool:
    """Whether it is a thread's answer that came when a deadline had expired.

    Nobody can cut a thread, so it ends as valid although nobody has waited for it any more.
    """
    if not story.is_thread(attempt.task) or attempt.ended is None:
        return False
    for event in story.trace[attempt.began.number : race.decided.number]:
        if event.kind == "complete" and event.time_ns <= attempt.ended.time_ns and event.cause >= 0:
            start = story.trace[event.cause]
            timer = start.detail.startswith("timer") and story.attempt_of(start) is None
            if timer and not _is_window(story, start, attempt, other):
                return True
    return False


def _handed_over(story: Story, attempt: Attempt, race: Race) -> bool:
    """Whether the task of a valid answer had ended, too, so that whoever decided could see it."""
    if attempt.ended is None or attempt.task == race.decided.task or not story.over:
        return True
    end = story.end_of(attempt.task, attempt.ended.number)
    return attempt.task == story.over.subject or (
        end is not None and end.number < race.decided.number
    )


def _cancellation(story: Story, attempt: Attempt) -> TraceEvent:
    ended = attempt.ended
    assert ended is not None
    for number in range(ended.number - 1, attempt.began.number, -1):
        event = story.trace[number]
        if event.kind == "cancel" and event.subject == attempt.task:
            return event  # type: ignore[no-any-return]
    return ended


def started_by(trace: Trace, event: TraceEvent) -> TraceEvent | None:
    """Of the completion that led to `event`, the start of what completed; None if nothing did."""
    seen = event
    while 0 <= seen.cause < seen.number:
        cause: TraceEvent = trace[seen.cause]
        if cause.kind == "complete":
            start: TraceEvent | None = trace[cause.cause] if cause.cause >= 0 else None
            if start is None or not start.detail.startswith("stall"):
                return start
        seen = cause
    return None


def _at_deadline(story: Story, event: TraceEvent, late: Attempt, other: Story) -> bool:
    """Whether `event`, the end of `late`, came of a deadline and not of what a competitor did."""
    start = started_by(story.trace, event)
    if start is None or not start.detail.startswith(("timer", "sleep")):
        return False
    owner = story.attempt_of(start)
    if owner is not None:
        own = story.outermost(owner) is story.outermost(late)
        return own and start.detail.startswith("timer")
    # A sleep of nobody's is a deadline of the pipeline, unless a branch does something after its
    # call, such as parsing the answer.
    if start.detail.startswith("sleep") and _works_for_a_branch(story, start):
        return False
    return not _is_window(story, start, late, other)


def _is_window(story: Story, start: TraceEvent, late: Attempt, other: Story) -> bool:
    """Whether it opened when a competitor of `late` answered, and for as long as always."""
    opened = started_by(story.trace, start)
    there = late.began.number < start.number
    answer = None if opened is None else story.attempt_of(opened)
    usual = other.starts.get(start.subject)
    if answer is None or usual is None or not there:
        return False
    by_competitor = story.outermost(answer) is not story.outermost(late)
    return by_competitor and usual.detail == start.detail and usual.time_ns != start.time_ns


def _works_for_a_branch(story: Story, start: TraceEvent) -> bool:
    main = story.returned.subject if story.returned is not None else ""
    return start.task != main and any(it.task == start.task for it in story.attempts)
