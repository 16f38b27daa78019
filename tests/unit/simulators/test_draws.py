"""Draws in bulk are those of single requests, to the last bit."""

from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from simulators.chances import Chances
from simulators.fast import quantiles
from simulators.fast.draws import Bulk
from simulators.scenario import MMPP, Branch, Poisson, Scenario
from spectest.latency import (
    CommonShock,
    Constant,
    Empirical,
    Erlang,
    Exponential,
    GaussianCopula,
    Independent,
    LogNormal,
    PairedRows,
    Pareto,
    ShiftedExponential,
    Uniform,
    Weibull,
)
from spectest.patterns.policies import EagerRace
from spectest.patterns.seeds import digest_of, ranking

LATENCIES = [
    Constant(1.0),
    Uniform(1.0, 2.0),
    Exponential(3.0),
    ShiftedExponential(1.0, 2.0),
    LogNormal(0.03, 0.7),
    Pareto(1.0, 2.5),
    Weibull(1.0, 0.5),
    Empirical([1, 2, 2, 5]),
    Erlang(3, 1.0),
]
DEPENDENCES = [
    Independent(),
    GaussianCopula(0.0),
    GaussianCopula(0.5),
    GaussianCopula(1.0),
    CommonShock(0.2, factor=3.0),
    CommonShock(0.3, extra=Exponential(1.0)),
    PairedRows([{"a": 1.0, "b": 0.4}, {"a": 0.2, "b": 0.4}, {"a": 0.3, "b": 0.1}]),
]
NUMBERS = np.arange(2000, dtype=np.uint64)


@pytest.mark.parametrize("latency", LATENCIES, ids=repr)
@pytest.mark.parametrize("dependence", DEPENDENCES, ids=repr)
def test_services(latency: Any, dependence: Any) -> None:
    scenario = Scenario([Branch("a", latency)], EagerRace(), dependence=dependence)
    single = Chances(scenario, 5)
    assert Bulk(scenario, 5).services(NUMBERS, 0).tolist() == [
        single.service(request, 0) for request in range(len(NUMBERS))
    ]


@pytest.mark.parametrize("arrivals", [Poisson(3.0), MMPP([0.0, 2.0, 9.0], [1.0, 0.5, 2.0])])
def test_arrivals(arrivals: Any) -> None:
    scenario = Scenario([Branch("a", 1.0)], EagerRace(), arrivals=arrivals)
    assert Bulk(scenario, 5).arrivals(2000).tolist() == list(Chances(scenario, 5).arrivals(2000))


def test_bursts_have_their_mean_rate() -> None:
    arrivals = MMPP([0.5, 8.0], [0.2, 0.6])
    scenario = Scenario([Branch("a", 1.0)], EagerRace(), arrivals=arrivals)
    moments = Bulk(scenario, 6).arrivals(20_000)
    assert len(moments) / moments[-1] == pytest.approx(arrivals.mean_rate, rel=0.05)
    gaps = np.diff(moments)
    assert gaps.std() / gaps.mean() > 1.5


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_rankings_are_those_of_the_patterns(width: int) -> None:
    scenario = Scenario([Branch("abcde"[i], 1.0) for i in range(width)], EagerRace())
    expected = [list(ranking(digest_of({"request": r}, "7"), width)) for r in range(300)]
    assert Bulk(scenario, 7).rankings(NUMBERS[:300]).tolist() == expected
    assert [list(Chances(scenario, 7).ranked(r)[0]) for r in range(300)] == expected


def test_another_compiler_may_round_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    p = np.linspace(0.001, 0.999, 999)
    vectorised = quantiles.normal_scores(p)
    monkeypatch.setattr(quantiles, "_central_is_exact", lambda: False)
    assert np.array_equal(quantiles.normal_scores(p), vectorised)


def test_tails_and_exponentials_are_those_of_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    p = np.concatenate([np.random.default_rng(3).random(5000) ** power for power in (1, 4, 20)])
    p = np.concatenate([p, 1 - p[:5000] / 20])
    assert quantiles.normal_scores(p).tolist() == [NormalDist().inv_cdf(x) for x in p.tolist()]
    latency = LogNormal(2.0, 1.5)
    vectorised = quantiles.quantiles(latency, p)
    assert vectorised.tolist() == [latency.quantile(x) for x in p.tolist()]
    for check in ("_tails_are_exact", "_exponentials_are_exact"):
        monkeypatch.setattr(quantiles, check, lambda: False)
    assert np.array_equal(quantiles.quantiles(latency, p), vectorised)


def test_a_latency_of_ones_own_is_asked() -> None:
    class Halved(Exponential):
        def inverse(self, p: float) -> float:
            return super().inverse(p) / 2

    p = np.array([0.25, 0.75])
    assert quantiles.quantiles(Halved(1.0), p).tolist() == [Halved(1.0).quantile(x) for x in p]
