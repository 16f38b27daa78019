"""Scenarios with pools that have a formula: Poisson arrivals, and mostly exponential services.

One branch in one pool is a queue; copies to pools of one server each are redundancy-d; tied copies
are one queue before all servers. Everything else that shares a pool is NotApplicable.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from simulators.exact.attempts import moment
from simulators.exact.quadrature import quantile_of, tail_integral
from simulators.exact.queues import MMC, MD1Wait, dm1_root, erlang_b, pollaczek_khinchine
from simulators.exact.redundancy import redundancy_d
from simulators.exact.solution import NotApplicable, Solution
from simulators.exact.unshared import PERCENTILES, attempted
from simulators.scenario import Branch, Deterministic, Poisson, Pool, Scenario
from spectest.latency import Constant, Exponential, GaussianCopula, Independent
from spectest.patterns.policies import (
    Cascade,
    EagerRace,
    FirstValid,
    FirstValidOf,
    Hedge,
    Sequential,
    Tied,
)

__all__ = ["solved"]

_ONLY_MEANS = "only means have a formula here"


def solved(scenario: Scenario) -> Solution | NotApplicable:
    """The solution of a scenario whose requests share a pool."""
    branch = _only(scenario)
    if branch is not None:
        return _queue(scenario, branch)
    wanted = 0
    if isinstance(scenario.policy, EagerRace | FirstValidOf):
        wanted = getattr(scenario.policy, "k", len(scenario.racing))
    if not wanted and scenario.policy != Tied(0.0):
        return NotApplicable(
            f"{scenario.policy!r} with a pool has no formula; one branch, copies to single "
            "servers, and tied copies have"
        )
    if (why := _unequal(scenario)) is not None:
        return NotApplicable(f"copies have a formula where {why}")
    return (
        _tied(scenario) if not wanted else _redundant(scenario, min(wanted, len(scenario.racing)))
    )


def _only(scenario: Scenario) -> Branch | None:
    """The only branch that is ever launched, if there is one."""
    policy, first = scenario.policy, scenario.racing[0]
    one_at_a_time = isinstance(policy, Sequential) or policy == Cascade()
    alone = len(scenario.racing) == 1 or (isinstance(policy, Hedge) and policy.most == 1)
    return first if alone or (one_at_a_time and attempted(first).certain) else None


def _queue(scenario: Scenario, branch: Branch) -> Solution | NotApplicable:
    arrivals = scenario.arrivals
    pool = next((one for one in scenario.pools if one.name == branch.pool), None)
    if pool is None or not isinstance(arrivals, Poisson | Deterministic):
        return NotApplicable(f"{type(arrivals).__name__} arrivals have no formula; Poisson ones do")
    if branch.timeout is not None:
        return NotApplicable(f"the timeout of branch {branch.name!r} cuts waits and services short")
    if not isinstance(scenario.dependence, Independent | GaussianCopula):
        kind = type(scenario.dependence).__name__
        return NotApplicable(f"{kind} changes the services; a queue has no formula for that")
    if pool.acquire_timeout is not None:
        return _leaving(branch, pool, arrivals)
    return _waiting(branch, pool, arrivals)


def _leaving(
    branch: Branch, pool: Pool, arrivals: Poisson | Deterministic
) -> Solution | NotApplicable:
    """Attempts that wait for so long at most."""
    if isinstance(arrivals, Poisson) and pool.acquire_timeout == 0:
        return _loss(branch, pool, arrivals.rate)
    if isinstance(arrivals, Poisson) and isinstance(branch.service, Exponential):
        return _impatient(branch, pool, arrivals.rate)
    return NotApplicable(
        "acquire_timeout has a formula for Poisson arrivals and exponential services, and where "
        "it is 0 for all services"
    )


def _waiting(
    branch: Branch, pool: Pool, arrivals: Poisson | Deterministic
) -> Solution | NotApplicable:
    """Attempts that wait however long it takes."""
    law = branch.service
    rate, exponential = arrivals.mean_rate, isinstance(law, Exponential)
    if rate * law.mean >= pool.capacity:
        return NotApplicable(f"the load of pool {pool.name!r} is 1 or more: its queue only grows")
    if isinstance(arrivals, Poisson):
        if exponential:
            queue = MMC(rate, law.mean, pool.capacity)
            return _served(branch, pool, rate, f"M/M/{pool.capacity}", "Erlang, 1917", queue.sf)
        if pool.capacity == 1:
            return _one_server(branch, pool, rate)
    elif exponential and pool.capacity == 1:
        spare = (1 - dm1_root(rate * law.mean)) / law.mean
        return _served(
            branch, pool, rate, "D/M/1", "Kleinrock, Queueing Systems I, 1975",
            lambda t: math.exp(-spare * t),
        )  # fmt: skip
    return NotApplicable(
        f"{type(law).__name__} services with {pool.capacity} servers and "
        f"{type(arrivals).__name__} arrivals have no formula; simulate them"
    )


def _one_server(branch: Branch, pool: Pool, rate: float) -> Solution:
    law = branch.service
    if isinstance(law, Constant) and law.seconds > 0:
        wait = MD1Wait(rate, law.seconds)
        source = "Franx, Operations Research Letters 29, 2001"
        return _served(
            branch, pool, rate, "M/D/1", source, lambda t: wait.sf(t - law.seconds), wait.mean
        )
    mean, _ = pollaczek_khinchine(rate, law.mean, moment(law, 2))
    return _served(branch, pool, rate, "Pollaczek-Khinchine", "Pollaczek, 1930", None, mean)


def _loss(branch: Branch, pool: Pool, rate: float) -> Solution:
    lost = erlang_b(pool.capacity, rate * branch.service.mean)
    return _served(
        branch, pool, rate, "Erlang B", "Erlang, 1917; Sevastyanov, 1957", branch.service.sf, 0.0,
        lost,
    )  # fmt: skip


def _impatient(branch: Branch, pool: Pool, rate: float) -> Solution:
    """M/M/c with a constant patience: the virtual wait has an exponential density up to it."""
    mean, servers, patience = branch.service.mean, pool.capacity, pool.acquire_timeout or 0.0
    mu, spare = 1 / mean, servers / mean - rate
    weights = [1.0]
    for n in range(1, servers):
        weights.append(weights[-1] * rate * mean / n)
    height = rate * weights[-1]
    grown = -math.expm1(-spare * patience) / spare if spare else patience
    end = math.exp(-spare * patience)
    total = math.fsum(weights) + height * (grown + end * mean / servers)
    at_once, height = math.fsum(weights) / total, height / total
    lost = height * end * mean / servers

    def survival(t: float) -> float:
        """No wait and a long service, or a wait until x and a service longer than t - x."""
        upto = min(t, patience)
        gap = mu - spare
        begun = -math.expm1(gap * upto) / -gap if gap else upto
        waiting = -math.expm1(-spare * (patience - upto)) / spare if spare else patience - upto
        late = height * (begun * math.exp(-mu * t) + waiting * math.exp(-spare * upto))
        return (at_once * math.exp(-mu * t) + late) / (1 - lost)

    wait = height * patience**2 * _first_moment(spare * patience) / (1 - lost)
    source = "Baccelli and Hebuterne, Performance '81, 1981"
    return _served(branch, pool, rate, f"M/M/{servers}+D", source, survival, wait, lost)


def _first_moment(x: float) -> float:
    """The integral of u exp(-xu) from 0 to 1."""
    if abs(x) > 1e-2:
        return (1 - math.exp(-x) * (1 + x)) / x**2
    return math.fsum((-x) ** n / (math.factorial(n) * (n + 2)) for n in range(8))


def _served(
    branch: Branch,
    pool: Pool,
    rate: float,
    formula: str,
    source: str,
    survival: Callable[[float], float] | None,
    wait: float | None = None,
    lost: float = 0.0,
) -> Solution:
    """One branch, of whose attempts a share of `lost` is never served; `wait` is a mean."""
    mean, valid = branch.service.mean, attempted(branch).valid
    served = 1 - lost
    measures = {"unanswered": 1 - served * valid, "launches": 1.0, "drops": 0.0}
    missing: dict[str, str] = {}
    if survival is not None:
        scale = mean
        measures |= {n: quantile_of(survival, p, 0.0, scale) for n, p in PERCENTILES.items()}
    else:
        missing = dict.fromkeys(PERCENTILES, f"{formula} gives the mean")
    if wait is None:
        wait = _mean_of(survival, mean) - mean
    measures["mean"] = wait + mean
    measures |= {"work": served * mean, "wasted": served * mean * (1 - valid)}
    cost = branch.cost
    tokens = cost.per_token * cost.tokens
    measures["cost"] = served * (cost.fixed + tokens + cost.per_gpu_second * mean)
    measures["utilisation"] = rate * served * mean / pool.capacity
    return Solution(formula, source, measures, missing, survival)


def _mean_of(survival: Callable[[float], float] | None, scale: float) -> float:
    assert survival is not None
    return tail_integral(survival, 0.0, scale)


def _unequal(scenario: Scenario) -> str | None:
    """What copies need and this scenario has not."""
    branches, pools = scenario.racing, {pool.name: pool for pool in scenario.pools}
    first = branches[0]
    needs = {
        "arrivals are Poisson": isinstance(scenario.arrivals, Poisson),
        "the first valid answer wins": isinstance(scenario.decision, FirstValid),
        "there is no limiter": scenario.limiter.kind == "none",
        "branches are independent": isinstance(scenario.dependence, Independent),
        "services are exponential with one mean": isinstance(first.service, Exponential)
        and all(branch.service == first.service for branch in branches),
        "every attempt answers validly in the end": all(
            attempted(branch).certain for branch in branches
        ),
        "cancellation takes effect at once": all(branch.lingers == 0 for branch in branches),
        "each branch has a pool of its own": None not in (branch.pool for branch in branches)
        and len({branch.pool for branch in branches}) == len(branches),
        "nobody leaves a queue": all(
            pools[branch.pool].acquire_timeout is None for branch in branches if branch.pool
        ),
    }
    return next((need for need, met in needs.items() if not met), None)


def _tied(scenario: Scenario) -> Solution | NotApplicable:
    mean = scenario.racing[0].service.mean
    rate = scenario.arrivals.mean_rate  # type: ignore[union-attr]
    servers = sum(pool.capacity for pool in scenario.pools)
    if rate * mean >= servers:
        return NotApplicable("the load is 1 or more: the queues only grow")
    queue = MMC(rate, mean, servers)
    measures = {"mean": queue.mean} | {n: queue.quantile(p) for n, p in PERCENTILES.items()}
    measures |= {"unanswered": 0.0, "work": mean, "utilisation": rate * mean / servers}
    source = "Ayesta, Bodas and Verloop, Performance Evaluation 127, 2018"
    return Solution(f"cancel on start, M/M/{servers}", source, measures, {}, queue.sf)


def _redundant(scenario: Scenario, copies: int) -> Solution | NotApplicable:
    if any(pool.capacity != 1 for pool in scenario.pools):
        return NotApplicable("copies have a formula where each pool has one server")
    servers, mean = len(scenario.racing), scenario.racing[0].service.mean
    rate = scenario.arrivals.mean_rate  # type: ignore[union-attr]
    if rate * mean >= servers:
        return NotApplicable("the load is 1 or more: the queues only grow")
    answer = redundancy_d(servers, copies, rate / servers, mean)
    source = "Gardner et al., Operations Research 65(4), 2017"
    measures = {"mean": answer, "unanswered": 0.0, "launches": float(copies), "work": mean}
    measures["utilisation"] = rate * mean / servers
    missing = dict.fromkeys(PERCENTILES, _ONLY_MEANS)
    return Solution(f"redundancy-{copies} of {servers}", source, measures, missing)
