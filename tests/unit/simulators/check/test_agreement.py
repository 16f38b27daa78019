import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from simulators import check, exact, fast
from simulators.exact import Solution
from simulators.scenario import Branch, Limiter, Poisson, Pool, Scenario
from spectest.latency import Constant, Exponential, LogNormal, Pareto
from spectest.patterns.policies import Hedge, Sequential

LAW = LogNormal(1.0, 1.0)
HEDGE = Scenario([Branch("a", LAW, failure=0.1), Branch("b", LAW)], Hedge(2.0))
QUEUE = Scenario(
    [Branch("a", Exponential(1.0), pool="p")],
    Sequential(),
    pools=[Pool("p", 1)],
    arrivals=Poisson(0.8),
)


@pytest.mark.parametrize("scenario", [HEDGE, QUEUE])
def test_engines_agree(scenario: Scenario) -> None:
    found = check.engines(scenario, 3000, 3)
    assert found.agrees
    assert {score.measure for score in found.scores} >= {"mean", "p50", "p99", "launches"}
    assert json.loads(json.dumps(found.to_data()))["agrees"] is True


def test_where_there_is_no_formula_two_engines_are_compared() -> None:
    scenario = dataclasses.replace(
        HEDGE, limiter=Limiter("drop", capacity=3), arrivals=Poisson(1.0)
    )
    found = check.engines(scenario, 500)
    assert found.agrees
    assert found.scores == ()
    assert "exact: not applicable" in str(found)


@pytest.mark.parametrize("measure", ["mean", "p95"])
def test_a_wrong_formula_is_found(measure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = exact.solve(HEDGE)
    assert isinstance(right, Solution)
    wrong = {**right.measures, measure: right[measure] * 1.5}
    answer = dataclasses.replace(right, measures=wrong)
    monkeypatch.setattr(exact, "solve", lambda _: answer)
    found = check.engines(HEDGE, 2000, 3)
    assert [score.measure for score in found.scores if not score.agrees] == [measure]
    assert not found.agrees
    assert "the engines disagree" in str(found)


def test_a_different_engine_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    result = fast.run(HEDGE, 200, 1)
    result.latency[17] = np.nextafter(result.latency[17], 9.0)
    monkeypatch.setattr(fast, "run", lambda *_: result)
    found = check.engines(HEDGE, 200, 1)
    assert not found.agrees
    assert "request 17 differs in latency" in str(found)


def test_a_percentile_needs_requests_beyond_it() -> None:
    scores = {score.measure: score for score in check.engines(HEDGE, 2000, 1).scores}
    assert scores["p99.9"].z is None
    assert "it takes 10" in str(scores["p99.9"])
    assert scores["p95"].z is not None


def test_an_error_under_queueing_is_that_of_batches() -> None:
    """Its standard error is many times that of independent requests, and so z is not."""
    scores = {score.measure: score for score in check.engines(QUEUE, 10_000, 3).scores}
    requests: Any = fast.run(QUEUE, 10_000, 3)
    naive = requests.latency.std() / len(requests) ** 0.5
    mean = scores["mean"]
    assert mean.z is not None
    assert abs(mean.z) < abs(mean.simulated - mean.exact) / naive / 3
    assert mean.limit > 4


def test_no_simulation_comes_to_infinity() -> None:
    found = check.engines(Scenario([Branch("a", Pareto(1.0, alpha=0.8))], Sequential()), 500, 1)
    scores = {score.measure: score for score in found.scores}
    assert found.agrees
    assert scores["mean"].refused == "no simulation comes to infinity"
    json.dumps(found.to_data(), allow_nan=False)


def test_many_may_take_equally_long() -> None:
    scenario = Scenario([Branch("a", Constant(1.0), valid=0.7), Branch("b", 0.5)], Hedge(0.7))
    assert check.engines(scenario, 1000, 1).agrees
