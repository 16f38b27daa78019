"""The winner follows from the inputs, the run ID and the branches that were valid, not from timing.

An execution is compared with stock order if the two had the same to choose from: nobody who was
valid in one had failed or run out of time in the other, and the services answered the same. Who was
cut off, since the decision was taken without waiting for him, cannot be what made the difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from spectest.errors import UsageError
from spectest.kernel.trace import Trace
from spectest.oracles.accounts import differing_fields, record_in, several, standing
from spectest.oracles.base import Verdict
from spectest.oracles.races import Race, fate, given_up, races_of
from spectest.oracles.story import Attempt, Story, story_of

__all__ = ["tie_breaking"]

_WHAT = ("winner", "value", "record")
_RANK = (
    "Who wins must follow from the inputs and the run ID alone: rank the branches, and wait for "
    "those ranked above the one you return."
)
_VALID_FIRST = "The first valid answer wins, not the first to be done: look at all that have ended."

_VALUE = (
    "What is returned must follow from the inputs and the run ID alone. If there are times in it, "
    "return the answer without them, or compare winners only: compare='winner'."
)
_RECORD = (
    "A record is for replaying: what it says must be the same for the same inputs, run ID and "
    "valid branches, but for times."
)


@dataclass(frozen=True, slots=True)
class tie_breaking:  # noqa: N801  # made by a call, like a function
    """Same inputs, same run ID: the same winner, value and record, in whatever order all complete.

    `strict`: compare with stock order even if other branches were valid there; so it demands that
    failures and timeouts do not change the answer either. `compare`: which of "winner", "value" and
    "record"; without the winner branches are interchangeable, without the value the answer may have
    times in it. `branches`: names of those that compete, by default all.
    `ignore`: fields of records that may differ, besides those that depend on timing by nature.
    Raises `UsageError` for arguments that mean nothing.
    """

    strict: bool = False
    compare: str | tuple[str, ...] = _WHAT
    branches: str | tuple[str, ...] = ()
    ignore: str | tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("compare", "branches", "ignore"):
            object.__setattr__(self, name, several(getattr(self, name)))
        for what in self.compare:
            if what not in _WHAT:
                raise UsageError(f"compare={what!r} is none of {', '.join(_WHAT)}")

    @property
    def name(self) -> str:
        return "tie_breaking"

    def blind(self, trace: Trace) -> str:
        """Why there was nothing to judge in `trace`, "" if there was."""
        story = story_of(trace)
        if not story.attempts:
            return "tie_breaking saw no branch: no service was called, and nothing was told"
        if not any(race.winners or race.value is not None for race in races_of(story)):
            return "tie_breaking saw no winner: let the program return the answer, or tell who won"
        return ""

    def judge(self, trace: Trace, reference: Trace | None) -> Iterable[Verdict]:
        """Judge `trace` alone, and compare it with `reference` if the two may be compared."""
        story = story_of(trace)
        if story.result is None:
            return
        stock = None if reference is None else story_of(reference)
        races, usual = races_of(story), [] if stock is None else races_of(stock)
        for race in races:
            self._narrow(race)
            yield from self._alone(race)
            other = _same_call(race, races, usual)
            if stock is None or other is None:
                continue
            self._narrow(other)
            if self.strict or _same_choice(story, race, stock, other):
                yield from self._compared(race, other)

    def _narrow(self, race: Race) -> None:
        if self.branches:
            race.attempts = [it for it in race.attempts if it.branch in self.branches]

    # One execution.

    def _alone(self, race: Race) -> Iterator[Verdict]:
        loser = _passed_over(race)
        if loser is None:
            return
        winner = _winner(race)
        passed = f"`{loser.label}` {standing(loser)}"
        if winner is None:
            yield self._verdict("nobody won", race, f"nobody won, and {passed}", _VALID_FIRST)
            return
        what = "an invalid answer won" if winner.outcome == "invalid" else "an error won"
        won = f"`{winner.label}` won, which {standing(winner)}"
        yield self._verdict(what, race, f"{won}; {passed}", _VALID_FIRST)

    # Compared with stock order.

    def _compared(self, race: Race, usual: Race) -> Iterator[Verdict]:
        mine, theirs = set(race.branches), set(usual.branches)
        known = race.told is not None or (mine and theirs)
        if known and mine != theirs and not mine & theirs:
            if "winner" in self.compare:
                what = f"{_won(race)}, in stock order {_won(usual)}"
                yield self._differs("another winner", what, race, usual, _RANK)
            elif "value" in self.compare:
                yield from self._values(race, usual, "it returned")
            return
        by = f"`{race.branches[0]}` won in both, with" if mine & theirs else "it returned"
        other = list(self._values(race, usual, by)) if "value" in self.compare else []
        yield from other
        if "record" in self.compare and not other:
            yield from self._records(race, usual)

    def _values(self, race: Race, usual: Race, by: str) -> Iterator[Verdict]:
        if race.value != usual.value and race.value is not None and usual.value is not None:
            what = f"{by} {race.value}, in stock order {usual.value}"
            yield self._differs("another value", what, race, usual, _VALUE)

    def _records(self, race: Race, usual: Race) -> Iterator[Verdict]:
        if race.told is None or usual.told is None:
            return
        for ours, theirs in zip(race.told.records, usual.told.records, strict=False):
            lines = differing_fields(ours.detail, theirs.detail, several(self.ignore))
            if lines:
                yield self._verdict("another record", race, *lines, _RECORD)
                return

    def _differs(self, finding: str, what: str, race: Race, usual: Race, remedy: str) -> Verdict:
        here, there = f"here: {_all(race)}", f"stock order: {_all(usual)}"
        return self._verdict(finding, race, what, here, there, remedy)

    def _verdict(self, finding: str, race: Race, *lines: str) -> Verdict:
        numbers = [it.ended.number for it in race.attempts if it.ended is not None]
        events = tuple(sorted({*numbers, race.decided.number}))
        return Verdict(self.name, finding, "\n".join(lines), race.decided.where, events)


def _same_call(race: Race, races: list[Race], usual: list[Race]) -> Race | None:
    """The race of the same call in stock order: of the same run ID, where records say them."""
    alike = [it for it in usual if it.label == race.label]
    mine, theirs = _run_id(race), [_run_id(it) for it in usual]
    if mine and all(theirs) and (mine in theirs or max(len(races), len(usual)) > 1):
        alike = [it for it, run_id in zip(usual, theirs, strict=True) if run_id == mine]
    return alike[0] if alike else None


def _run_id(race: Race) -> str:
    for event in race.told.records if race.told is not None else ():
        record = record_in(event)
        if record is not None and "run_id" in record:
            return str(record["run_id"])
    return ""


def _passed_over(race: Race) -> Attempt | None:
    """A valid answer that was there when somebody else won, or nobody; the first one."""
    if any(it.valid for it in race.winners):
        return None
    winner = _winner(race)
    for it in race.attempts:
        there = it.ended is not None and it.ended.number < race.decided.number
        competed = race.told is not None or (winner is not None and _overlap(it, winner))
        if it.valid and there and competed:
            return it
    return None


def _winner(race: Race) -> Attempt | None:
    return race.winners[0] if race.winners else _raiser(race)


def _raiser(race: Race) -> Attempt | None:
    """Of a program: the branch whose exception is what it returned."""
    if race.told is not None or race.value is None:
        return None
    kind = race.value.partition("(")[0]
    for it in race.attempts:
        if kind and it.outcome.partition(":")[0] == f"raised {kind}":
            return it
    return None


def _overlap(one: Attempt, other: Attempt) -> bool:
    first, second = one.ended, other.ended
    before = first is not None and first.number < other.began.number
    after = second is not None and second.number < one.began.number
    return not before and not after


def _same_choice(story: Story, race: Race, stock: Story, usual: Race) -> bool:
    """Whether the two executions had the same to choose from, and were left to choose."""
    if given_up(story, race) or given_up(stock, usual):
        return False
    mine, theirs = set(race.attempts), {it.branch: it for it in usual.attempts}
    for attempt in story.attempts:
        if race.told is not None and attempt.speculation:
            other = theirs.get(attempt.branch) if attempt in mine else None
        else:
            other = stock.attempt(attempt.label)
        if other is None:
            continue
        fates = {fate(story, attempt, race, stock), fate(stock, other, usual, story)}
        if fates == {"valid", "not valid"}:
            return False
        both = attempt.valid and other.valid
        if both and attempt.service and attempt.answer != other.answer:
            return False
    return True


def _won(race: Race) -> str:
    names = " or ".join(f"`{name}`" for name in race.branches) or "nobody"
    return f"{names} won" + (f" with {race.value}" if race.winners else "")


def _all(race: Race) -> str:
    return "; ".join(f"`{it.label}` {standing(it)}" for it in race.attempts)
