"""Scenarios on which engines are compared: each has what usually tells two simulators apart."""

from collections.abc import Sequence
from typing import Any

from simulators.scenario import (
    MMPP,
    Branch,
    Closed,
    Cost,
    Deterministic,
    Limiter,
    Poisson,
    Pool,
    Scenario,
    Trace,
)
from spectest.latency import (
    CommonShock,
    Constant,
    Empirical,
    Erlang,
    Exponential,
    GaussianCopula,
    LogNormal,
    PairedRows,
    Weibull,
)
from spectest.patterns.policies import (
    AfterFirst,
    Cascade,
    EagerRace,
    FirstValid,
    FirstValidOf,
    Hedge,
    Ranked,
    Sequential,
    Tied,
    WaitForAll,
)

HEAVY = LogNormal(median=1.0, sigma=1.0)
COST = Cost(fixed=1.0, per_token=0.01, tokens=100, per_gpu_second=0.3)


def branches(n: int, latency: Any = HEAVY, **fields: Any) -> list[Branch]:
    return [Branch("abcd"[index], latency, **fields) for index in range(n)]


def mixed(**fields: Any) -> list[Branch]:
    latencies: Sequence[Any] = (HEAVY, Exponential(1.5), Weibull(1.0, 0.6), Erlang(2, 1.0))
    return [Branch("abcd"[i], latency, **fields) for i, latency in enumerate(latencies)]


POOL = [Pool("gpu", 10)]
TWO = [Pool("gpu", 3, acquire_timeout=0.4), Pool("cpu", 2)]
UNRELIABLE: dict[str, Any] = {"valid": 0.9, "failure": 0.1, "cost": COST}

SCENARIOS: dict[str, Scenario] = {
    "hedge": Scenario(branches(2, **UNRELIABLE), Hedge(2.0)),
    "hedge, pool, limiter, failures, timeouts": Scenario(
        branches(2, pool="gpu", timeout=6.0, **UNRELIABLE),
        Hedge(2.0),
        limiter=Limiter("drop"),
        pools=POOL,
        arrivals=Poisson(5.0),
    ),
    "cancellation late": Scenario(
        branches(2, pool="gpu", cancel=("delay", 0.7)),
        Hedge(1.5),
        pools=POOL,
        arrivals=Poisson(4.0),
    ),
    "cancellation never, permits": Scenario(
        branches(3, pool="gpu", cancel="never", cost=COST),
        Hedge(1.0),
        limiter=Limiter("drop", capacity=12),
        pools=POOL,
        arrivals=Poisson(3.0),
    ),
    "timer from service start": Scenario(
        branches(3, pool="gpu", timeout=4.0),
        Hedge(1.0, most=2),
        pools=POOL,
        arrivals=Poisson(5.0),
        timer="service_start",
    ),
    "tied": Scenario(
        [Branch("a", HEAVY, pool="gpu"), Branch("b", HEAVY, pool="cpu")],
        Tied(0.01),
        pools=[Pool("gpu", 2), Pool("cpu", 2)],
        arrivals=Poisson(1.8),
    ),
    "cascade": Scenario(
        mixed(valid=0.6, failure=0.05, timeout=3.0, cancel=("delay", 0.2)), Cascade(patience=1.0)
    ),
    "k of n, ranked": Scenario(mixed(**UNRELIABLE), FirstValidOf(2), Ranked()),
    "k of n, each with a server": Scenario(
        [Branch(name, Exponential(1.0), pool=name) for name in "abc"],
        FirstValidOf(2),
        pools=[Pool(name, 1) for name in "abc"],
        arrivals=Poisson(1.5),
    ),
    "eager, ties of constants": Scenario(
        branches(3, Constant(1.0), valid=0.8), EagerRace(), FirstValid("literal")
    ),
    "eager, pool, limiter that queues": Scenario(
        mixed(pool="gpu", **UNRELIABLE),
        EagerRace(),
        AfterFirst(0.3),
        limiter=Limiter("queue", capacity=4),
        pools=TWO,
        arrivals=MMPP([0.5, 3.0], [0.2, 0.4]),
        overload="allowed",
    ),
    "users who wait": Scenario(
        branches(2, pool="gpu", failure=0.2),
        Hedge(1.0),
        Ranked(),
        limiter=Limiter("budget", ratio=0.1, burst=3),
        pools=[Pool("gpu", 3)],
        arrivals=Closed(6, think=Exponential(1.0)),
    ),
    "a burst, everything at once": Scenario(
        branches(2, Empirical([0.5, 1.0, 1.0, 2.0]), pool="gpu", timeout=1.0, valid=0.7),
        Hedge(0.5),
        WaitForAll("literal"),
        pools=TWO,
        arrivals=Trace([0.0] * 30 + [1.0 + place // 3 for place in range(3000)]),
        overload="allowed",
    ),
    "correlated": Scenario(branches(2), Hedge(2.0), dependence=GaussianCopula(0.5)),
    "shocks, one after the other": Scenario(
        branches(2, pool="gpu", failure=0.3),
        Sequential(),
        pools=POOL,
        arrivals=Deterministic(0.3),
        dependence=CommonShock(0.1, factor=3.0),
    ),
    "measured rows": Scenario(
        branches(2, 1.0),
        EagerRace(),
        dependence=PairedRows([{"a": 1.0, "b": 0.4}, {"a": 0.2, "b": 0.4}, {"a": 0.4, "b": 0.4}]),
    ),
}
