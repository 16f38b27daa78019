"""Scenarios that are judged."""

from typing import Any

from simulators import verdict
from simulators.estimators import Estimate
from simulators.scenario import Branch, Cost, Limiter, Memory, Poisson, Pool, Scenario
from simulators.verdict import Finding
from spectest.latency import Exponential, LogNormal
from spectest.patterns.policies import EagerRace, Hedge, Policy

LAW = LogNormal(median=1.0, sigma=1.0)
P95 = LAW.quantile(0.95)
SECONDS = Cost(per_gpu_second=1.0)


def rule(scenario: Scenario, name: str, n: int = 10_000, **settings: Any) -> Finding:
    return verdict.judge(scenario, n=n, seed=1, **settings)[name]


def pair(policy: Policy, *, latency: Any = LAW, **fields: Any) -> Scenario:
    """Two branches of the same latency, which share nothing."""
    return Scenario([Branch(name, latency, **fields) for name in "ab"], policy)


def race(fast: float, slow: float) -> Scenario:
    """Two exponential branches with these means, at once."""
    branches = [Branch("fast", Exponential(fast)), Branch("slow", Exponential(slow))]
    return Scenario(branches, EagerRace())


def pooled(load: float, cancel: Any, limiter: str = "none", **fields: Any) -> Scenario:
    """Table V-F: ten servers, a hedge after the 95th percentile from arrival."""
    return Scenario(
        [Branch(name, LAW, pool="gpu", cancel=cancel, cost=SECONDS) for name in ("llm", "backup")],
        fields.pop("policy", Hedge(P95)),
        limiter=Limiter(limiter),  # type: ignore[arg-type]
        pools=[Pool("gpu", fields.pop("servers", 10))],
        arrivals=Poisson(load * 10 / LAW.mean),
        **fields,
    )


def cached(layers: int, heads: int, **fields: Any) -> Scenario:
    """Two branches at once, each with a KV cache of 4,096 tokens of two-byte numbers."""
    memory = Memory(per_token=2 * layers * heads * 128 * 2, tokens=4096)
    return Scenario([Branch(name, 1.0, memory=memory) for name in "ab"], EagerRace(), **fields)


def number(found: Finding) -> float:
    """What a rule is about."""
    assert found.value is not None
    return found.value.value


def inside(found: Finding, truth: float) -> bool:
    """Whether the interval of a rule's number holds the truth."""
    value = found.value
    return value is not None and abs(value.value - truth) <= reach(value)


def reach(value: Estimate) -> float:
    """The longer side of an interval."""
    assert value.low is not None
    assert value.high is not None
    return max(value.value - value.low, value.high - value.value)
