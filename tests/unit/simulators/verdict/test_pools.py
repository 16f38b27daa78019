"""Demand on pools, full starts, and the control group: for, against and open."""

import dataclasses

import numpy as np
import pytest

from simulators import verdict
from simulators.errors import ScenarioError
from simulators.scenario import (
    Branch,
    Closed,
    Deterministic,
    Poisson,
    Pool,
    Scenario,
    Trace,
)
from spectest.latency import Constant, LogNormal
from spectest.patterns.policies import EagerRace, Hedge
from tests.unit.simulators.verdict.cases import LAW, P95, inside, pair, pooled, rule


def test_twice_the_work_in_a_pool_that_lacks_servers() -> None:
    eager = pooled(0.4, "never", policy=EagerRace())
    assert rule(eager, "demand on gpu", n=4000).result == "open"  # 2 times, on the line
    lonely = Scenario(
        [Branch("a", LAW), Branch("b", LAW, pool="gpu")],
        Hedge(1.0),
        pools=[Pool("gpu", 1)],
        arrivals=Poisson(0.5),
    )
    found = rule(lonely, "demand on gpu", n=4000)
    assert (found.result, found.decides) == ("note", False)
    assert "which control never asks" in found.sentence
    rarely = [dataclasses.replace(lonely.branches[0], valid=0.95), lonely.branches[1]]
    scenario = dataclasses.replace(lonely, branches=rarely)
    assert rule(scenario, "demand on gpu", n=4000).result == "against"


def test_a_pool_that_was_doubled_has_room() -> None:
    doubled = pooled(0.3, "never", policy=EagerRace(), servers=20)
    found = rule(doubled, "demand on gpu", n=4000)
    assert found.result == "for"
    assert inside(found, 2.0)
    assert rule(pooled(0.6, "immediate"), "demand on gpu", n=4000).result == "for"


def test_drops_and_what_could_happen_are_told() -> None:
    limited = rule(pooled(0.9, "never", "drop"), "demand on gpu", n=1500)
    assert "the limiter dropped " in limited.sentence
    assert "warning" not in limited.sentence
    free = rule(pooled(0.3, "never"), "demand on gpu", n=1500)
    assert "the limiter" not in free.sentence
    assert "warning" not in free.sentence
    risky = rule(pooled(0.55, "never"), "demand on gpu", n=1500)
    assert risky.sentence.endswith("the load would be 1.1")
    assert "warning" not in rule(pooled(0.55, "immediate"), "demand on gpu", n=1500).sentence


@pytest.mark.parametrize(
    "load, cancel, limiter, result",
    [
        (0.3, "never", "none", "for"),
        (0.6, "never", "none", "against"),
        (0.6, "never", "drop", "for"),
        (0.6, "immediate", "none", "for"),
    ],
)
def test_does_it_drain(load: float, cancel: str, limiter: str, result: str) -> None:
    found = rule(pooled(load, cancel, limiter), "metastability", n=3000)
    assert found.result == result


def test_averages_from_an_empty_start_miss_what_a_full_start_finds() -> None:
    """Table V-F at half load: p99 is a third better than control, until something fills lines."""
    judged = verdict.judge(pooled(0.5, "never"), n=10_000, seed=1)
    assert judged["p99 improvement"].result == "for"
    assert judged.answer == "disable"
    assert judged.reason == "disable: against it is metastability"
    sentence = judged["metastability"].sentence
    assert "did not drain within 9,685 requests in 3 of 3 runs" in sentence


def test_lines_that_fill_by_themselves_later_are_seen() -> None:
    """Ten thousand requests at a low load, which drain any burst, and then a high one."""
    gaps = np.random.default_rng(1).exponential(LAW.mean / 10, 14_000)
    gaps /= np.repeat([0.2, 0.7], [10_000, 4_000])
    arrivals = Trace(np.cumsum(gaps).tolist())
    rising = dataclasses.replace(pooled(0.5, "never"), arrivals=arrivals)
    found = rule(rising, "metastability", n=14_000)
    assert found.result == "against"
    assert "a run that started empty was full at its end, and that of control not" in found.sentence


@pytest.mark.parametrize("n, why", [(400, "too few to begin with 315"), (700, "nor did those of")])
def test_few_requests_cannot_drain_anything(n: int, why: str) -> None:
    found = rule(pooled(0.7, "immediate"), "metastability", n=n)
    assert found.result == "open"
    assert why in found.sentence
    assert rule(pooled(0.7, "immediate"), "metastability", n=found.needed or 1).result == "for"


@pytest.mark.parametrize(
    "scenario",
    [
        pair(Hedge(P95)),
        dataclasses.replace(pooled(0.3, "never"), arrivals=Closed(5, think=Constant(1.0))),
    ],
)
def test_what_cannot_fill(scenario: Scenario) -> None:
    assert rule(scenario, "metastability", n=500).result == "not applicable"


def test_users_who_always_wait_have_a_steady_state() -> None:
    """More users than servers: there is always a line, and it never grows."""
    crowd = dataclasses.replace(pooled(0.3, "never"), arrivals=Closed(30, think=Constant(1.0)))
    assert rule(crowd, "p99 improvement", n=6000).result == "against"


def test_where_the_lines_are_full_at_the_end_there_are_no_averages() -> None:
    judged = verdict.judge(pooled(0.9, "never"), n=6000)
    assert judged["p99 improvement"].result == "open"
    assert "there is no steady state" in judged["p99 improvement"].sentence


def test_control_is_always_there() -> None:
    """Without those of the warm-up where requests share a pool."""
    for scenario, kept in ((pair(Hedge(P95)), "2,000"), (pooled(0.3, "immediate"), "1,800")):
        found = rule(scenario, "control group", n=2000)
        assert (found.result, found.decides) == ("note", False)
        assert found.sentence.startswith(f"the same {kept} requests, one branch at a time, on the")


def test_an_overloaded_control_group_is_simulated_all_the_same() -> None:
    """A primary that cannot do it alone: control collapses, and says so."""
    scenario = Scenario(
        [Branch("a", 1.0, pool="one"), Branch("b", 1.0, pool="two")],
        EagerRace(),
        pools=[Pool("one", 1), Pool("two", 1)],
        arrivals=Deterministic(0.9),
        overload="allowed",
    )
    judged = verdict.judge(scenario, n=1000)
    assert judged.answer in ("disable", "inconclusive")


def test_a_scenario_that_never_speculates_is_refused() -> None:
    with pytest.raises(ScenarioError, match="nothing to judge"):
        verdict.judge(Scenario([Branch("a", LogNormal(1.0, 1.0))], EagerRace()))
