import pickle
from typing import Any

import pytest

from simulators.scenario import (
    MMPP,
    Branch,
    Closed,
    Deterministic,
    Limiter,
    Memory,
    Poisson,
    Pool,
    Scenario,
    ScenarioError,
    Trace,
)
from spectest.latency import Constant, Exponential, LogNormal, PairedRows
from spectest.patterns.policies import EagerRace, FirstValid, FirstValidOf, Hedge, Sequential, Tied


def hedged(**fields: Any) -> Scenario:
    known: dict[str, Any] = {
        "branches": [Branch("llm", 1.0, pool="gpu"), Branch("rules", 0.5)],
        "policy": Hedge(0.2),
        "pools": [Pool("gpu", 10)],
        "arrivals": Poisson(2.0),
    }
    return Scenario(**{**known, **fields})


# What is refused: how, and the line that says so.
REFUSED: dict[str, tuple[Any, str]] = {
    "a negative rate": (
        lambda: Poisson(-3),
        "arrivals.rate is -3, which is not above 0; use a positive number, requests a second",
    ),
    "a rate that is a text": (
        lambda: Poisson("6"),  # type: ignore[arg-type]
        "arrivals.rate is '6', which is no number; use a positive number, requests a second",
    ),
    "an empty trace": (
        lambda: Trace([]),
        (
            "arrivals.times is [], which is an empty trace; "
            "use the seconds at which requests arrived, such as [0.0, 0.4]"
        ),
    ),
    "a trace that goes back": (
        lambda: Trace([1.0, 0.5]),
        "arrivals.times[1] is 0.5, which is before the one ahead of it, 1.0; sort the trace",
    ),
    "no probability": (
        lambda: Branch("llm", 1.0, failure=1.5),
        "branches['llm'].failure is 1.5, which is no probability; use a number from 0 to 1",
    ),
    "no latency": (
        lambda: Branch("llm", -1.0),
        (
            "branches['llm'].latency is -1.0, which is no latency; "
            "use seconds, a pair (low, high), or a latency such as LogNormal(0.03, sigma=0.5)"
        ),
    ),
    "no cancellation": (
        lambda: Branch("llm", 1.0, cancel="later"),  # type: ignore[arg-type]
        (
            "branches['llm'].cancel is 'later', which is no effect of a cancellation; "
            "use 'immediate', 'never' or ('delay', seconds)"
        ),
    ),
    "nobody": (
        lambda: Scenario([], Hedge(1.0)),
        "branches is [], which races nobody; use one Branch or more",
    ),
    "a name for two": (
        lambda: Scenario([Branch("llm", 1.0), Branch("llm", 2.0)], Hedge(1.0)),
        "branches.name is 'llm', which is used twice; rename one",
    ),
    "a missing branch": (
        lambda: hedged(order=["llm", "rulse"]),
        "policy.branches is 'rulse', which is no branch; did you mean 'rules'?",
    ),
    "a missing pool": (
        lambda: hedged(pools=[Pool("gpus", 10)]),
        "branches['llm'].pool is 'gpu', which is no pool; did you mean 'gpus'?",
    ),
    "a pool without arrivals": (
        lambda: hedged(arrivals=None),
        (
            "arrivals is None, which says not when requests arrive; "
            "use Poisson(rate=...) or another one: with a pool or limiter it matters"
        ),
    ),
    "an unstable load": (
        lambda: hedged(arrivals=Poisson(12.0)),
        (
            "offered load of pools['gpu'] is 1.2, which is more work than it has servers for, "
            "so that its queue grows for ever; "
            "use more servers, fewer requests, an acquire_timeout, or overload='allowed'"
        ),
    ),
    "milliseconds": (
        lambda: hedged(arrivals=Poisson(12_000.0)),
        (
            "offered load of pools['gpu'] is 1200.0, which is more work than it has servers for, "
            "so that its queue grows for ever; use seconds for all times, more servers, "
            "fewer requests, an acquire_timeout, or overload='allowed'"
        ),
    ),
    "rows without a branch": (
        lambda: hedged(dependence=PairedRows([{"llm": 1.0, "rule": 2.0}])),
        "dependence.rows is 'rules', which has no column in them; did you mean 'rule'?",
    ),
    "a class for an object": (
        lambda: hedged(policy=Hedge),
        (
            "policy is <class 'spectest.patterns.policies.Hedge'>, which is no policy; "
            "use one such as Hedge(0.05)"
        ),
    ),
    "a queue without a capacity": (
        lambda: Limiter("queue"),
        (
            "limiter.capacity is None, which says not when to queue; "
            "use how many attempts may be under way, such as capacity=10"
        ),
    ),
    "a ratio of nothing": (
        lambda: Limiter("drop", ratio=0.1),
        (
            "limiter.ratio is 0.1, which means nothing for kind='drop'; "
            "leave it out, or use kind='budget'"
        ),
    ),
    "bursts of one state": (
        lambda: MMPP([1.0], [1.0]),
        (
            "arrivals.rates is (1.0,), which does not fit its switches; "
            "use 2 or more rates and as many switches; there are 1 switches"
        ),
    ),
}


@pytest.mark.parametrize("make, line", REFUSED.values(), ids=REFUSED)
def test_what_makes_no_sense_is_refused_in_one_line(make: Any, line: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        make()
    assert str(caught.value) == line
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.field, copy.value, copy.remedy) == (
        caught.value.field,
        caught.value.value,
        caught.value.remedy,
    )


def test_long_values_are_cut() -> None:
    line = str(ScenarioError("arrivals.times", list(range(1000)), "is long", "cut it"))
    assert len(line) < 140
    assert "\n" not in line


def test_overload_can_be_allowed_and_patience_ends_it() -> None:
    hedged(arrivals=Poisson(12.0), overload="allowed")
    hedged(arrivals=Poisson(12.0), pools=[Pool("gpu", 10, acquire_timeout=1.0)])
    hedged(arrivals=Trace([0.0] * 99))


@pytest.mark.parametrize(
    "policy, load",
    [
        (Sequential(), 0.4),
        (Hedge(0.1), 0.4),
        (EagerRace(), 1.0),
        (Tied(), 0.5),
        (FirstValidOf(1), 0.5),
    ],
)
def test_the_load_that_is_offered_at_once(policy: Any, load: float) -> None:
    branches = [Branch("a", 1.0, pool="p"), Branch("b", Exponential(1.5), pool="p")]
    scenario = Scenario(branches, policy, pools=[Pool("p", 5)], arrivals=Poisson(2.0))
    assert scenario.offered() == {"p": pytest.approx(load)}


def test_eager_branches_that_run_to_their_end_are_certain_work() -> None:
    branches = [Branch(name, 1.0, pool="p", cancel="never") for name in "ab"]
    with pytest.raises(ScenarioError, match="offered load"):
        Scenario(branches, EagerRace(), pools=[Pool("p", 5)], arrivals=Poisson(2.5))


def test_the_order_is_that_of_the_policy() -> None:
    scenario = hedged(order=["rules", "llm"])
    assert [branch.name for branch in scenario.racing] == ["rules", "llm"]
    assert [branch.name for branch in hedged().racing] == ["llm", "rules"]


def test_what_requests_share() -> None:
    alone = [Branch("a", 1.0), Branch("b", 1.0)]
    assert not Scenario(alone, Hedge(1.0)).shares
    assert Scenario(alone, Hedge(1.0), limiter=Limiter("drop", 3), arrivals=Poisson(1.0)).shares
    assert Scenario(alone, Hedge(1.0), arrivals=Closed(3, 1.0)).shares
    assert not hedged(order=["rules"]).shares


def test_numbers_become_floats_and_latencies() -> None:
    branch = Branch("a", 1, timeout=2, memory=Memory(weights=3))
    assert branch.latency == Constant(1.0)
    assert repr(branch.timeout) == "2.0"
    assert branch.memory == Memory(3.0)
    assert Scenario([branch], Hedge(1.0)).decision == FirstValid()
    assert LogNormal(1.0, 1.0) == Branch("a", LogNormal(1.0, 1.0)).service


@pytest.mark.parametrize(
    "arrivals, rate",
    [
        (Poisson(3.0), 3.0),
        (Deterministic(0.5), 2.0),
        (MMPP([0.0, 4.0], [1.0, 3.0]), 1.0),
        (Trace([0.0, 1.0, 4.0]), 0.5),
    ],
)
def test_mean_rates(arrivals: Any, rate: float) -> None:
    assert arrivals.mean_rate == pytest.approx(rate)
