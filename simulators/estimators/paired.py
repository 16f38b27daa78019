"""A configuration against its control group, request by request on the same draws.

What both have in common cancels: the difference of means has a several times smaller variance than
that of two separate simulations. At the far end of the tail less is common, and little is gained.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from simulators.estimators.intervals import Estimate, spread_of
from simulators.estimators.measures import measures_of, statistic
from simulators.results import Requests
from simulators.scenario import Scenario
from spectest.patterns.policies import FirstValid, FirstValidOf, Sequential, Tied

__all__ = ["Comparison", "compare", "control_of"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One measure of two runs: `control` and `value`, the difference, and the relative saving.

    `difference` is value - control, below 0 where less is better and speculation helps. `saved` is
    1 - value / control. `times`: by what factor pairing has reduced the variance of the difference
    of two separate runs.
    """

    measure: str
    value: float
    control: float
    difference: Estimate
    saved: Estimate
    times: float


def control_of(scenario: Scenario) -> Scenario:
    """The same without speculation: one branch at a time, the next when one ended in vain.

    In the declared order; or, where the policy launches a part of the branches by their ranking, in
    that order, so that control spreads its work over them as well.
    """
    ranked = isinstance(scenario.policy, FirstValidOf | Tied)
    policy = FirstValidOf(1) if ranked else Sequential()
    return dataclasses.replace(scenario, policy=policy, decision=FirstValid())


def compare(
    requests: Requests,
    control: Requests,
    level: float = 0.95,
    measures: Sequence[str] | None = None,
) -> dict[str, Comparison]:
    """Each measure of `requests` against that of `control`.

    `ValueError` if the two are not of the same requests: other seeds, or other arrivals.
    """
    _check_pairs(requests, control)
    queued = requests.scenario.shares or control.scenario.shares
    names = measures_of(requests) if measures is None else measures
    found = {}
    for name in names:
        ours, theirs = statistic(requests, name), statistic(control, name)
        apart, ratio = ours - theirs, ours.over(theirs)
        n = len(requests)
        difference = spread_of(apart.influence, queued=queued)
        saved = spread_of(ratio.influence, queued=queued)
        separate = ours.influence.var() + theirs.influence.var()
        paired = apart.influence.var()
        found[name] = Comparison(
            name,
            ours.value,
            theirs.value,
            difference.around(apart.value, level, n),
            saved.around(1 - ratio.value, level, n),
            float(separate / paired) if paired else 1.0,
        )
    return found


def _check_pairs(requests: Requests, control: Requests) -> None:
    if len(requests) != len(control) or requests.seed != control.seed:
        raise ValueError(
            f"{len(requests)} requests of seed {requests.seed} cannot be paired with "
            f"{len(control)} of seed {control.seed}; simulate both with the same seed and number"
        )
