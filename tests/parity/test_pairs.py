"""The loop for a primary and its backup agrees with `events`, to the last bit."""

import random
from typing import Any

import pytest

from simulators import events, fast
from simulators.fast import pairs
from simulators.fast.loop import Loop
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
from spectest.latency import Constant, Empirical, Exponential, LogNormal
from spectest.patterns.policies import Cascade, EagerRace, FirstValid, Hedge, Ranked, Sequential

LATENCIES = [
    LogNormal(1.0, 1.0),
    Exponential(1.5),
    Constant(1.0),
    Constant(0.5),
    Empirical([0.5, 1.0, 1.0, 2.0]),
]
POLICIES = [
    Hedge(0.5),
    Hedge(1.0),
    Hedge(1.0, most=1),
    Hedge(0.3, most=2),
    Cascade(),
    Cascade(0.5),
    Sequential(),
]
BURSTS = Trace([0.0] * 20 + [9.0] * 30 + [10 + place / 2 for place in range(150)])
ARRIVALS: list[Any] = [Poisson(0.5), Poisson(2.0), Poisson(5.0), Deterministic(0.5), BURSTS]
POOLS = [Pool("p", 2), Pool("q", 1)]


def at_random(chance: random.Random) -> Scenario:
    """Ties, failures, timeouts, lines, drops, a pool for each or for both."""
    branches = [
        Branch(
            name,
            chance.choice(LATENCIES),
            valid=chance.choice([1.0, 0.7]),
            failure=chance.choice([0.0, 0.2]),
            timeout=chance.choice([None, None, 0.5, 1.0, 3.0]),
            pool=pool,
        )
        for name, pool in zip("ab", chance.choice(["pp", "pq", "qp", "qq"]), strict=True)
    ]
    if chance.random() < 0.2:
        branches[0] = Branch("a", chance.choice(LATENCIES))
    elif chance.random() < 0.2:
        del branches[1]
    return Scenario(
        branches,
        chance.choice(POLICIES),
        limiter=Limiter(chance.choice(["none", "drop"])),
        pools=POOLS,
        arrivals=chance.choice(ARRIVALS),
        overload="allowed",
    )


def agree(scenario: Scenario, n: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pairs.fits(scenario)
    monkeypatch.setattr(fast, "_CROWDED_PAIRS", -1.0)
    monkeypatch.setattr(Loop, "run", lambda self: pytest.fail("not this one"))
    assert events.run(scenario, n, seed).difference(fast.run(scenario, n, seed)) is None


@pytest.mark.parametrize("seed", range(60))
def test_scenarios_at_random(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    agree(at_random(random.Random(seed)), 200, seed, monkeypatch)


@pytest.mark.soak
def test_many_scenarios_at_random(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(100, 3000):
        agree(at_random(random.Random(seed)), 200, seed, monkeypatch)


def test_what_it_does_not_have() -> None:
    def fits(policy: Any = None, decision: Any = None, names: str = "ab", **fields: Any) -> bool:
        pools = [Pool("p", 2, acquire_timeout=fields.pop("patience", None))]
        cancel = fields.pop("cancel", "immediate")
        branches = [Branch(name, 1.0, pool="p", cancel=cancel) for name in names]
        fields = {"pools": pools, "arrivals": Poisson(0.1), **fields}
        return pairs.fits(
            Scenario(branches, policy or Hedge(1.0), decision or FirstValid(), **fields)
        )

    assert fits()
    assert fits(limiter=Limiter("drop"))
    assert not fits(EagerRace())
    assert not fits(Hedge(0.0))
    assert fits(Hedge(1.0, most=1))
    assert fits(names="a")
    assert not fits(decision=Ranked())
    assert not fits(decision=FirstValid("literal"))
    assert not fits(names="abc")
    assert not fits(patience=0.5)
    assert not fits(cancel=("delay", 0.1))
    assert not fits(timer="service_start")
    assert not fits(arrivals=Closed(3, 1.0))
    assert not fits(limiter=Limiter("drop", capacity=3))
    assert not fits(limiter=Limiter("budget", ratio=0.1))
