from typing import Any

import numpy as np
import pytest

from simulators import fast
from simulators.fast.delays import Delays
from simulators.scenario import Branch, Limiter, Poisson, Scenario, ScenarioError
from spectest.latency import Constant, GaussianCopula, LogNormal
from spectest.patterns.policies import EagerRace, Hedge, Ranked, quantile

HEAVY = LogNormal(1.0, 1.0)


def scenario(delay: float = 1.0, latency: Any = HEAVY, **fields: Any) -> Scenario:
    return Scenario([Branch(name, latency) for name in "ab"], Hedge(delay), **fields)


@pytest.mark.parametrize("latency", [HEAVY, Constant(1.0)])
@pytest.mark.parametrize("delay", [0.0, 0.3, 1.0, 5.0, 1e9])
def test_every_delay_is_what_a_run_says(latency: Any, delay: float) -> None:
    fields: dict[str, Any] = {"dependence": GaussianCopula(0.3)}
    hedged = Delays(scenario(latency=latency, **fields), 3000, 7).at(delay)
    result = fast.run(scenario(delay, latency, **fields), 3000, 7)
    together = np.sort(np.concatenate([hedged.body, hedged.tail]))
    assert np.array_equal(together, np.sort(result.latency))
    assert hedged.mean == pytest.approx(result.latency.mean(), rel=1e-12)
    assert hedged.launched == (result.launches - 1).mean()
    qs = (0.01, 0.5, 0.95, 0.99, 0.999)
    assert hedged.quantiles(*qs) == [quantile(result.latency, q) for q in qs]


@pytest.mark.parametrize(
    "other",
    [
        Scenario([Branch(name, 1.0) for name in "ab"], EagerRace()),
        Scenario([Branch(name, 1.0) for name in "abc"], Hedge(1.0)),
        Scenario([Branch(name, 1.0, failure=0.1) for name in "ab"], Hedge(1.0)),
        scenario(decision=Ranked()),
        scenario(limiter=Limiter("drop", 3), arrivals=Poisson(1.0)),
    ],
)
def test_other_scenarios_are_refused(other: Scenario) -> None:
    with pytest.raises(ScenarioError, match=r"use fast\.run for each delay"):
        Delays(other, 10)


def test_a_negative_delay_is_refused() -> None:
    with pytest.raises(ScenarioError, match="delay is -1"):
        Delays(scenario(), 10).at(-1)
