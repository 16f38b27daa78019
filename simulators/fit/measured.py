"""One branch of a log as a branch of a scenario: latency, validity, failures and timeout.

Answers say how long it takes. Attempts that were cut off say that it takes longer, and are not
dropped: those that were cut off would have been the slow ones. Failed attempts say nothing of how
long an answer takes; where times are cut off, some of these would have failed too, so that they
count with the share of attempts that did not fail.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulators import checks
from simulators.branches import Branch
from simulators.errors import ScenarioError
from simulators.fit import models
from simulators.fit.account import BranchAccount
from simulators.fit.observations import Observations
from simulators.fit.survival import Survival, product_limit
from simulators.results import CANCELLED, FAILED, INVALID, TIMED_OUT, VALID, Array
from spectest.latency import Empirical, Latency

__all__ = ["OBSERVED", "Measured", "measured"]

OBSERVED = "observed"
"""A timeout that is taken from the log."""

_LATE = 0.01
"""A larger share of answers after a timeout means that timeouts vary."""

_USUAL = 1.358
"""Over the root of n: the distance that 5 % of samples exceed (Smirnov 1948)."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A branch: what the log says of it, as numbers.

    `times` in seconds, of which those not `ended` are lower bounds, the `weights` with which they
    count, and for how many attempts each is `counted`.
    """

    name: str
    counts: Mapping[int, int]
    times: Array
    ended: Array
    weights: Array
    counted: Array
    survival: Survival
    timeout: float | None
    notes: tuple[str, ...]

    @property
    def attempts(self) -> int:
        """How many were launched."""
        return sum(self.counts[one] for one in (VALID, INVALID, FAILED, TIMED_OUT, CANCELLED))

    @property
    def answered(self) -> int:
        """How many ended with an answer, valid or not."""
        return self.counts[VALID] + self.counts[INVALID]

    @property
    def beyond(self) -> float:
        """A time for what takes longer than the log tells, or than the timeout."""
        least = 0.0 if self.timeout is None else math.nextafter(self.timeout, math.inf)
        return max(self.survival.horizon, least)

    def branch(self, latency: Any, **fields: Any) -> Branch:
        """The branch of a scenario; `fields` are what the caller knows better."""
        said = {
            "valid": self.counts[VALID] / self.answered,
            "failure": self.counts[FAILED] / (self.counts[FAILED] + self.answered),
            "timeout": self.timeout,
        }
        return Branch(self.name, **{"latency": latency, **said, **fields})

    def latency(self, upto: float, most: int) -> tuple[Latency, list[str]]:
        """Equally likely values: the quantiles of the estimate at (i + 1/2)/n, and remarks.

        There are as many as attempts, but `most` at most. Where nothing was cut off, these are the
        measured values.
        """
        n = min(max(int(self.weights.sum() + 0.5), 1), most)
        values = self.survival.quantiles((np.arange(n) + 0.5) / n)
        notes: list[str] = []
        unknown = np.isnan(values)
        if unknown.any():
            notes += self._unknown(upto)
            values = np.where(unknown, self.beyond, values)
        return Empirical(values.tolist()), notes

    def model(self, name: str) -> tuple[Latency, float, float | None]:
        """The distribution of this name, its distance from the log, and the usual one."""
        at = f"model of {self.name!r}"
        latency = models.fitted(at, name, self.times, self.ended, self.weights)
        usual = _USUAL / math.sqrt(self.answered) if self.ended.all() else None
        return latency, models.distance(latency, self.survival), usual

    def account(self, model: str, distance: float | None, usual: float | None) -> BranchAccount:
        """How the log was used."""
        counts = self.counts
        return BranchAccount(
            self.name,
            attempts=self.attempts,
            answered=self.answered,
            invalid=counts[INVALID],
            failed=counts[FAILED],
            timed_out=counts[TIMED_OUT],
            cancelled=counts[CANCELLED],
            known_to=self.survival.known_to,
            lasted_to_p99=self._lasted_to(0.99),
            timeout=self.timeout,
            model=model,
            distance=distance,
            usual=usual,
        )

    def _lasted_to(self, p: float) -> int | None:
        """How many attempts lasted as long as this quantile; None if it is not known."""
        (reached,) = self.survival.quantiles(np.array([p])).tolist()
        if math.isnan(reached):
            return None
        return round(float(self.counted[self.times >= reached].sum()))

    def _unknown(self, upto: float) -> list[str]:
        """What to say of the part of the distribution that the log does not tell."""
        survival = self.survival
        if self.timeout is not None and survival.horizon >= self.timeout:
            part = f"{100 * (1 - survival.known_to):.2g} %"
            told = f"{self.name}: {part} take longer than the timeout, and how much longer is not"
            return [f"{told} known; what they hold of a server after it is too little"]
        if survival.known_to < upto:
            cut = self.counts[CANCELLED] + self.counts[TIMED_OUT]
            why = f"is less than {upto}: {cut:,} of {self.attempts:,} attempts were cut off"
            remedy = (
                "use a log in which more of them end, model='LogNormal' or another, or "
                f"upto={math.floor(1e4 * survival.known_to) / 1e4}: the rest takes the longest time"
            )
            field = f"the quantile up to which the latency of {self.name!r} is known"
            raise ScenarioError(field, round(survival.known_to, 6), why, remedy)
        told = f"{self.name}: beyond the quantile {survival.known_to:.6g} the log tells no latency"
        return [f"{told}; the rest stands at the longest time, {self.beyond:.6g} s: too short"]


def measured(log: Observations, name: str, timeout: float | str | None) -> Measured:
    """What a log says of one branch. `timeout`: in seconds, None, or `OBSERVED`.

    `ScenarioError` if it has no answer of this branch, or timeouts that are no single one.
    """
    index = log.branches.index(name)
    outcomes, seconds = log.outcomes[:, index], log.seconds[:, index]
    counts = {
        one: int(log.weights[outcomes == one].sum())
        for one in (VALID, INVALID, FAILED, TIMED_OUT, CANCELLED)
    }
    answered = counts[VALID] + counts[INVALID]
    if not answered:
        why = f"is in the log without an answer, in {sum(counts.values()):,} attempts"
        remedy = "use a log in which it answers, or leave it out with order=[...]"
        raise ScenarioError("a branch", name, why, remedy)
    notes: list[str] = []
    if timeout == OBSERVED:
        timeout, notes = _observed(name, outcomes, seconds)
    elif timeout is not None:
        timeout = checks.positive(f"timeouts[{name!r}]", timeout, "of seconds, or None")
    notes += _of_failures(name, outcomes, seconds)
    failing = counts[FAILED] / (counts[FAILED] + answered)
    ended = np.isin(outcomes, (VALID, INVALID))
    taken = ended | np.isin(outcomes, (TIMED_OUT, CANCELLED))
    weights = log.weights * np.where(ended, 1.0, 1.0 - failing)
    times = np.nan_to_num(seconds[taken], nan=0.0)
    survival = product_limit(times, ended[taken], weights[taken])
    return Measured(
        name,
        counts,
        times,
        ended[taken],
        weights[taken],
        log.weights[taken],
        survival,
        timeout=None if timeout is None else float(timeout),
        notes=tuple(notes),
    )


def _observed(name: str, outcomes: Array, seconds: Array) -> tuple[float | None, list[str]]:
    """The shortest time after which an attempt was given up, if it is that of all."""
    given_up = seconds[(outcomes == TIMED_OUT) & ~np.isnan(seconds)]
    if not len(given_up):
        return None, []
    timeout, last = float(given_up.min()), float(given_up.max())
    answers = seconds[np.isin(outcomes, (VALID, INVALID))]
    late = int((answers > timeout).sum())
    if not timeout > 0 or late > _LATE * len(answers):
        why = f"is not that of all: the longest is {last:.6g} s, answers that took longer: {late:,}"
        remedy = f"use timeouts={{{name!r}: seconds}}, or None for no timeout"
        raise ScenarioError(f"the timeout of {name!r}", timeout, why, remedy)
    if not late:
        return timeout, []
    return timeout, [f"{name}: answers that took longer than the shortest timeout: {late:,}"]


def _of_failures(name: str, outcomes: Array, seconds: Array) -> list[str]:
    """A note if failures take not as long as answers do: a scenario has one latency for both."""
    failed = seconds[(outcomes == FAILED) & ~np.isnan(seconds)]
    if not len(failed):
        return []
    usual = float(np.median(seconds[np.isin(outcomes, (VALID, INVALID))]))
    theirs = float(np.median(failed))
    if usual <= 2 * theirs <= 4 * usual:
        return []
    told = f"{name}: failures took {theirs:.4g} s in the median and answers {usual:.4g} s"
    return [f"{told}; in the scenario a failure takes as long as an answer"]
