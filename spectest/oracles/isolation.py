"""Isolation: what a race leaves behind is what its winner alone would have left behind.

Each write to something that is watched, and each effect of a fake service, is traced to the branch
in whose name it was done: in its task or thread, in one that it has started, in a callback or a job
that it has asked for. The writes of winners and of the pipeline itself are what a run of the winner
alone would show; so the difference to such a run is the writes of losers that are still there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spectest.errors import UsageError
from spectest.kernel.trace import Trace, TraceEvent
from spectest.oracles.accounts import length
from spectest.oracles.base import Verdict
from spectest.oracles.story import Attempt, story_of

__all__ = ["Isolation", "isolation"]

LATE, CANCELLED, LOST = "a write after the return", "a write after cancellation", "a loser wrote"
_MOST_NAMED = 3
_NEVER_USED = ("invalid", "timed out", "cancelled")


def isolation(*, idempotent: str | tuple[str, ...] | list[str] = ()) -> Isolation:
    """An oracle for the effects of losers: nothing that a branch did may remain unless it won.

    `idempotent`: names, as reports have them, of what may be written by anybody if it comes to the
    same: "cache", "cart.total", the name of a service. A loser's write there counts only if a
    winner or the pipeline itself has given the same part another value.

    Findings, the gravest first: "a write after the return" of the program; "a write after
    cancellation", by a branch that had been asked to go; "a loser wrote", at any other time. If all
    branches have failed, all of them are losers. A write that is undone later is none; but what
    takes back the winner's writes, too, is the end of a test and undoes nothing.

    Raises `UsageError` if `idempotent` is not a name or several.
    """
    names: object = (idempotent,) if isinstance(idempotent, str) else idempotent
    if not isinstance(names, list | tuple) or not all(isinstance(it, str) and it for it in names):
        raise UsageError(
            f"idempotent={idempotent!r} must be the name of something watched or of a service, "
            'or several: isolation(idempotent=("cache",))'
        )
    return Isolation(tuple(names))


@dataclass(frozen=True, slots=True)
class Isolation:
    """See `isolation`, which makes it."""

    idempotent: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return "isolation"

    def judge(self, trace: Trace, reference: Trace | None) -> Iterator[Verdict]:  # noqa: ARG002
        """One verdict for each finding."""
        yield from _Case(trace, self.idempotent).verdicts()

    def blind(self, trace: Trace) -> str:
        """Why it cannot have found anything in this trace, "" if it can."""
        story = story_of(trace)
        if not story.attempts:
            return (
                "isolation saw no branch: use spectest.patterns, a FakeService, or the decorator "
                "spectest.patterns.branch"
            )
        if all(it.service for it in story.attempts) and trace.of_kind("write"):
            return (
                "isolation saw no branch, only calls of services, so nobody is blamed for what the "
                "program itself wrote: name the branches with spectest.patterns.branch"
            )
        if not trace.of_kind("watch", "effect"):
            return (
                "isolation had nothing to watch: call spectest.watch in the program, or give a "
                "FakeService an effect"
            )
        return ""


@dataclass(frozen=True, slots=True)
class _Write:
    """`path`: what was written, of an effect the name of the service. `attempt`: by whom, None for
    the pipeline itself. `before`, `after`: texts, "" for an effect.
    """

    event: TraceEvent
    path: str
    attempt: Attempt | None
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        if self.event.kind == "effect":
            return f"{self.event.subject} {self.event.detail}"
        return f"{self.path}: {self.event.detail}"


class _Case:
    def __init__(self, trace: Trace, idempotent: tuple[str, ...]) -> None:
        self._story = story_of(trace)
        self._idempotent = idempotent
        self._told = any(not it.service for it in self._story.attempts)
        self._cancelled: dict[str, list[TraceEvent]] = {}
        for event in trace.of_kind("cancel"):
            self._cancelled.setdefault(event.subject, []).append(event)
        self._writes = [self._write(event) for event in trace.of_kind("write", "effect")]

    def verdicts(self) -> Iterator[Verdict]:
        losses: dict[str, list[tuple[_Write, Attempt]]] = {LATE: [], CANCELLED: [], LOST: []}
        for number, write in enumerate(self._writes):
            loser = self._loser_of(write)
            if loser is not None and not self._excused(number, write):
                losses[self._finding(write, loser)].append((write, loser))
        for finding, found in losses.items():
            if found:
                yield self._verdict(finding, found)

    # Who did it.

    def _write(self, event: TraceEvent) -> _Write:
        story = self._story
        if event.kind == "effect":
            path = event.subject.rpartition("#")[0] or event.subject
            return _Write(event, path, story.attempt(event.subject) or story.attempt_of(event))
        before, _, after = event.detail.partition(" -> ")
        return _Write(event, event.subject, story.attempt_of(event), before, after)

    def _loser_of(self, write: _Write) -> Attempt | None:
        """The innermost attempt that it belongs to and that has lost, None if none has."""
        attempt = write.attempt
        while attempt is not None:
            if self._has_lost(attempt, write):
                return attempt
            attempt = attempt.inside
        return None

    def _has_lost(self, attempt: Attempt, write: _Write) -> bool:
        story = self._story
        if attempt.service:
            # Where branches are told, a call that is in none of them is the pipeline's own.
            return not self._told and attempt.inside is None and self._gave_up(attempt, write)
        speculation = story.speculation(attempt.speculation)
        if speculation is not None:
            return speculation.winner is not attempt
        winners = story.winners
        if not story.speculations and winners and story.result != "None":
            return attempt not in winners
        return self._never_used(attempt)

    def _gave_up(self, call: Attempt, write: _Write) -> bool:
        """Nobody waited for the call any more when it wrote."""
        ended, at = call.ended, write.event.number
        returned = self._story.returned
        gone = call.outcome == "cancelled" and ended is not None and ended.number < at
        return gone or (returned is not None and returned.number < at)

    def _never_used(self, attempt: Attempt) -> bool:
        """Its answer cannot be part of what the program returned."""
        returned, ended = self._story.returned, attempt.ended
        if attempt.outcome.startswith(("raised", *_NEVER_USED)):
            return True
        return returned is not None and (ended is None or ended.number > returned.number)

    # Whether it counts.

    def _excused(self, number: int, write: _Write) -> bool:
        is_effect = write.event.kind == "effect"
        if not is_effect and self._is_undone(number, write):
            return True
        if not any(_is_in(write.path, name) for name in self._idempotent):
            return False
        others = [it for it in self._writes if it.path == write.path]
        right = [it for it in others if self._loser_of(it) is None]
        return is_effect or all(it.after == write.after for it in right)

    def _is_undone(self, number: int, write: _Write) -> bool:
        """It is, or is part of an undoing, or lies between a write and its undoing."""
        same = [(at, it) for at, it in enumerate(self._writes) if it.path == write.path]
        for began, first in same:
            if began > number or self._loser_of(first) is None:
                continue
            after = [it for at, it in same if at >= max(number, began + 1)]
            if any(self._undoes(it, first) for it in after):
                return True
        return False

    def _undoes(self, later: _Write, write: _Write) -> bool:
        if later.after != write.before:
            return False
        return later.attempt is not None or not self._is_swept(_root(write.path))

    def _is_swept(self, root: str) -> bool:
        """The pipeline has taken back what a winner wrote there, so it cleans up everything."""
        by_path: dict[str, list[_Write]] = {}
        for write in self._writes:
            if _root(write.path) == root:
                by_path.setdefault(write.path, []).append(write)
        return any(
            several[-1].attempt is None
            and several[-1].after == several[0].before
            and any(it.attempt is not None and self._loser_of(it) is None for it in several)
            for several in by_path.values()
        )

    def _finding(self, write: _Write, loser: Attempt) -> str:
        at, returned = write.event.number, self._story.returned
        if returned is not None and returned.number < at:
            return LATE
        return CANCELLED if self._asked_to_go(loser, at) is not None else LOST

    def _asked_to_go(self, loser: Attempt, before: int) -> TraceEvent | None:
        ended = loser.ended if loser.outcome in ("cancelled", "timed out") else None
        cancels = self._cancelled.get(loser.task, [])
        asked = [it for it in cancels if it.number > loser.began.number]
        events = [it for it in (loser.dismissed, ended, *asked) if it is not None]
        return min(
            (it for it in events if it.number < before), key=lambda it: it.number, default=None
        )

    # What is said of it.

    def _verdict(self, finding: str, found: list[tuple[_Write, Attempt]]) -> Verdict:
        write, loser = found[0]
        event = write.event
        place = event.where
        by = "" if not place else f" at {Path(place.file).name}:{place.line} in {place.function}"
        lines = [
            f"{loser.label} {self._why(loser)}, and it wrote {write}{by}",
            self._when(event, loser),
        ]
        others = list(dict.fromkeys(it.path for it, _ in found if it.path != write.path))
        if others:
            named = ", ".join(others[:_MOST_NAMED]) + ", ..." * (len(others) > _MOST_NAMED)
            lines.append(f"besides: {named}")
        lines.append(_remedy(finding))
        numbers = tuple(it.event.number for it, _ in found)
        return Verdict("isolation", finding, "\n".join(lines), place, numbers)

    def _why(self, loser: Attempt) -> str:
        speculation = self._story.speculation(loser.speculation)
        winners = self._story.winners if speculation is None else [speculation.winner]
        names = ", ".join(it.label for it in winners if it is not None and it is not loser)
        if names and loser.outcome in ("valid", "cancelled", ""):
            return f"lost to {names}"
        return {
            "valid": "was not used",
            "invalid": "gave an invalid answer",
            "": "has not ended",
            "timed out": "timed out",
            "cancelled": "was cancelled",
        }.get(loser.outcome, loser.outcome)

    def _when(self, event: TraceEvent, loser: Attempt) -> str:
        """The moment, and how far it is from the one that matters."""
        story = self._story
        text = f"at {length(event.time_ns)}"
        marks = [
            (self._asked_to_go(loser, event.number), f"{loser.label} was asked to go"),
            (story.decided_at(loser), "the answer"),
            (story.returned, "the return"),
        ]
        told: list[str] = []
        for mark, words in marks:
            if mark is None or any(
                words == "the return" and it.endswith("the answer") for it in told
            ):
                continue
            side = "after" if mark.number < event.number else "before"
            apart = abs(event.time_ns - mark.time_ns)
            told.append(f"{length(apart)} {side} {words}" if apart else f"right {side} {words}")
        return ", ".join([text, *told])


def _root(path: str) -> str:
    """The name of what is watched, of which `path` is a part."""
    return re.split(r"[\[.:/]", path, maxsplit=1)[0]


def _is_in(path: str, name: str) -> bool:
    """Whether `path` is what is called so, or a part of it."""
    rest = path.removeprefix(name)
    return path.startswith(name) and (not rest or rest[0] in "[.:/#")


def _remedy(finding: str) -> str:
    if finding == LOST:
        return (
            "Return the value and write it after the decision, or stage the effect in the branch: "
            "spectest.patterns.stage(write, value)."
        )
    return (
        "Return the value and write it after the decision, or stage the effect "
        "(spectest.patterns.stage); and wait for losers to be gone before the return."
    )
