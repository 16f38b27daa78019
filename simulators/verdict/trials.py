"""What a verdict is based on: a scenario and its control group, on the same draws."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulators import estimators, exact
from simulators.estimators import Estimate
from simulators.estimators.influence import mean_of
from simulators.estimators.intervals import spread_of
from simulators.exact import Solution
from simulators.results import Array, Requests
from simulators.scenario import Closed, Scenario
from simulators.verdict.lines import full_at_the_end

__all__ = ["WARM_UP", "Simulate", "Trial", "fewest", "trial"]

Simulate = Callable[[Scenario, int, int], Requests]
"""An engine: a scenario, a number of requests, a seed."""

WARM_UP = 0.1
"""The share of requests that is cut from the beginning where requests share anything."""

_FEWEST = 1000
"""How many requests it takes for the interval of a mean to hold, though what counts may be rare."""

_BEYOND = 50
"""How many requests beyond a percentile it takes for its interval to hold; of 20, it does not."""


@dataclass(frozen=True, eq=False)
class Trial:
    """`whole`: all requests; `requests` and `control`: without those of the warm-up.

    `formulas`: exact answers to the scenario and its control group, if both have one.
    """

    whole: Requests
    requests: Requests
    control: Requests
    level: float
    simulate: Simulate
    formulas: tuple[Solution, Solution] | None

    @property
    def scenario(self) -> Scenario:
        """What is judged."""
        return self.whole.scenario

    @property
    def n(self) -> int:
        """How many requests were simulated, of each group."""
        return len(self.whole)

    @functools.cached_property
    def queued(self) -> bool:
        """Whether requests depend on each other."""
        return self.scenario.shares or self.control.scenario.shares

    def saved(self, measure: str) -> tuple[float, float, Estimate]:
        """A measure, that of control, and the share of it that was saved, below 0 if it grew.

        A request without an answer counts as one that takes for ever. By formulas where both have
        one and all requests are answered; otherwise in pairs, see `estimators.compare`.
        """
        if (known := self._known(measure)) is not None:
            ours, theirs, formula = known
            exactly = 1 - ours / theirs
            saved = Estimate(exactly, exactly, exactly, self.level, 0, None, formula)
            return ours, theirs, saved
        pair = _for_ever(self.requests), _for_ever(self.control)
        with np.errstate(invalid="ignore"):
            found = estimators.compare(*pair, self.level, [measure])[measure]
        return found.value, found.control, self._honest(found.saved, measure)

    def times(self, ours: Array, theirs: Array) -> Estimate:
        """The mean of one number for each request over that of control, in pairs."""
        ratio = mean_of(ours).over(mean_of(theirs))
        spread = spread_of(ratio.influence, queued=self.queued)
        return self._honest(spread.around(ratio.value, self.level, len(ours)), "mean")

    @functools.cached_property
    def unsteady(self) -> str | None:
        """Why there is no steady state, of which averages could be taken."""
        if isinstance(self.scenario.arrivals, Closed):
            return None
        for whose, requests in (("", self.requests), ("of control ", self.control)):
            if full_at_the_end(requests):
                return f"the lines {whose}were full at the end, so that there is no steady state"
        return None

    def share(self, hits: Array, among: Array) -> Estimate:
        """A share of what happened, with its interval."""
        return estimators.share(hits, among, queued=self.queued, level=self.level)

    def _known(self, measure: str) -> tuple[float, float, str] | None:
        if self.formulas is None:
            return None
        ours, theirs = (solution.measures for solution in self.formulas)
        if measure not in ours or not theirs.get(measure):
            return None
        unanswered = [solution.get("unanswered", 1.0) for solution in (ours, theirs)]
        if estimators.percentile(measure) is not None and any(unanswered):
            return None
        return ours[measure], theirs[measure], f"exact: {self.formulas[0].formula}"

    def _honest(self, found: Estimate, measure: str) -> Estimate:
        """Without its interval, if that would say more than is known."""
        n, least = len(self.requests), fewest(measure)
        few = f"{n} requests; {measure} takes {least} or more" if n < least else None
        if found.refused is not None or (why := few or self.unsteady) is None:
            return found
        return dataclasses.replace(found, low=None, high=None, effective=None, refused=why)


def trial(
    scenario: Scenario, n: int, seed: int, *, level: float, simulate: Simulate, formulas: bool
) -> Trial:
    """Simulate a scenario and its control group, which may be overloaded.

    Both are solved as well where there are formulas and they are wanted.
    """
    control = estimators.control_of(dataclasses.replace(scenario, overload="allowed"))
    whole, other = simulate(scenario, n, seed), simulate(control, n, seed)
    first = int(WARM_UP * n) if scenario.shares or control.shares else 0
    answers = [exact.solve(one) for one in (scenario, control)] if formulas else []
    solved = [answer for answer in answers if isinstance(answer, Solution)]
    return Trial(
        whole=whole,
        requests=estimators.cut(whole, first),
        control=estimators.cut(other, first),
        level=level,
        simulate=simulate,
        formulas=(solved[0], solved[1]) if len(solved) == 2 else None,
    )


def fewest(measure: str) -> int:
    """How many requests it takes to compare a mean, or a percentile."""
    p = estimators.percentile(measure)
    return _FEWEST if p is None else max(_FEWEST, round(_BEYOND / min(p, 1 - p)))


def _for_ever(requests: Requests) -> Requests:
    """The same, with an answer after an infinite time where there was none."""
    answered = requests.answered
    if answered.all():
        return requests
    return dataclasses.replace(
        requests,
        latency=np.where(answered, requests.latency, np.inf),
        winner=np.where(answered, requests.winner, 0),
    )
