"""Real code on virtual time, and the engines on the same draws: equal to the last bit."""

import dataclasses
import random
from typing import Any

import numpy as np
import pytest

from simulators import events, fast, live
from simulators.scenario import MMPP, Branch, Closed, Limiter, Poisson, Pool, Scenario, Trace
from spectest.latency import Exponential, LogNormal, Weibull
from spectest.patterns.policies import AfterFirst, EagerRace, FirstValidOf, Hedge, Sequential
from tests.parity import pipelines
from tests.parity.simulated import HEAVY, POOL, SCENARIOS, TWO, UNRELIABLE, branches, mixed
from tests.parity.test_engines import EveryFifth, any_scenario

NOT_SAID = {
    "timer from service start",  # speculate has timers of its own
    "eager, pool, limiter that queues",  # patterns.Limiter never queues
    "a burst, everything at once",  # its timers and services are due at the very same moments
}
SPECULATED = {
    **{name: scenario for name, scenario in SCENARIOS.items() if name not in NOT_SAID},
    "a window, pools, bursts": Scenario(
        mixed(pool="gpu", **UNRELIABLE),
        EagerRace(),
        AfterFirst(0.3, "literal"),
        pools=TWO,
        arrivals=MMPP([0.5, 3.0], [0.2, 0.4]),
        overload="allowed",
    ),
    "permits, timeouts, a trace": Scenario(
        branches(3, pool="gpu", timeout=2.7, **UNRELIABLE),
        Hedge(0.9),
        limiter=Limiter("drop", capacity=6),
        pools=[Pool("gpu", 5, acquire_timeout=0.4)],
        arrivals=Trace([place // 3 * 0.83 for place in range(3000)]),
    ),
    "eager, a limiter that asks the pool": Scenario(
        branches(3, pool="gpu"),
        EagerRace(),
        limiter=Limiter("drop"),
        pools=[Pool("gpu", 4)],
        arrivals=Poisson(1.5),
    ),
    "k of n, budget, late cancellation": Scenario(
        branches(3, pool="gpu", cancel=("delay", 0.35), **UNRELIABLE),
        FirstValidOf(2),
        limiter=Limiter("budget", ratio=0.3, burst=5),
        pools=POOL,
        arrivals=Poisson(3.0),
    ),
}

OFTEN: dict[str, Any] = {"pools": [Pool("gpu", 6, acquire_timeout=3.0)], "arrivals": Poisson(3.0)}
SELDOM: dict[str, Any] = {"pools": OFTEN["pools"], "arrivals": Poisson(1.0)}
FALLIBLE: dict[str, Any] = {"pool": "gpu", "valid": 0.9, "failure": 0.1}
EACH: dict[str, Any] = {"pools": [Pool(name, 2) for name in "ab"], "arrivals": Poisson(0.7)}

BY_HAND: dict[str, tuple[Scenario, Any, Any]] = {
    "hedge": (
        Scenario(branches(2, **FALLIBLE), Hedge(2.0), **OFTEN),
        pipelines.hedged,
        "coroutines",
    ),
    "loser not cancelled": (
        Scenario(branches(2, cancel="never", **FALLIBLE), Hedge(2.0), **SELDOM),
        pipelines.leaky,
        "coroutines",
    ),
    "timeouts": (
        Scenario(branches(3, timeout=3.0, **FALLIBLE), Sequential(), **OFTEN),
        pipelines.impatient,
        "coroutines",
    ),
    "race, a pool for each": (
        Scenario(
            [Branch(name, HEAVY, pool=name, cancel=("delay", 0.3)) for name in "ab"],
            EagerRace(),
            **EACH,
        ),
        pipelines.racing,
        "coroutines",
    ),
    "race on a thread pool": (
        Scenario(
            [Branch(name, HEAVY, pool=name, cancel="never", failure=0.2) for name in "ab"],
            EagerRace(),
            **{**EACH, "arrivals": Poisson(0.5)},
        ),
        pipelines.pooled,
        "threads",
    ),
    "hedge on a thread pool": (
        Scenario(branches(2, cancel="never", **FALLIBLE), Hedge(2.0), **SELDOM),
        pipelines.hedging_pool,
        "threads",
    ),
}

THOUSANDS = ["hedge, pool, limiter, failures, timeouts", "users who wait"]


def agree(scenario: Scenario, n: int, seed: int, *code: Any, **form: Any) -> None:
    model = events.run(scenario, n, seed, ticks=True)
    assert model.difference(fast.run(scenario, n, seed, ticks=True)) is None
    assert model.difference(live.run(scenario, n, seed, *code, **form)) is None


@pytest.mark.parametrize("name", SPECULATED)
def test_speculate_does_what_the_engines_say(name: str) -> None:
    for seed in range(3):
        agree(SPECULATED[name], 80, seed)


@pytest.mark.parametrize("name", THOUSANDS)
def test_three_thousand_requests(name: str) -> None:
    agree(SPECULATED[name], 3000, 5)


@pytest.mark.parametrize("name", BY_HAND)
def test_pipelines_written_by_hand(name: str) -> None:
    scenario, pipeline, form = BY_HAND[name]
    for seed in range(2):
        agree(scenario, 150, seed, pipeline, form=form)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", [*SPECULATED, *BY_HAND])
def test_three_thousand_requests_of_five_seeds(name: str, seed: int) -> None:
    if name in SPECULATED:
        agree(SPECULATED[name], 3000, seed)
    if name in BY_HAND:
        scenario, pipeline, form = BY_HAND[name]
        agree(scenario, 3000, seed, pipeline, form=form)


def sayable(scenario: Scenario) -> Scenario:
    """What speculate can say, without what is due at the same moment."""
    latencies = [LogNormal(1.0, 1.0), Exponential(1.5), Weibull(1.0, 0.6), Exponential(0.7)]
    changed: dict[str, Any] = {"timer": "arrival"}
    changed["branches"] = [
        dataclasses.replace(branch, latency=latency)
        for branch, latency in zip(scenario.branches, latencies, strict=False)
    ]
    if isinstance(scenario.policy, EveryFifth):
        changed["policy"] = Hedge(0.7)
    if scenario.limiter.capacity is not None or len({b.pool for b in scenario.branches}) > 1:
        changed["limiter"] = Limiter("budget", ratio=0.3)
    if not isinstance(scenario.arrivals, Poisson):
        changed["arrivals"] = Closed(3, Exponential(1.0))
    return dataclasses.replace(scenario, **changed)


@pytest.mark.parametrize("number", range(12))
def test_scenarios_at_random(number: int) -> None:
    agree(sayable(any_scenario(random.Random(number))), 50, number)


@pytest.mark.soak
@pytest.mark.parametrize("number", range(100, 1000))
def test_many_scenarios_at_random(number: int) -> None:
    test_scenarios_at_random(number)


@pytest.mark.parametrize("name", ["hedge", "tied", "cancellation late", "correlated"])
def test_speculate_in_threads(name: str) -> None:
    agree(SPECULATED[name], 100, 2, form="threads")


@pytest.mark.parametrize("name", ["cascade", "tied", "hedge, pool, limiter, failures, timeouts"])
def test_both_logs_tell_the_same_story(name: str) -> None:
    model = events.run(SPECULATED[name], 150, 1, ticks=True, trace=True)
    code = live.run(SPECULATED[name], 150, 1, trace=True)
    assert list(model.events) == list(code.events)


def test_a_loser_that_nobody_cancels_is_a_difference() -> None:
    scenario = Scenario(branches(2, **FALLIBLE), Hedge(2.0), **OFTEN)
    model = events.run(scenario, 300, 1, ticks=True)
    code = live.run(scenario, 300, 1, pipelines.leaky)
    assert model.difference(code) is not None
    never = dataclasses.replace(
        scenario,
        branches=[dataclasses.replace(branch, cancel="never") for branch in scenario.branches],
        overload="allowed",
    )
    assert events.run(never, 300, 1, ticks=True).difference(code) is None


def test_the_scenarios_have_what_they_say() -> None:
    result = live.run(SPECULATED["permits, timeouts, a trace"], 600, 1)
    assert set(range(8)) <= set(np.unique(result.outcome).tolist())
    assert np.nanmax(result.waits) > 0
