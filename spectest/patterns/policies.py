"""Whom to launch and when: pure functions of a `Situation`, shared by real code and simulators.

A policy is asked when a speculation begins and after each event. `launches` names the branches to
launch now, `cancels` those to end in favour of another one, and `wakes` is the moment at which the
policy wants to be asked again although nothing happened. No clock, no chance, no I/O: all times are
seconds since the speculation began, and the answer depends on the situation alone. The `repr` of a
policy is what the record says.

Branches are launched in the order of the ranking, and none once there is a valid answer. When no
branch is running any more and none is valid, every policy launches the next one at once.

`decisions` are part of this module's names: `Ranked`, `WaitForAll`, `AfterFirst`, `FirstValid`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

from spectest.patterns.decisions import AfterFirst, Decision, FirstValid, Ranked, WaitForAll
from spectest.patterns.situations import Attempt, Situation, State, in_vain

__all__ = [
    "AfterFirst",
    "Attempt",
    "Cascade",
    "Decision",
    "EagerRace",
    "FirstValid",
    "FirstValidOf",
    "Hedge",
    "Policy",
    "Ranked",
    "Sequential",
    "Situation",
    "State",
    "Tied",
    "WaitForAll",
    "quantile",
    "timeout_from_p99",
]


@runtime_checkable
class Policy(Protocol):
    """Whom to launch, and when."""

    def ranking_of(self, chain: tuple[int, ...]) -> tuple[int, ...]:
        """The ranking that counts, given that of the seed chain."""

    def launches(self, situation: Situation) -> tuple[int, ...]:
        """The waiting branches to launch now."""

    def cancels(self, situation: Situation) -> tuple[int, ...]:
        """The running branches to end now in favour of another one."""

    def wakes(self, situation: Situation) -> float | None:
        """The moment at which to ask again, or None: after the next event."""


class _Launching:
    """What most policies have in common: the order of the seed chain, and nobody to cancel."""

    def ranking_of(self, chain: tuple[int, ...]) -> tuple[int, ...]:
        return chain

    def cancels(self, situation: Situation) -> tuple[int, ...]:  # noqa: ARG002
        return ()

    def wakes(self, situation: Situation) -> float | None:  # noqa: ARG002
        return None


class _Staggered(_Launching):
    """One after the other, in the declared order: `branches[0]` is the primary."""

    def ranking_of(self, chain: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(range(len(chain)))

    def launches(self, situation: Situation) -> tuple[int, ...]:
        return _next_one(situation, None, None)


@dataclass(frozen=True)
class Sequential(_Staggered):
    """One branch at a time, in the declared order; the next when one ended without a valid answer.

    No speculation: the control group. A slow branch is given up when its own timeout says so.
    """


@dataclass(frozen=True)
class Cascade(_Staggered):
    """The first branch answers most; the next one is asked when its answer is not good enough.

    In the declared order, usually from cheap to dear, with `valid` as the judge. With `patience`,
    the next one is also launched when the latest has been running for so many seconds; nobody is
    cancelled for that, and with `Ranked` the earlier branch is still preferred.
    """

    patience: float | None = None

    def __post_init__(self) -> None:
        if self.patience is not None:
            _check_seconds("Cascade", "patience", self.patience)

    def launches(self, situation: Situation) -> tuple[int, ...]:
        return _next_one(situation, self.patience, None)

    def wakes(self, situation: Situation) -> float | None:
        return _next_due(situation, self.patience, None)


@dataclass(frozen=True)
class Hedge(_Staggered):
    """The primary first, and a backup whenever `delay` seconds went by without a valid answer.

    In the declared order. `most` is how many branches may be launched in all, the primary included;
    None: all of them. With `Ranked` the valid answer of the primary is returned even if a backup
    was faster, so that a hedge helps against failures and timeouts and the winner does not depend
    on latencies. Whoever wants the lower latency says `decision=FirstValid()`: then the branches
    must be interchangeable. A backup that the limiter dropped is not launched later.

    Source: J. Dean, L. A. Barroso, The Tail at Scale, CACM 56(2), 2013; a delay at the 95th
    percentile launches about one backup in twenty calls.
    """

    delay: float
    most: int | None = None

    def __post_init__(self) -> None:
        _check_seconds("Hedge", "delay", self.delay)
        if self.most is not None and not self.most >= 1:
            raise ValueError(f"Hedge: most is {self.most!r}; the primary alone is 1")

    @classmethod
    def at_quantile(cls, latencies: Iterable[float], q: float, most: int | None = None) -> Self:
        """A hedge whose delay is the `q`-quantile of latencies in seconds; see `quantile`."""
        return cls(quantile(latencies, q), most)

    def launches(self, situation: Situation) -> tuple[int, ...]:
        return _next_one(situation, self.delay, self.most)

    def wakes(self, situation: Situation) -> float | None:
        return _next_due(situation, self.delay, self.most)


@dataclass(frozen=True)
class EagerRace(_Launching):
    """All branches at once, ranked by the seed chain."""

    def launches(self, situation: Situation) -> tuple[int, ...]:
        return tuple(situation.having("waiting"))


@dataclass(frozen=True)
class Tied(_Launching):
    """All branches, one each `delay` seconds; the first that is served ends the others.

    Ranked by the seed chain. A branch that calls `began()` says that it is being served; all others
    are cancelled, and are launched again by nobody. Who is served first is a matter of time, so
    that with branches that call it no decision makes the winner deterministic. If the one that is
    served ends without a valid answer, the next waiting one is launched.

    Source: The Tail at Scale, "tied requests". A delay of about twice the network's latency keeps
    two idle servers from beginning at the same moment.
    """

    delay: float = 0.0

    def __post_init__(self) -> None:
        _check_seconds("Tied", "delay", self.delay)

    def launches(self, situation: Situation) -> tuple[int, ...]:
        if self.delay == 0 and _served(situation) is None and not situation.having("valid"):
            return tuple(situation.having("waiting"))
        delay = self.delay if _served(situation) is None else None
        return _next_one(situation, delay, None)

    def cancels(self, situation: Situation) -> tuple[int, ...]:
        served = _served(situation)
        return tuple(index for index in situation.having("running") if served not in (None, index))

    def wakes(self, situation: Situation) -> float | None:
        return _next_due(situation, self.delay if _served(situation) is None else None, None)


@dataclass(frozen=True)
class FirstValidOf(_Launching):
    """The `k` best ranked at once; the next one whenever one ends without a valid answer.

    Ranked by the seed chain. One that the limiter dropped is not replaced.
    """

    k: int

    def __post_init__(self) -> None:
        if not self.k >= 1:
            raise ValueError(f"FirstValidOf: k is {self.k!r}; at least one branch is launched")

    def launches(self, situation: Situation) -> tuple[int, ...]:
        if situation.having("valid"):
            return ()
        waiting = situation.having("waiting")
        gone = len(situation.attempts) - len(waiting)
        due = max(0, self.k + in_vain(situation) - gone)
        return tuple(waiting[:due])


def quantile(latencies: Iterable[float], q: float) -> float:
    """The `q`-quantile (0 < q < 1) of latencies in seconds, by the nearest rank.

    The smallest latency such that a share of at least `q` is not above it: type 1 of Hyndman and
    Fan (The American Statistician 50(4), 1996), `method="inverted_cdf"` in numpy. A tail needs
    samples beyond it: fewer than `1 / (1 - q)`, rounded up, or than `1 / q`, are a ValueError.
    """
    if not 0 < q < 1:
        raise ValueError(f"q is {q!r}; a quantile is between 0 and 1, the 95th percentile is 0.95")
    ordered = sorted(float(latency) for latency in latencies)
    needed = max(math.ceil(round(1 / (1 - q), 9)), math.ceil(round(1 / q, 9)))
    if len(ordered) < needed:
        raise ValueError(
            f"{len(ordered)} latencies say nothing of the {q:g}-quantile; it takes {needed} or more"
        )
    if not all(math.isfinite(latency) and latency >= 0 for latency in ordered):
        raise ValueError("latencies must be finite seconds, 0 or more")
    return ordered[math.ceil(round(q * len(ordered), 9)) - 1]


def timeout_from_p99(latencies: Iterable[float], factor: float = 1.2) -> float:
    """A branch's timeout in seconds: the 99th percentile of its latencies, times `factor`.

    A little above the 99th percentile gives up about one healthy call in a hundred or fewer. The
    percentile is that of `quantile`; fewer than 100 latencies are a ValueError.
    """
    if not factor >= 1:
        raise ValueError(f"factor is {factor!r}; below 1 the timeout is within the usual latencies")
    return quantile(latencies, 0.99) * factor


def _next_one(situation: Situation, delay: float | None, most: int | None) -> tuple[int, ...]:
    """The best ranked waiting branch, if nobody runs or the delay is over."""
    states = situation.states()
    if not _launchable(states, most):
        return ()
    if "running" in states and (delay is None or situation.now < _latest(situation) + delay):
        return ()
    return (situation.ranking[states.index("waiting")],)


def _next_due(situation: Situation, delay: float | None, most: int | None) -> float | None:
    if delay is None or not _launchable(situation.states(), most):
        return None
    return _latest(situation) + delay


def _launchable(states: list[State], most: int | None) -> bool:
    """Whether one waits, unless there is a valid answer or `most` have gone."""
    if "waiting" not in states or "valid" in states:
        return False
    return most is None or len(states) - states.count("waiting") < most


def _latest(situation: Situation) -> float:
    """When a branch was last launched, or dropped instead."""
    latest = 0.0
    for attempt in situation.attempts:
        moment = attempt.ended if attempt.launched is None else attempt.launched
        if moment is not None and moment > latest:
            latest = moment
    return latest


def _served(situation: Situation) -> int | None:
    """The branch that first said that it is being served, unless it ended in vain."""
    served = [
        (attempt.began, place, index)
        for place, index in enumerate(situation.ranking)
        if (attempt := situation.attempts[index]).began is not None
        and attempt.state in ("running", "valid")
    ]
    return min(served)[2] if served else None


def _check_seconds(policy: str, name: str, value: float) -> None:
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{policy}: {name} is {value!r}; it is seconds, 0 or more")
