"""Exactly-once commit: of all that was staged the winner's happens, once, after the decision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from spectest.kernel.trace import Trace, TraceEvent
from spectest.oracles.accounts import record_in
from spectest.oracles.base import Verdict
from spectest.oracles.story import Speculation, Story, story_of

__all__ = ["exactly_once"]

_REMEDY = "Stage what a branch wants to write, and commit the winner's once, after the decision."


@dataclass(frozen=True)
class exactly_once:  # noqa: N801  # called like a function, as all oracles are
    """Staged effects are committed for the winner only, each once, after the decision.

    An effect is committed twice if the same staged effect is told twice (the step names it by its
    object, `effect`), or if more are committed than the speculation's record says. One is missing
    if the record says that there were more.
    """

    @property
    def name(self) -> str:
        return "exactly_once"

    def judge(self, trace: Trace, reference: Trace | None) -> Iterator[Verdict]:
        """A verdict for each promise that each speculation broke."""
        del reference
        story = story_of(trace)
        for speculation in story.speculations:
            yield from self._losers(story, speculation)
            yield from self._early(speculation)
            yield from self._counted(speculation)

    def blind(self, trace: Trace) -> str:
        """Whether there is nothing to judge."""
        if trace.of_kind("commit"):
            return ""
        return "exactly_once saw no commit: effects are staged by spectest.patterns.stage()"

    def _losers(self, story: Story, speculation: Speculation) -> Iterator[Verdict]:
        decided = speculation.decided
        for commit in speculation.commits:
            loser = story.attempt(commit.subject)
            if decided is None or loser is None or loser is speculation.winner:
                continue
            winner = speculation.winner
            won = "nobody won" if winner is None else f"{winner.label} won"
            yield self._verdict(
                "a loser's effect",
                f"{loser.label} lost and its effect {commit.detail} was committed at "
                f"{_ms(commit)}; {won} at {_ms(decided)}.",
                commit,
            )
            return

    def _early(self, speculation: Speculation) -> Iterator[Verdict]:
        decided = speculation.decided
        for commit in speculation.commits:
            if decided is not None and commit.number > decided.number:
                continue
            when = "there was none" if decided is None else f"that came at {_ms(decided)}"
            yield self._verdict(
                "before the decision",
                f"the effect {commit.detail} of {commit.subject} was committed at {_ms(commit)}, "
                f"before the decision; {when}.",
                commit,
            )
            return

    def _counted(self, speculation: Speculation) -> Iterator[Verdict]:
        commits = speculation.commits
        twice = _told_twice(commits)
        claimed = _claimed(speculation)
        if twice is None and claimed is not None and len(commits) > claimed >= 0:
            twice = commits[claimed]
        if twice is not None:
            said = "" if claimed is None else f" The record says {_times(claimed)}."
            yield self._verdict(
                "committed twice",
                f"the effect {twice.detail} of {twice.subject} was committed once more at "
                f"{_ms(twice)}: {_times(len(commits))} in all.{said}",
                twice,
            )
        elif claimed is not None and len(commits) < claimed:
            yield self._verdict(
                "a commit is missing",
                f"{speculation.label} says in its record that {_times(claimed)} something was "
                f"committed, and the trace shows it {_times(len(commits))}.",
                speculation.records[0],
            )

    def _verdict(self, finding: str, what: str, event: TraceEvent) -> Verdict:
        return Verdict(
            self.name, finding, f"{what}\n{_REMEDY}", where=event.where, events=(event.number,)
        )


def _told_twice(commits: list[TraceEvent]) -> TraceEvent | None:
    """The first that is the same staged effect as one before, as far as that is known."""
    seen: set[str] = set()
    for commit in commits:
        if commit.detail in seen:
            return commit
        if "#" in commit.detail:  # Numbered by the witness: told by its object, not only by name.
            seen.add(commit.detail)
    return None


def _claimed(speculation: Speculation) -> int | None:
    """How many commits the record speaks of, if there is one record and it does."""
    if len(speculation.records) != 1:
        return None
    claimed = (record_in(speculation.records[0]) or {}).get("committed")
    return claimed if isinstance(claimed, int) and not isinstance(claimed, bool) else None


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _ms(event: TraceEvent) -> str:
    return f"{event.time_ns / 1e6:.3f} ms"
