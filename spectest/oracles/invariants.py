"""Invariants: promises about facts that the program declares with `watch.fact`.

The words are those of temporal logic on what really is a finite history. Whatever is judged is
over: an execution ends when nothing can happen any more, and what was not true by then never is.
`always` and `never` are safety, `eventually` and `leads_to` liveness (Alpern and Schneider,
"Defining liveness", IPL 21, 1985), which becomes safety where `within` bounds it.

Facts are asked after steps, see `watch.fact`; between two of these moments they stay as they are.
Several facts of one name are judged each by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from spectest.errors import UsageError
from spectest.kernel.trace import Trace, TraceEvent
from spectest.oracles.base import Verdict
from spectest.oracles.histories import same_name

__all__ = ["always", "eventually", "leads_to", "never"]

Changes = list[TraceEvent]
_NANOSECONDS = 1_000_000_000
_MEANWHILE = (
    "What is true only before and after must not be left to others in between: no await, and no\n"
    "other thread, between the statements that belong together, or a lock around them."
)
_FOR_GOOD = (
    "That step made it so for good: look at what it found, and at who had left it like that."
)


@dataclass(frozen=True)
class always:  # noqa: N801  # called like a function, as all oracles are
    """`fact` is true whenever it is asked, the first time included."""

    fact: str

    def __post_init__(self) -> None:
        _check_fact("always", self.fact)

    @property
    def name(self) -> str:
        return f"always({self.fact})"

    def judge(self, trace: Trace, reference: Trace | None) -> Iterator[Verdict]:
        """A verdict if it was ever false."""
        del reference
        yield from _broken(self.name, trace, self.fact, "false")

    def blind(self, trace: Trace) -> str:
        """Whether there is nothing to judge."""
        return _unseen(self.name, trace, self.fact)


@dataclass(frozen=True)
class never:  # noqa: N801  # called like a function, as all oracles are
    """`fact` is false whenever it is asked, the first time included."""

    fact: str

    def __post_init__(self) -> None:
        _check_fact("never", self.fact)

    @property
    def name(self) -> str:
        return f"never({self.fact})"

    def judge(self, trace: Trace, reference: Trace | None) -> Iterator[Verdict]:
        """A verdict if it was ever true."""
        del reference
        yield from _broken(self.name, trace, self.fact, "true")

    def blind(self, trace: Trace) -> str:
        """Whether there is nothing to judge."""
        return _unseen(self.name, trace, self.fact)


@dataclass(frozen=True)
class eventually:  # noqa: N801  # called like a function, as all oracles are
    """`fact` is true at least once, `within` so many seconds of the beginning of the execution.

    Without `within`, before nothing can happen any more. It need not stay true. An execution that
    never declares the fact, which stock order does declare, breaks the promise, too.
    """

    fact: str
    within: float | None = None

    def __post_init__(self) -> None:
        _check_fact("eventually", self.fact)
        _check_within("eventually", self.within)

    @property
    def name(self) -> str:
        return f"eventually({self.fact})"

    def judge(self, trace: Trace, reference: Trace | None) -> Iterator[Verdict]:
        """A verdict if it was not true in time."""
        facts = _facts(trace, self.fact)
        if not facts and reference is not None and _facts(reference, self.fact):
            yield self._never(trace, f"the fact {self.fact!r} was never declared")
        for label, changes in facts.items():
            first = next((event for event in changes if event.detail == "true"), None)
            if first is None:
                yield self._never(trace, f"{label!r} was never true", *changes)
            elif self.within is not None and first.time_ns > _ns(self.within):
                yield Verdict(
                    self.name,
                    "too late",
                    f"{label!r} was true for the first time at {_ms(first.time_ns)}{_by(first)},\n"
                    f"and had to be within {_ms(_ns(self.within))}.",
                    first.where,
                    (first.number,),
                )

    def _never(self, trace: Trace, what: str, *changes: TraceEvent) -> Verdict:
        end = _ms(trace[-1].time_ns) if len(trace) else "0.000 ms"
        return Verdict(
            self.name,
            "never true",
            f"{what}, and at {end} nothing could happen any more.\n"
            "Look for the path on which nobody makes it true: an exception, a timeout, a "
            "cancellation.",
            events=tuple(event.number for event in changes),
        )

    def blind(self, trace: Trace) -> str:
        """Whether there is nothing to judge."""
        return _unseen(self.name, trace, self.fact)


@dataclass(frozen=True)
class leads_to:  # noqa: N801  # called like a function, as all oracles are
    """Whenever `cause` is true, `effect` is true then or later, `within` so many seconds.

    This is TLA+'s `cause ~> effect` (Lamport, "Specifying Systems", 2002, section 8.1): it asks for
    `effect` at or after *each* moment at which `cause` is true, also the last one. So either the
    effect stays true once it is, or the cause has become false by the time the effect does. With
    `within`, no moment at which the cause is true lies further before the next one at which the
    effect is. What has not come true when nothing can happen any more never does.

    Where there are several causes of this name, the second belongs to the second effect, and so on.
    """

    cause: str
    effect: str
    within: float | None = None

    def __post_init__(self) -> None:
        _check_fact("leads_to", self.cause)
        _check_fact("leads_to", self.effect)
        _check_within("leads_to", self.within)

    @property
    def name(self) -> str:
        return f"leads_to({self.cause}, {self.effect})"

    def judge(self, trace: Trace, reference: Trace | None) -> Iterator[Verdict]:
        """A verdict for each cause of this name whose effect does not come, or not in time."""
        del reference
        effects = _facts(trace, self.effect)
        for cause in _facts(trace, self.cause):
            effect = self.effect + cause.removeprefix(self.cause)
            yield from self._judged(trace, cause, effect if effect in effects else self.effect)

    def _judged(self, trace: Trace, cause: str, effect: str) -> Iterator[Verdict]:
        within_ns = math.inf if self.within is None else _ns(self.within)
        holds = dict.fromkeys((cause, effect), False)
        waiting: TraceEvent | None = None
        for moment in _moments(trace, cause, effect):
            holds |= {event.subject: event.detail == "true" for event in moment}
            if holds[effect] and waiting is not None:
                if moment[0].time_ns - waiting.time_ns > within_ns:
                    yield self._late(waiting, moment[0])
                    return
                waiting = None
            if holds[cause] and not holds[effect] and waiting is None:
                causes = (event for event in moment if event.subject == cause)
                waiting = next(causes, moment[-1])
        if waiting is not None:
            yield self._without(waiting, trace)

    def _late(self, waiting: TraceEvent, came: TraceEvent) -> Verdict:
        assert self.within is not None
        return Verdict(
            self.name,
            "too late",
            f"{self.cause!r} was true at {_ms(waiting.time_ns)}{_by(waiting)}, and {self.effect!r} "
            f"only at {_ms(came.time_ns)}{_by(came)}:\n"
            f"{_ms(came.time_ns - waiting.time_ns)} later; allowed are {_ms(_ns(self.within))}.",
            waiting.where,
            (waiting.number, came.number),
        )

    def _without(self, waiting: TraceEvent, trace: Trace) -> Verdict:
        return Verdict(
            self.name,
            "never followed",
            f"{self.cause!r} was true at {_ms(waiting.time_ns)}{_by(waiting)}, and {self.effect!r} "
            "was not true then\n"
            f"or later; at {_ms(trace[-1].time_ns)} nothing could happen any more.\n"
            "Look for the path on which nobody makes it true: an exception, a timeout, a "
            "cancellation.",
            waiting.where,
            (waiting.number,),
        )

    def blind(self, trace: Trace) -> str:
        """Whether there is nothing to judge."""
        return _unseen(self.name, trace, self.cause) or _unseen(self.name, trace, self.effect)


def _facts(trace: Trace, name: str) -> dict[str, Changes]:
    """The changes of each fact of this name, by label."""
    found: dict[str, Changes] = {}
    for event in trace.of_kind("fact"):
        if same_name(event.subject, name):
            found.setdefault(event.subject, []).append(event)
    return found


def _moments(trace: Trace, *labels: str) -> Iterator[list[TraceEvent]]:
    """The changes of the facts so labelled; what one look has found changed is one moment."""
    moment: list[TraceEvent] = []
    for event in trace.of_kind("fact"):
        if event.subject not in labels:
            continue
        if moment and not _of_one_look(moment, event):
            yield moment
            moment = []
        moment.append(event)
    if moment:
        yield moment


def _of_one_look(moment: list[TraceEvent], event: TraceEvent) -> bool:
    last = moment[-1]
    return (
        event.number == last.number + 1
        and event.time_ns == last.time_ns
        and all(event.subject != one.subject for one in moment)
    )


def _broken(oracle: str, trace: Trace, fact: str, wrong: str) -> Iterator[Verdict]:
    for label, changes in _facts(trace, fact).items():
        for place, event in enumerate(changes):
            if event.detail == wrong:
                after = changes[place + 1 : place + 2]
                since = f"from {_ms(event.time_ns)}"
                until = (
                    f"\nuntil {_ms(after[0].time_ns)}{_by(after[0])}" if after else " to the end"
                )
                said = f"{since}{_by(event)}{until}" if after else f"{since}{until}{_by(event)}"
                message = f"{label!r} was {wrong} {said}.\n{_MEANWHILE if after else _FOR_GOOD}"
                yield Verdict(oracle, f"was {wrong}", message, event.where, (event.number,))
                break


def _unseen(oracle: str, trace: Trace, fact: str) -> str:
    if _facts(trace, fact):
        return ""
    return f"{oracle} saw no such fact: watch.fact({fact!r}, lambda: ...) declares it"


def _by(event: TraceEvent) -> str:
    return f", after a step of {event.task}" if event.task else ""


def _ms(ns: float) -> str:
    return f"{ns / 1e6:.3f} ms"


def _ns(seconds: float) -> int:
    return round(seconds * _NANOSECONDS)


def _check_fact(oracle: str, fact: object) -> None:
    if not isinstance(fact, str) or not fact:
        raise UsageError(
            f"{oracle}: {fact!r} must be the name of a fact, as in watch.fact('balance ok', ...)"
        )


def _check_within(oracle: str, within: float | None) -> None:
    number = isinstance(within, int | float) and not isinstance(within, bool)
    if within is not None and not (number and math.isfinite(within) and within >= 0):
        raise UsageError(f"{oracle}: within={within!r} must be seconds, 0 or more")
