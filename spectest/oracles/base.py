"""What an oracle is, what it says, and how a trace is put before several of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from spectest.errors import OracleViolation
from spectest.kernel.trace import NOWHERE, SourceLine, Trace

__all__ = ["Oracle", "Verdict", "judge", "violation_of"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A promise that an execution broke.

    `oracle`: who says so. `finding`: which of its promises, in a few words that are the same for
    every execution that breaks it. `message`: what happened, one fact a line, without the oracle's
    name. `where`: the user's line, if one did it. `events`: the numbers of the events that prove
    it, in the trace that was judged.
    """

    oracle: str
    finding: str
    message: str
    where: SourceLine = NOWHERE
    events: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.oracle}: {self.message}"


@runtime_checkable
class Oracle(Protocol):
    """Judges an execution by its trace alone.

    `name`: what reports call it.
    """

    @property
    def name(self) -> str: ...

    def judge(self, trace: Trace, reference: Trace | None) -> Iterable[Verdict]:
        """What is wrong with `trace`, the gravest first; nothing if nothing is.

        `reference`: the same program in stock order, for oracles that compare; None if `trace` is
        that execution itself, or if there is no other.
        """
        ...


def judge(
    trace: Trace, oracles: Oracle | Iterable[Oracle], *, reference: Trace | None = None
) -> tuple[Verdict, ...]:
    """What these oracles say of `trace`, in their order.

    `trace` and `reference` may have been saved and loaded: nothing live is asked.
    """
    return tuple(_judged(trace, _several(oracles), reference))


def _several(oracles: Oracle | Iterable[Oracle]) -> Iterable[Oracle]:
    return (oracles,) if isinstance(oracles, Oracle) else oracles


def _judged(trace: Trace, oracles: Iterable[Oracle], reference: Trace | None) -> Iterator[Verdict]:
    for oracle in oracles:
        yield from oracle.judge(trace, reference)


def violation_of(verdicts: tuple[Verdict, ...]) -> OracleViolation:
    """The error for what the oracles found; at least one verdict."""
    first, *others = verdicts
    message = str(first)
    if others:
        more = ", ".join(dict.fromkeys(f"{it.oracle} ({it.finding})" for it in others))
        message += f"\nbesides: {more}"
    return OracleViolation(message, oracle=first.oracle, finding=first.finding, verdicts=verdicts)
