"""Memory, cost and improvement: for, against and open."""

import dataclasses
from typing import Any

import pytest

from simulators import verdict
from simulators.scenario import (
    Branch,
    Cost,
    Memory,
    Poisson,
    Pool,
    Scenario,
)
from spectest.latency import Exponential
from spectest.patterns.policies import EagerRace, Hedge
from tests.unit.simulators.verdict.cases import (
    LAW,
    P95,
    SECONDS,
    cached,
    inside,
    number,
    pair,
    rule,
)

GIB = 2.0**30


@pytest.mark.parametrize(
    "model, layers, heads, gib",
    [("Llama-2-7B", 32, 32, 4.0), ("Llama-3-8B", 32, 8, 1.0), ("Llama-3-70B", 80, 8, 2.5)],
)
def test_two_caches_at_once(model: str, layers: int, heads: int, gib: float) -> None:
    """Table V-E: two branches of 4,096 tokens each."""
    fits = rule(cached(layers, heads, memory_limit=gib * GIB), "memory", n=5000)
    assert fits.result == "for"
    assert number(fits) == gib * GIB
    assert f"with KV caches {gib:g} GiB" in fits.sentence
    tight = rule(cached(layers, heads, memory_limit=gib * GIB - 1), "memory", n=5000)
    assert tight.result == "against"


def test_memory_is_a_hard_stop() -> None:
    judged = verdict.judge(cached(32, 32, memory_limit=3 * GIB), n=5000)
    assert judged.answer == "disable"
    assert "memory" in judged.reason


def served(limit: float, **fields: object) -> Scenario:
    """A load of ten on any number of servers: one byte for each attempt, and 100 of weights."""
    branches = [
        Branch("a", Exponential(1.0), memory=Memory(weights=100.0, per_token=1.0, tokens=1.0)),
        Branch("b", Exponential(1.0)),
    ]
    return Scenario(branches, Hedge(50.0), arrivals=Poisson(10.0), memory_limit=limit, **fields)  # type: ignore[arg-type]


def test_concurrency_is_that_of_a_busy_moment() -> None:
    """Table A10: a Poisson number is being served, of which the 99.9th percentile is 21. An attempt
    that begins finds these, and is one more.
    """
    found = rule(served(200.0), "memory", n=100_000)
    assert found.result == "for"
    assert abs(number(found) - (100 + 21 + 1)) <= 1
    assert inside(found, 122)


@pytest.mark.parametrize(
    "limit, n, result",
    [(110, 30_000, "against"), (122, 30_000, "open"), (200, 1_000, "open"), (99, 9, "against")],
)
def test_memory_of_others(limit: float, n: int, result: str) -> None:
    assert rule(served(limit), "memory", n=n).result == result


def test_a_pool_bounds_memory() -> None:
    scenario = served(104.0)
    branches = [dataclasses.replace(scenario.racing[0], pool="gpu"), scenario.racing[1]]
    scenario = dataclasses.replace(
        scenario, branches=branches, pools=[Pool("gpu", 4)], arrivals=Poisson(2.0)
    )
    found = rule(scenario, "memory", n=100)
    assert found.result == "for"
    assert "at most 104 bytes" in found.sentence


@pytest.mark.parametrize("scenario", [pair(Hedge(P95)), cached(32, 8)])
def test_memory_that_nobody_stated(scenario: Scenario) -> None:
    assert rule(scenario, "memory", n=100).result == "not applicable"


def priced(primary: float, backup: float, policy: object) -> Scenario:
    branches = [Branch("a", LAW, cost=Cost(primary)), Branch("b", LAW, cost=Cost(backup))]
    return Scenario(branches, policy)  # type: ignore[arg-type]


def test_costs_that_double_are_against_it() -> None:
    assert rule(priced(1.0, 1.0, EagerRace()), "cost").result == "against"
    assert rule(priced(1.0, 0.99, EagerRace()), "cost").result == "for"
    assert rule(priced(1.0, 1.0, EagerRace()), "cost", most_cost=2.1).result == "for"


def test_a_hedge_that_costs_about_twice_as_much_is_open_without_a_formula() -> None:
    found = rule(priced(1.0, 20.0, Hedge(P95)), "cost", engine="fast")
    assert found.result == "open"
    assert inside(found, 2.0)
    exactly = rule(priced(1.0, 20.0, Hedge(P95)), "cost")
    assert number(exactly) == pytest.approx(2.0)


def test_few_requests_have_no_interval_of_a_mean() -> None:
    few = rule(priced(1.0, 1.0, Hedge(P95)), "cost", n=999, engine="fast")
    assert (few.result, few.needed) == ("open", 1000)
    assert rule(priced(1.0, 1.0, Hedge(P95)), "cost", n=1000, engine="fast").result == "for"


def test_cost_can_fall() -> None:
    """Table 1.3: a hedge at p95 that cancels does 1.579917 of work, and one call 1.648721."""
    found = rule(pair(Hedge(P95), cost=SECONDS), "cost")
    assert found.value is not None
    assert found.value.value == pytest.approx(1.579917 / 1.648721, abs=1e-6)
    simulated = rule(pair(Hedge(P95), cost=SECONDS), "cost", n=50_000, engine="fast")
    assert inside(simulated, 1.579917 / 1.648721)


def test_without_costs_service_is_counted_and_decides_nothing() -> None:
    found = rule(pair(EagerRace(), cancel="never"), "cost", n=1000)
    assert (found.result, found.decides) == ("note", False)
    assert "no branch has a cost" in found.sentence


def test_nothing_is_twice_as_dear_as_what_is_free() -> None:
    found = rule(priced(0.0, 1.0, EagerRace()), "cost", n=1000)
    assert (found.result, found.value) == ("against", None)


@pytest.mark.parametrize(
    "p, threshold, result", [(0.95, 0.15, "for"), (0.99, 0.15, "against"), (0.95, 0.35, "open")]
)
def test_improvement_at_p99(p: float, threshold: float, result: str) -> None:
    scenario = pair(Hedge(LAW.quantile(p)))
    found = rule(scenario, "p99 improvement", threshold=threshold, engine="fast")
    assert found.result == result
    assert inside(found, 1 - {0.95: 6.666581, 0.99: 10.240474}[p] / 10.240474)


def test_few_requests_have_no_interval_of_p99() -> None:
    found = rule(pair(Hedge(P95)), "p99 improvement", n=4999, engine="fast")
    assert (found.result, found.needed) == ("open", 5000)
    assert rule(pair(Hedge(P95)), "p99 improvement", n=5000, engine="fast").result == "for"


def test_what_is_needed_is_enough() -> None:
    scenario = pair(Hedge(P95))
    asked: dict[str, Any] = {"threshold": 0.3, "engine": "fast"}
    few = rule(scenario, "p99 improvement", **asked)
    assert few.result == "open"
    enough = 3 * (few.needed or 0)
    assert 10_000 < enough < 300_000
    assert rule(scenario, "p99 improvement", n=enough, **asked).result == "for"


def test_a_request_without_an_answer_takes_for_ever() -> None:
    losing = pair(Hedge(P95), valid=0.5)
    found = rule(losing, "p99 improvement", n=5000, engine="fast")
    assert (found.result, found.value) == ("open", None)
    assert "name a lower percentile" in found.sentence
    lower = rule(losing, "p60 improvement", n=5000, percentiles=["p60"], engine="fast")
    assert number(lower) < 1
    assert lower.result == "against"  # a hedge helps nobody but the slowest


def test_the_last_percentile_decides_and_a_conflict_is_shown() -> None:
    scenario = pair(Hedge(P95))
    judged = verdict.judge(scenario, n=5000)
    assert judged.answer == "enable"
    assert not judged["p50 improvement"].decides
    expected = (
        "conflict: for it is p99 improvement, and against it is p50 improvement; "
        "the answer follows p99"
    )
    assert expected in judged.conflicts
    turned = verdict.judge(scenario, n=5000, percentiles=("p99", "p50"))
    assert turned.answer == "disable"
    assert turned.reason == "disable: against it is p50 improvement"
