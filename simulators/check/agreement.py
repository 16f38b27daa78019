"""Do the engines agree? `fast` with `events` to the last bit, and both with the formula, if any.

A simulation differs from its formula by chance, so the difference is counted in standard errors,
and those are of requests that queue where they do. Below four it says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from simulators import events, exact, fast, provenance
from simulators.estimators.influence import Statistic, ratio_of
from simulators.estimators.intervals import spread_of
from simulators.estimators.measures import percentile, statistic
from simulators.estimators.tables import student
from simulators.estimators.warmup import cut
from simulators.exact import NotApplicable, Solution
from simulators.results import Difference, Requests
from simulators.scenario import Scenario

__all__ = ["Engines", "Score", "engines"]

_ROUNDING = 1e-9
"""By what share a formula may be off that is integrated numerically."""

_FOUR = 2 * NormalDist().cdf(4.0) - 1
"""How often a normal number is within four standard errors."""

_FEWEST = 10
"""How many independent requests beyond a percentile say something of it."""


@dataclass(frozen=True, slots=True)
class Score:
    """One measure: its `exact` value, the `simulated` one, and how far they are apart.

    `z`: the distance in standard errors; None where there is none, for the reason in `refused`.
    `limit`: the distance that chance exceeds as seldom as a normal number exceeds 4. With few
    batches to measure the standard error by it is wider. The distance of a percentile is that of
    the share of requests beyond the exact one.
    """

    measure: str
    exact: float
    simulated: float
    z: float | None
    limit: float
    refused: str | None = None

    @property
    def agrees(self) -> bool:
        """Whether chance explains the distance, as far as anything is known of it."""
        return self.z is None or abs(self.z) < self.limit

    def __str__(self) -> str:
        shown = f"{self.measure} {self.simulated:.6g}, exact {self.exact:.6g}"
        if self.z is None:
            return f"{shown}: not compared, {self.refused}"
        verdict = "" if self.agrees else f", beyond {self.limit:.1f}"
        return f"{shown}: {self.z:+.2f} standard errors{verdict}"

    def to_data(self) -> dict[str, Any]:
        """What JSON can say."""
        data = {name: getattr(self, name) for name in self.__slots__} | {"agrees": self.agrees}
        numbers = {name: value for name, value in data.items() if isinstance(value, float)}
        return data | {name: None for name, value in numbers.items() if not np.isfinite(value)}


@dataclass(frozen=True)
class Engines:
    """What the engines say of one scenario.

    `difference`: the first request about which `events` and `fast` disagree, or None. `exact`: the
    formula, or why there is none; `scores`: how far the simulation is from it.
    """

    difference: Difference | None
    exact: Solution | NotApplicable
    scores: tuple[Score, ...]
    provenance: provenance.Provenance

    @property
    def agrees(self) -> bool:
        """Whether no engine contradicts another."""
        return self.difference is None and all(score.agrees for score in self.scores)

    def __str__(self) -> str:
        bits = "equal in every bit" if self.difference is None else str(self.difference)
        formula = self.exact.formula if isinstance(self.exact, Solution) else str(self.exact)
        return "\n".join([
            "the engines agree" if self.agrees else "the engines disagree",
            f"events and fast: {bits}",
            f"exact: {formula}",
            *(f"  {score}" for score in self.scores),
            str(self.provenance),
        ])  # fmt: skip

    def to_data(self) -> dict[str, Any]:
        """What JSON can say."""
        solved = isinstance(self.exact, Solution)
        return {
            "agrees": self.agrees,
            "difference": None if self.difference is None else str(self.difference),
            "formula": self.exact.formula if isinstance(self.exact, Solution) else None,
            "not_applicable": None if solved else str(self.exact),
            "scores": [score.to_data() for score in self.scores],
            "provenance": self.provenance.to_data(),
        }


def engines(scenario: Scenario, n: int = 20_000, seed: int = 0) -> Engines:
    """Compare the engines about `n` requests.

    Where requests share something, the first tenth of them is left out of the comparison with the
    formula, which is of a system that has run for long.
    """
    simulated = fast.run(scenario, n, seed)
    difference = events.run(scenario, n, seed).difference(simulated)
    answer = exact.solve(scenario)
    scores: tuple[Score, ...] = ()
    if isinstance(answer, Solution):
        steady = cut(simulated, n // 10) if scenario.shares else simulated
        scores = tuple(_score(steady, name, value) for name, value in answer.measures.items())
    made = provenance.of(scenario, "events, exact, fast", seed, n)
    return Engines(difference, answer, scores, made)


def _score(requests: Requests, measure: str, value: float) -> Score:
    found, share = statistic(requests, measure), percentile(measure)
    if not np.isfinite(value):
        return Score(measure, value, found.value, None, 4.0, "no simulation comes to infinity")
    queued = requests.scenario.shares or measure.startswith("utilisation")
    if share is None:
        apart, influence = found.value - value, found.influence
        if abs(apart) <= _ROUNDING * max(1.0, abs(value)):
            return Score(measure, value, found.value, 0.0, 4.0)
    else:
        beyond = _independent(requests, queued=queued) * (1 - share)
        if not beyond >= _FEWEST:
            why = f"worth {beyond:.2g} independent requests beyond it; it takes {_FEWEST}"
            return Score(measure, value, found.value, None, 4.0, why)
        apart, influence = _beyond(requests, value, 1 - share)
    spread = spread_of(influence, queued=queued)
    if spread.refused is not None:
        return Score(measure, value, found.value, None, 4.0, spread.refused)
    expected = value * len(requests)
    if not spread.error and measure in ("unanswered", "drops") and 0 < expected < _FEWEST:
        why = f"{expected:.2g} of {len(requests)} requests would show it; it takes {_FEWEST}"
        return Score(measure, value, found.value, None, 4.0, why)
    limit = student(_FOUR, spread.freedom)
    z = apart / spread.error if spread.error else (np.inf if apart else 0.0)
    return Score(measure, value, found.value, float(z), limit)


def _beyond(requests: Requests, value: float, share: float) -> tuple[float, Any]:
    """How much more than this share of the answered requests takes longer than `value`.

    Several may take exactly so long. Then any share between that of those who take longer, and
    that of those who take at least as long, is right.
    """
    longer = _share(requests, requests.latency > value * (1 + _ROUNDING))
    as_long = _share(requests, requests.latency >= value * (1 - _ROUNDING))
    if longer.value > share:
        return longer.value - share, longer.influence
    if as_long.value < share:
        return as_long.value - share, as_long.influence
    return 0.0, longer.influence


def _independent(requests: Requests, *, queued: bool) -> float:
    """How many independent requests these are worth, by the mean of their latencies."""
    spread = spread_of(statistic(requests, "mean").influence, queued=queued)
    answered = float(requests.answered.mean())
    return 0.0 if spread.refused is not None else spread.effective * answered


def _share(requests: Requests, chosen: Any) -> Statistic:
    return ratio_of(chosen & requests.answered, requests.answered)
