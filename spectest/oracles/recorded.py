"""A record of a speculation, field by field, against the story of the same speculation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from spectest.kernel.trace import TraceEvent
from spectest.oracles.story import Attempt, Speculation

__all__ = ["Difference", "differences"]

_ROUNDING_MS = 0.0016
_NEVER_BEGAN = ("dropped", "not launched")


@dataclass(frozen=True, slots=True)
class Difference:
    """`field`: as in "branch_latencies_ms[1]"; `recorded`: what it says; `seen`: in words.

    `events`: those that show it.
    """

    field: str
    recorded: Any
    seen: str
    events: tuple[TraceEvent, ...] = ()


def differences(
    speculation: Speculation, record: dict[str, Any], written: TraceEvent, slack_s: float
) -> Iterator[Difference]:
    """What `record` says and the story does not, the gravest first, times last.

    `written`: the event of the record; what came after it cannot be in it. `slack_s`: how far times
    may be apart, besides their rounding.
    """
    comparison = _Comparison(speculation, record, written, 1000 * slack_s + _ROUNDING_MS)
    yield from comparison.names()
    yield from comparison.winner()
    yield from comparison.outcomes()
    yield from comparison.counts()
    yield from comparison.cancellations()
    yield from comparison.times()


class _Comparison:
    def __init__(
        self,
        speculation: Speculation,
        record: dict[str, Any],
        written: TraceEvent,
        slack_ms: float,
    ) -> None:
        self._speculation = speculation
        self._record = record
        self._written = written
        self._slack_ms = slack_ms
        names = record.get("branch_names")
        self._names: list[Any] = names if isinstance(names, list) else []
        self._attempts = [self._attempt(name) for name in self._names]
        self._all_places = range(len(self._names))

    def _attempt(self, name: Any) -> Attempt | None:
        """The attempt of this branch; None if there was none or, where one is retried, two."""
        found = [it for it in self._speculation.attempts if it.branch == name]
        return found[0] if len(found) == 1 else None

    def _each(self, field: str) -> Iterator[tuple[str, Any, Attempt | None]]:
        """Of a list with an entry for each branch: place, entry, attempt."""
        entries = self._record.get(field)
        if isinstance(entries, list) and len(entries) == len(self._names):
            for place, (entry, attempt) in enumerate(zip(entries, self._attempts, strict=True)):
                yield f"{field}[{place}]", entry, attempt

    def _ended(self, attempt: Attempt) -> TraceEvent | None:
        """Its end, if the record could know of it."""
        ended = attempt.ended
        return ended if ended is not None and ended.number < self._written.number else None

    def _ms(self, event: TraceEvent) -> float:
        """Milliseconds since the speculation began."""
        return (event.time_ns - self._speculation.told.time_ns) / 1e6

    def _apart(self, recorded: Any, ms: float) -> bool:
        number = isinstance(recorded, int | float) and not isinstance(recorded, bool)
        return not number or abs(recorded - ms) > self._slack_ms

    # Fields.

    def names(self) -> Iterator[Difference]:
        if "branch_names" not in self._record:
            return
        for attempt in self._speculation.attempts:
            if attempt.branch not in self._names:
                seen = f"an attempt {attempt.label} at {self._ms(attempt.began):.3f} ms"
                yield Difference("branch_names", self._names, seen, (attempt.began,))

    def winner(self) -> Iterator[Difference]:
        field = "winning_branch_index"
        if field not in self._record or not self._names:
            return
        index, winner = self._record[field], self._speculation.winner
        decided = self._speculation.decided
        events = () if decided is None else (decided,)
        if winner is None:
            if index is not None:
                yield Difference(field, index, "that nobody won", events)
        elif index is None or self._named(index) != winner.branch:
            place = self._names.index(winner.branch) if winner.branch in self._names else "none"
            seen = f"that {winner.label} won, whose index is {place}"
            yield Difference(field, index, seen, events)

    def _named(self, index: Any) -> Any:
        sound = isinstance(index, int) and 0 <= index < len(self._names)
        return self._names[index] if sound else None

    def outcomes(self) -> Iterator[Difference]:
        for field, recorded, attempt in self._each("branch_outcomes"):
            seen = self._outcome(attempt, recorded)
            if recorded != seen:
                yield self._of(field, recorded, repr(seen), attempt)
        for field, recorded, attempt in self._each("branch_validities"):
            validity = self._validity(attempt)
            if recorded is not validity:
                words = {True: "a valid answer", False: "an invalid answer", None: "no answer"}
                yield self._of(field, recorded, words[validity], attempt)

    def _outcome(self, attempt: Attempt | None, recorded: Any) -> Any:
        """What the record has to say; of a branch that told nothing, anything without an answer."""
        if attempt is None:
            answers = sum(it == recorded for it in ("valid", "invalid"))
            return "not launched" if answers else recorded
        if self._ended(attempt) is None:
            return "running"
        return attempt.outcome.partition(":")[0]

    def _validity(self, attempt: Attempt | None) -> bool | None:
        if attempt is None or self._ended(attempt) is None:
            return None
        return {"valid": True, "invalid": False}.get(attempt.outcome)

    def _of(self, field: str, recorded: Any, seen: str, attempt: Attempt | None) -> Difference:
        if attempt is None:
            return Difference(field, recorded, f"{seen} of that branch")
        ended = self._ended(attempt)
        when = "" if ended is None else f" at {self._ms(ended):.3f} ms"
        events = (attempt.began,) if ended is None else (attempt.began, ended)
        return Difference(field, recorded, f"{seen} of {attempt.label}{when}", events)

    def counts(self) -> Iterator[Difference]:
        commits = [it for it in self._speculation.commits if it.number < self._written.number]
        if self._record.get("committed", len(commits)) != len(commits):
            seen = f"{len(commits)} commits"
            yield Difference("committed", self._record["committed"], seen, tuple(commits))
        limiter = self._record.get("limiter")
        claimed = limiter.get("dropped") if isinstance(limiter, dict) else []
        dropped = self._places(lambda attempt: attempt.outcome == "dropped")
        if "limiter" in self._record and self._differ(claimed or [], dropped):
            yield Difference("limiter.dropped", claimed, f"that dropped were {dropped}")

    def cancellations(self) -> Iterator[Difference]:
        claimed = self._record.get("cancellations")
        if not isinstance(claimed, list):
            return
        places = [it.get("branch_index") for it in claimed if isinstance(it, dict)]
        asked = self._places(lambda attempt: self._asked(attempt) is not None)
        if self._differ(places, asked):
            yield Difference("cancellations", places, f"that asked to go were {asked}")
            return
        for place, one in enumerate(claimed):
            attempt = self._attempts[one["branch_index"]]
            if attempt is not None:
                yield from self._cancellation(f"cancellations[{place}]", one, attempt)

    def _places(self, chosen: Callable[[Attempt], bool]) -> list[int]:
        """The indices of these branches."""
        numbered = enumerate(self._attempts)
        return [place for place, attempt in numbered if attempt is not None and chosen(attempt)]

    def _differ(self, claimed: Any, seen: list[int]) -> bool:
        """Whether these are other branches; of one that never began to run nothing was seen."""
        if not isinstance(claimed, list) or not all(it in self._all_places for it in claimed):
            return True
        return sorted(it for it in claimed if self._attempts[it] is not None) != seen

    def _asked(self, attempt: Attempt) -> TraceEvent | None:
        asked = attempt.dismissed
        return asked if asked is not None and asked.number < self._written.number else None

    def _cancellation(
        self, field: str, one: dict[str, Any], attempt: Attempt
    ) -> Iterator[Difference]:
        asked, ended = self._asked(attempt), self._ended(attempt)
        recorded = one.get("asked_after_ms")
        if asked is not None and self._apart(recorded, self._ms(asked)):
            seen = f"{attempt.label} asked to go at {self._ms(asked):.3f} ms"
            yield Difference(f"{field}.asked_after_ms", recorded, seen, (asked,))
        gone = one.get("gone_after_ms")
        if gone is None:
            return
        if ended is None:
            yield Difference(f"{field}.gone_after_ms", gone, f"that {attempt.label} had not ended")
        elif self._apart(gone, max(gone, self._ms(ended))):
            seen = f"the end of {attempt.label} only at {self._ms(ended):.3f} ms"
            yield Difference(f"{field}.gone_after_ms", gone, seen, (ended,))

    def times(self) -> Iterator[Difference]:
        yield from self._decided()
        launches = self._record.get("branch_launched_after_ms")
        for field, launched, attempt in self._each("branch_launched_after_ms"):
            if attempt is None:
                continue
            began, worked = self._ms(attempt.began), attempt.outcome not in _NEVER_BEGAN
            # Where a pool is busy a branch begins to run some time after it was launched.
            if (launched is None) == worked or (
                worked and self._apart(launched, min(launched, began))
            ):
                seen = f"{attempt.label} at work from {began:.3f} ms" if worked else "no launch"
                yield Difference(field, launched, seen, (attempt.began,))
        for place, (field, latency, attempt) in enumerate(self._each("branch_latencies_ms")):
            if attempt is not None and attempt.outcome not in _NEVER_BEGAN:
                launched = launches[place] if isinstance(launches, list) else None
                yield from self._latency(field, latency, attempt, launched)

    def _latency(
        self, field: str, latency: Any, attempt: Attempt, launched: Any
    ) -> Iterator[Difference]:
        ended = self._ended(attempt)
        if ended is None:
            if latency is not None:
                yield Difference(field, latency, f"that {attempt.label} had not ended")
            return
        began = launched if isinstance(launched, int | float) else self._ms(attempt.began)
        if self._apart(latency, self._ms(ended) - began):
            seen = f"the end of {attempt.label} {self._ms(ended) - began:.3f} ms after its launch"
            yield Difference(field, latency, seen, (attempt.began, ended))

    def _decided(self) -> Iterator[Difference]:
        field, decided = "decided_after_ms", self._speculation.decided
        if field not in self._record:
            return
        recorded = self._record[field]
        if decided is None:
            if recorded is not None:
                yield Difference(field, recorded, "no decision")
        elif self._apart(recorded, self._ms(decided)):
            seen = f"the decision at {self._ms(decided):.3f} ms"
            yield Difference(field, recorded, seen, (decided,))
