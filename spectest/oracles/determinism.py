"""Determinism of the pipeline: what it returns and notes does not depend on durations.

It needs no branches. Whether the program is the same program twice under one plan is checked by
every search (`NondeterminismError`); this oracle compares plans.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from spectest.errors import UsageError
from spectest.kernel.trace import NOWHERE, Trace, TraceEvent
from spectest.oracles.base import Verdict

__all__ = ["determinism"]

_RESULT = "result"


@dataclass(frozen=True)
class determinism:  # noqa: N801  # called like a function, as all oracles are
    """What the program returns, and what it notes, is in every execution what it is in stock order.

    `of`: what is compared: "result" and names given to `watch.note`; None is all of them. The notes
    of one name are compared in order. Equal values are equal here, too: the order of a dict's keys
    does not count, that of a list does.

    An execution in which a fault or a `sometimes` hits the program has other inputs than stock
    order, and is not judged; nor is the result of one that was cancelled from outside.
    """

    of: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        of: Any = self.of
        if of is not None and (not isinstance(of, tuple) or not all(map(_named, of))):
            raise UsageError(
                f"determinism: of={self.of!r} must be several names, such as ('result', 'price')"
            )

    @property
    def name(self) -> str:
        return "determinism"

    def judge(self, trace: Trace, reference: Trace | None) -> Iterator[Verdict]:
        """A verdict for the result, and for each note, that differs."""
        if reference is None or _inputs(trace) != _inputs(reference):
            return
        here, there = self._said(trace), self._said(reference)
        if _RESULT in here and _RESULT in there:
            yield from self._compared(trace, reference, _RESULT, here, there)
        elif not (trace.of_kind("result") and reference.of_kind("result")):
            return
        for name in dict.fromkeys([*there, *here]):
            if name != _RESULT:
                yield from self._compared(trace, reference, name, here, there)

    def blind(self, trace: Trace) -> str:
        """Whether there is nothing to judge."""
        missing = [name for name in self.of or () if name not in self._said(trace)]
        if missing:
            return f"determinism saw no {', '.join(map(repr, missing))}: watch.note() declares it"
        said = self._said(trace).get(_RESULT, [])
        if list(self._said(trace)) == [_RESULT] and said[0].detail == "None":
            return "determinism saw nothing to compare: return the result, or watch.note() it"
        return ""

    def _said(self, trace: Trace) -> dict[str, list[TraceEvent]]:
        said: dict[str, list[TraceEvent]] = {}
        for event in trace.of_kind("result", "note"):
            name = _RESULT if event.kind == "result" else event.subject
            if self.of is None or name in self.of:
                said.setdefault(name, []).append(event)
        return said

    def _compared(
        self,
        trace: Trace,
        reference: Trace,
        name: str,
        here: dict[str, list[TraceEvent]],
        there: dict[str, list[TraceEvent]],
    ) -> Iterator[Verdict]:
        mine, theirs = here.get(name, []), there.get(name, [])
        ours, others = [it.detail for it in mine], [it.detail for it in theirs]
        if ours == others:
            return
        what = "the program returned" if name == _RESULT else f"the note {name!r} was"
        finding = "another result" if name == _RESULT else f"another {name!r}"
        message = f"{what} {_listed(ours)};\nin stock order {_listed(others)}"
        message += _first_other_completion(trace, reference)
        message += (
            "\nThe inputs are the same, only durations differ. Take answers in the order of the "
            "calls, not\nof their completion, and pick by a rule that knows no time, such as "
            "spectest.patterns.ranking."
        )
        where = mine[-1].where if mine else NOWHERE
        yield Verdict(self.name, finding, message, where, tuple(it.number for it in mine))


def _inputs(trace: Trace) -> list[tuple[str, str, str]]:
    """What has hit the program from outside but time."""
    return sorted((it.kind, it.subject, it.detail) for it in trace.of_kind("fault", "sometimes"))


def _first_other_completion(trace: Trace, reference: Trace) -> str:
    """Where the order of completions parts, if both traces tell of them."""
    pairs = zip(trace.of_kind("complete"), reference.of_kind("complete"), strict=False)
    for mine, theirs in pairs:
        if mine.subject != theirs.subject:
            return (
                f"\nfirst to differ: here {mine.subject} completed at {mine.time_ns / 1e6:.3f} ms, "
                f"there {theirs.subject} at {theirs.time_ns / 1e6:.3f} ms"
            )
    return ""


def _listed(texts: list[str]) -> str:
    return ", then ".join(texts) if texts else "nothing"


def _named(name: object) -> bool:
    return isinstance(name, str) and bool(name)
