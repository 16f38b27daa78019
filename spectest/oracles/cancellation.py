"""Who has lost, or whose caller has left, goes: soon, really, and without keeping the answer back.

Times are compared to a tenth of a millisecond, which is as exact as a performance in real time is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from spectest.errors import UsageError
from spectest.kernel.trace import Trace, TraceEvent
from spectest.oracles.accounts import length, ms, several, standing
from spectest.oracles.base import Verdict
from spectest.oracles.departures import (
    Departure,
    callers_left,
    refusals,
    waited_for_losers,
)
from spectest.oracles.races import Race, races_of
from spectest.oracles.story import Attempt, Story, story_of

__all__ = ["cancellation"]

_SAME_MOMENT_NS = 100_000
_AWAIT = "Cancel the losers and await them, for as long as the grace allows."
_THREAD = (
    "A thread cannot be cancelled: close the client that it waits for, or give the call a timeout "
    "of its own; or declare how long a loser may stay, cancellation(grace=...)."
)
_RAISE = "Clean up and raise CancelledError again; whoever cancels relies on it."
_CLOSE = (
    "To cancel the await ends nothing at the other end: close the branch's client, too, or "
    "declare how long the service may take to notice, cancellation(grace=...)."
)
_REACH = (
    "Await branches where the cancellation reaches them, in a TaskGroup or in try/finally: cancel "
    "them and await their end before you go."
)
_RETURN = (
    "Decide, ask the losers to go, and answer; let somebody else await them: a task that is kept, "
    "or the owner of the pool."
)


@dataclass(frozen=True, slots=True)
class cancellation:  # noqa: N801  # made by a call, like a function
    """After the decision losers end, and nothing of them stays; the answer does not wait for them.

    `grace`: how many virtual seconds a loser may stay after the decision, a branch after its caller
    was cancelled or timed out, and a service at work on a call after the call was given up. Where
    no decision was told, it is the program's return. `branches`: names of those that compete, by
    default all. Raises `UsageError` if the grace is not a number of seconds.
    """

    grace: float = 0.0
    branches: str | tuple[str, ...] = ()

    def __post_init__(self) -> None:
        given: Any = self.grace
        number = isinstance(given, int | float) and not isinstance(given, bool)
        if not number or not 0 <= given < math.inf:
            raise UsageError(f"grace={given!r} must be a number of seconds, 0 or more, and finite")
        object.__setattr__(self, "branches", several(self.branches))

    @property
    def name(self) -> str:
        return "cancellation"

    def blind(self, trace: Trace) -> str:
        """Why there was nothing to judge in `trace`, "" if there was."""
        if story_of(trace).attempts:
            return ""
        return "cancellation saw no branch: no service was called, and nothing was told"

    def judge(self, trace: Trace, reference: Trace | None) -> Iterable[Verdict]:
        """Judge `trace`; `reference` is not needed."""
        del reference
        story = story_of(trace)
        seen: set[str] = set()
        for verdict, attempt in self._found(story):
            label = story.outermost(attempt).label
            if label not in seen or verdict.finding == "the answer waited for a loser":
                seen.add(label)
                yield verdict

    def _found(self, story: Story) -> Iterator[tuple[Verdict, Attempt]]:
        races = races_of(story)
        for departure in refusals(story):
            yield self._swallowed(departure)
        for departure in callers_left(story, races):
            if self._outlives(departure.attempt, departure.event):
                yield self._outlived_caller(departure)
        for race in races:
            for loser in self._losers(race):
                if self._outlives(loser, race.decided):
                    yield self._outlived_grace(story, loser, race)
        yield from self._dead_handles(story)
        for race in races:
            waited = waited_for_losers(story, race, self._losers(race), _SAME_MOMENT_NS)
            if waited is not None:
                yield self._waited(race, *waited)

    def _losers(self, race: Race) -> list[Attempt]:
        if not race.winners:
            return []
        return [
            it for it in race.attempts if it not in race.winners and it.worked and self._judged(it)
        ]

    def _judged(self, attempt: Attempt) -> bool:
        return not self.branches or attempt.branch in self.branches

    def _outlives(self, attempt: Attempt, left: TraceEvent) -> bool:
        return self._judged(attempt) and self._too_late(attempt.ended, left)

    def _too_late(self, ended: TraceEvent | None, left: TraceEvent) -> bool:
        allowed_ns = round(self.grace * 1e9) + _SAME_MOMENT_NS
        return ended is None or ended.time_ns - left.time_ns > allowed_ns

    # What is said.

    def _outlived_grace(self, story: Story, loser: Attempt, race: Race) -> tuple[Verdict, Attempt]:
        winner = race.winners[0].label
        when = "when the program returned" if race.told is None else "at the decision"
        return self._verdict(
            "a loser outlived the grace",
            loser,
            race.decided,
            f"`{loser.label}` lost to `{winner}` and {_stayed(loser, race.decided)}",
            f"{when}, at {ms(race.decided)}, it was at work; {self._allowed}",
            _THREAD if story.is_thread(loser.task) else _AWAIT,
        )

    def _swallowed(self, it: Departure) -> tuple[Verdict, Attempt]:
        return self._verdict(
            "a loser swallowed its cancellation",
            it.attempt,
            it.event,
            f"`{it.attempt.label}` was cancelled at {ms(it.event)}, and did not end as cancelled",
            f"it {standing(it.attempt)}",
            _RAISE,
        )

    def _outlived_caller(self, it: Departure) -> tuple[Verdict, Attempt]:
        return self._verdict(
            "a branch outlived its caller",
            it.attempt,
            it.event,
            f"`{it.caller}` was cancelled, and its branch `{it.attempt.label}` "
            f"{_stayed(it.attempt, it.event)}",
            f"{it.why}, at {ms(it.event)}; {self._allowed}",
            _REACH,
        )

    def _dead_handles(self, story: Story) -> Iterator[tuple[Verdict, Attempt]]:
        released = {it.subject: it for it in story.trace.of_kind("released")}
        for call in story.attempts:
            left = call.ended
            if not call.service or call.outcome != "cancelled" or left is None:
                continue
            end = released.get(call.label)
            if self._judged(story.outermost(call)) and self._too_late(end, left):
                yield self._verdict(
                    "a dead handle",
                    call,
                    left,
                    f"nobody waits for `{call.label}`, and the service {_worked(end, left)}",
                    f"its caller left at {ms(left)}; {self._allowed}",
                    _CLOSE,
                )

    def _waited(
        self, race: Race, loser: Attempt, known: TraceEvent, returned: TraceEvent
    ) -> tuple[Verdict, Attempt]:
        late = length(returned.time_ns - known.time_ns)
        return self._verdict(
            "the answer waited for a loser",
            loser,
            returned,
            f"the answer of `{race.winners[0].label}` came {late} late: it waited for "
            f"`{loser.label}`, which {standing(loser)}",
            f"the race was over at {ms(known)}, and the answer returned at {ms(returned)}",
            _RETURN,
        )

    @property
    def _allowed(self) -> str:
        return f"the grace is {self.grace * 1e3:g} ms"

    def _verdict(
        self, finding: str, attempt: Attempt, event: TraceEvent, *lines: str
    ) -> tuple[Verdict, Attempt]:
        numbers = {event.number} | ({attempt.ended.number} if attempt.ended else set())
        message = "\n".join(lines)
        return Verdict(self.name, finding, message, event.where, tuple(sorted(numbers))), attempt


def _stayed(attempt: Attempt, since: TraceEvent) -> str:
    if attempt.ended is None:
        return "never ended"
    late = length(attempt.ended.time_ns - since.time_ns)
    return f"stayed for {late} more: it {standing(attempt)}"


def _worked(end: TraceEvent | None, left: TraceEvent) -> str:
    if end is None:
        return "never stops to work on it"
    return f"worked on it for {length(end.time_ns - left.time_ns)} more, until {ms(end)}"
