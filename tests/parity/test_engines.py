"""Events and fast agree about every request, to the last bit."""

import dataclasses
import math
import random
from typing import Any

import numpy as np
import pytest

from simulators import events, fast
from simulators.fast import regions
from simulators.fast.lockstep import vectorised
from simulators.scenario import (
    Branch,
    Closed,
    Deterministic,
    Limiter,
    Poisson,
    Pool,
    Scenario,
    Trace,
)
from spectest.latency import Constant, Exponential, LogNormal, Weibull
from spectest.patterns.policies import (
    AfterFirst,
    Cascade,
    EagerRace,
    FirstValid,
    FirstValidOf,
    Hedge,
    Ranked,
    Sequential,
    Situation,
    Tied,
    WaitForAll,
)
from tests.parity.simulated import HEAVY, SCENARIOS

POLICIES: list[Any] = [
    Sequential(),
    Cascade(),
    Cascade(0.5),
    Hedge(1.0),
    Hedge(0.0),
    Hedge(0.5, most=2),
    EagerRace(),
    Tied(),
    Tied(0.3),
    FirstValidOf(1),
    FirstValidOf(2),
]
DECISIONS: list[Any] = [
    FirstValid(),
    FirstValid("literal"),
    Ranked(),
    WaitForAll(),
    WaitForAll("literal"),
    AfterFirst(0.4),
    AfterFirst(0.4, "literal"),
]
LATENCIES = [LogNormal(1.0, 1.0), Exponential(1.5), Weibull(1.0, 0.6), Constant(1.0), Constant(0.5)]
ARRIVALS: list[Any] = [
    Poisson(0.5),
    Poisson(2.0),
    Closed(3, 1.0),
    Trace([0.0] * 20 + [9.0] * 80),
]

RARE: list[Any] = [Poisson(0.1), Poisson(0.4), Deterministic(2.0)]


class EveryFifth:
    """A policy of somebody's own: one more branch in every fifth of a second."""

    def ranking_of(self, chain: tuple[int, ...]) -> tuple[int, ...]:
        return chain

    def launches(self, situation: Situation) -> tuple[int, ...]:
        due = self.wakes(situation)
        return tuple(situation.having("waiting")[:1]) if due and situation.now >= due else ()

    def cancels(self, situation: Situation) -> tuple[int, ...]:
        return ()

    def wakes(self, situation: Situation) -> float | None:
        waiting = situation.having("waiting")
        launched = len(situation.attempts) - len(waiting)
        return 0.2 * (launched + 1) if waiting and not situation.having("valid") else None


def agree(name: str, n: int, seed: int) -> None:
    one, other = (engine.run(SCENARIOS[name], n, seed) for engine in (events, fast))
    assert one.difference(other) is None


@pytest.mark.parametrize("name", SCENARIOS)
def test_three_thousand_requests_and_some_of_other_seeds(name: str) -> None:
    agree(name, 3000, 0)
    for seed in range(1, 5):
        agree(name, 300, seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", SCENARIOS)
def test_three_thousand_requests_of_five_seeds(name: str, seed: int) -> None:
    agree(name, 3000, seed)


def test_the_scenarios_have_what_they_say() -> None:
    result = events.run(SCENARIOS["hedge, pool, limiter, failures, timeouts"], 3000, 1)
    assert {1, 2, 3, 4, 5, 6} <= set(np.unique(result.outcome).tolist())
    assert np.nanmax(result.waits) > 0
    assert 7 in events.run(SCENARIOS["a burst, everything at once"], 3000, 1).outcome


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
@pytest.mark.parametrize("decision", DECISIONS, ids=repr)
def test_every_policy_with_every_decision(policy: Any, decision: Any) -> None:
    for count, fields in ((1, {}), (2, {}), (3, {"timeout": 1.0, "cancel": ("delay", 0.2)})):
        cells: dict[str, Any] = {"valid": 0.7, "failure": 0.1, **fields}
        branches = [Branch("abc"[i], LATENCIES[i + 1], **cells) for i in range(count)]
        scenario = Scenario(branches, policy, decision)
        assert vectorised(scenario)
        assert events.run(scenario, 150, 3).difference(fast.run(scenario, 150, 3)) is None


class Backwards(Hedge):
    """A subclass may do anything: here, the seed chain ranks."""

    def ranking_of(self, chain: tuple[int, ...]) -> tuple[int, ...]:
        return chain[::-1]


def test_a_subclass_is_asked_and_not_taken_for_its_base() -> None:
    scenario = Scenario([Branch(name, HEAVY) for name in "abc"], Backwards(0.5))
    one, other = events.run(scenario, 300, 2), fast.run(scenario, 300, 2)
    assert one.difference(other) is None
    first = np.nanargmin(one.launched, axis=1)
    assert sorted(set(first.tolist())) == [0, 1, 2]


def any_scenario(chance: random.Random) -> Scenario:
    """Whatever can be said, with a pool that is too small."""
    branches = [
        Branch(
            name,
            chance.choice(LATENCIES),
            valid=chance.choice([1, 1, 0.7]),
            failure=chance.choice([0, 0, 0.2]),
            timeout=chance.choice([None, None, 1.0, 2.5]),
            cancel=chance.choice(["immediate", "never", ("delay", 0.25)]),
            pool=chance.choice(["p", "p", "q"]),
        )
        for name in "abcd"[: chance.choice([1, 2, 2, 3, 4])]
    ]
    limiters = [
        Limiter(),
        Limiter("drop"),
        Limiter("drop", capacity=3),
        Limiter("queue", capacity=2),
        Limiter("budget", ratio=0.1, burst=2),
    ]
    patience = chance.choice([None, None, 0, 0.5])
    return Scenario(
        branches,
        chance.choice([*POLICIES, EveryFifth()]),
        chance.choice(DECISIONS),
        chance.choice(limiters),
        [Pool("p", chance.choice([1, 2, 4]), acquire_timeout=patience), Pool("q", 2)],
        chance.choice(ARRIVALS),
        timer=chance.choice(["arrival", "service_start"]),
        overload="allowed",
    )


@pytest.mark.parametrize("number", range(30))
def test_scenarios_at_random(number: int) -> None:
    scenario = any_scenario(random.Random(number))
    one, other = events.run(scenario, 100, number), fast.run(scenario, 100, number)
    assert one.difference(other) is None, scenario


def rarely_full(chance: random.Random) -> Scenario:
    """Whatever can be said with a pool that is full now and then."""
    scenario = any_scenario(chance)
    return dataclasses.replace(
        scenario,
        policy=chance.choice([policy for policy in POLICIES if not isinstance(policy, Tied)]),
        limiter=chance.choice([Limiter(), Limiter("drop")]),
        arrivals=chance.choice(RARE),
    )


@pytest.mark.parametrize("number", range(30))
def test_only_where_a_pool_is_full_the_loop_is_asked(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fast, "_CROWDED", math.inf)
    scenario = rarely_full(random.Random(number))
    one, other = events.run(scenario, 300, number), fast.run(scenario, 300, number)
    assert one.difference(other) is None, scenario


def test_some_requests_meet_a_full_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the test above is about both: those who are alone and those who are not."""
    asked: list[int] = []

    def watched(*arguments: Any) -> list[int]:
        changed = regions.settle(*arguments)
        asked.append(len(changed))
        return changed

    monkeypatch.setattr("simulators.fast.settle", watched)
    monkeypatch.setattr(fast, "_CROWDED", math.inf)
    for number in range(20):
        fast.run(rarely_full(random.Random(number)), 300, number)
    assert sum(0 < changed < 150 for changed in asked) > 5


@pytest.mark.soak
@pytest.mark.parametrize("number", range(100, 3000))
def test_many_scenarios_at_random(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    test_scenarios_at_random(number)
    test_only_where_a_pool_is_full_the_loop_is_asked(number, monkeypatch)


def test_a_pool_that_is_never_full_changes_nothing() -> None:
    fields: dict[str, Any] = {"valid": 0.9, "failure": 0.1, "timeout": 5.0}
    alone = Scenario([Branch(name, HEAVY, **fields) for name in "ab"], Hedge(2.0))
    pooled = Scenario(
        [Branch(name, HEAVY, pool="p", **fields) for name in "ab"],
        Hedge(2.0),
        pools=[Pool("p", 10_000)],
        arrivals=Poisson(1.0),
    )
    for engine in (events, fast):
        one, other = engine.run(alone, 2000, 7), engine.run(pooled, 2000, 7)
        assert np.array_equal(one.latency, other.latency)
        assert np.array_equal(one.work, other.work)


def test_a_hedge_is_the_formula_to_the_last_bit() -> None:
    scenario = Scenario([Branch(name, HEAVY) for name in "ab"], Hedge(2.0))
    alone = [Scenario([Branch(name, HEAVY)], Sequential()) for name in "ab"]
    first, second = (fast.run(one, 5000, 11).latency for one in alone)
    hedged = np.where(first > 2.0, np.minimum(first, 2.0 + second), first)
    assert np.array_equal(fast.run(scenario, 5000, 11).latency, hedged)


def test_a_difference_is_found() -> None:
    one = events.run(SCENARIOS["hedge"], 500, 1)
    other = events.run(SCENARIOS["hedge"], 500, 1)
    other.work[37, 1] = np.nextafter(other.work[37, 1], 9.0)
    other.latency[41] += 1
    found = one.difference(other)
    assert found is not None
    assert (found.request, found.column) == (37, "work")
