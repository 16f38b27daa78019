"""What speculation asks of the pools, and whether they have room for it."""

from __future__ import annotations

import math

import numpy as np

from simulators.branches import Pool
from simulators.estimators import Estimate
from simulators.results import DROPPED, Array, Requests
from simulators.scenario import Closed, Scenario
from simulators.verdict.findings import Finding, Result, needed, percent, percents, side, unsure
from simulators.verdict.gains import more_for
from simulators.verdict.trials import Trial
from spectest.patterns.policies import FirstValidOf, Hedge, Tied

__all__ = ["DOUBLED", "MOST_WAITING", "pool_demand"]

DOUBLED = 2.0
"""How many times the demand of control takes more servers."""

MOST_WAITING = 0.01
"""The share of attempts that may find no server free in a pool that is large enough."""


def pool_demand(trial: Trial) -> list[Finding]:
    """For each pool: does speculation double the work it is asked for, and does it lack servers?

    Both together are against it. Work counts in full, however long it waits; what a cancellation
    has saved does not count. A pool that control never asks is there for speculation alone: its
    load is told, and decides nothing.
    """
    used = {branch.pool for branch in trial.scenario.racing}
    found = [_demand(trial, pool) for pool in trial.scenario.pools if pool.name in used]
    return found or [Finding("pool demand", "not applicable", "no branch has a pool")]


def _demand(trial: Trial, pool: Pool) -> Finding:
    ours, theirs = (_work(requests, pool) for requests in (trial.requests, trial.control))
    name = f"demand on {pool.name}"
    if not ours.any():
        return Finding(name, "for", "nobody asks for it")
    asked, turned = _asked(trial.requests, pool)
    waiting = trial.share(turned, asked)
    roomy = _roomy(waiting)
    load, usual = (_load(requests, pool) for requests in (trial.requests, trial.control))
    lacking = f"; no server was free for {percents(waiting)} of attempts"
    rest = _dropped(trial) + _warning(trial.scenario, pool)
    if not theirs.any():
        sentence = f"load {load:.3g} of {pool.capacity} servers, which control never asks{lacking}"
        return Finding(name, "note", sentence + rest, decides=False)
    times = trial.times(ours, theirs)
    doubled = _doubled(times)
    sentence = (
        f"load {load:.3g} of {pool.capacity} servers against {usual:.3g} in control: "
        f"{times.value:.3g} times, {DOUBLED:g} times is the line{unsure(times)}{lacking}, "
        f"{percent(MOST_WAITING)} is the line{unsure(waiting)}"
    )
    result = side(favourable="for" in (doubled, roomy), adverse=doubled == roomy == "against")
    more = None
    if result == "open":
        counts = [needed(waiting, MOST_WAITING, trial.n)] if roomy == "open" else []
        counts += [more_for(trial, "mean", times, DOUBLED)] if doubled == "open" else []
        more = None if None in counts else max(count for count in counts if count)
    return Finding(name, result, sentence + rest, times, DOUBLED, more)


def _work(requests: Requests, pool: Pool) -> Array:
    """Seconds for which each request holds servers of this pool."""
    here = [branch.pool == pool.name for branch in requests.scenario.racing]
    return np.asarray(requests.work[:, here].sum(axis=1))


def _load(requests: Requests, pool: Pool) -> float:
    """Work that arrives in a second, for each server; infinite if all of it arrives at once."""
    span = float(requests.arrival[-1] - requests.arrival[0])
    return float(_work(requests, pool).sum()) / (span * pool.capacity) if span else math.inf


def _doubled(times: Estimate) -> Result:
    return side(
        favourable=times.high is not None and times.high < DOUBLED,
        adverse=times.low is not None and times.low >= DOUBLED,
    )


def _roomy(waiting: Estimate) -> Result:
    return side(
        favourable=waiting.high is not None and waiting.high <= MOST_WAITING,
        adverse=waiting.low is not None and waiting.low > MOST_WAITING,
    )


def _asked(requests: Requests, pool: Pool) -> tuple[Array, Array]:
    """For each request, its attempts in this pool, and those that found no server free."""
    here = [branch.pool == pool.name for branch in requests.scenario.racing]
    launched = ~np.isnan(requests.launched[:, here])
    limiter = requests.scenario.limiter
    full = limiter.kind == "drop" and limiter.capacity is None
    dropped = (requests.outcome[:, here] == DROPPED) & full
    waited = launched & (requests.waits[:, here] != 0)
    return (launched | dropped).sum(axis=1), (waited | dropped).sum(axis=1)


def _dropped(trial: Trial) -> str:
    if trial.scenario.limiter.kind == "none":
        return ""
    drops = trial.requests.drops
    beyond = np.maximum(trial.requests.launches - 1, 0) + drops
    share = percents(trial.share(drops, beyond)) if beyond.any() else "none"
    return f"; the limiter dropped {share} of attempts beyond the first"


def _warning(scenario: Scenario, pool: Pool) -> str:
    """Where nothing stops every request from launching all that it may."""
    arrivals, policy = scenario.arrivals, scenario.policy
    most = policy.most if isinstance(policy, Hedge) else None
    here = [branch for branch in scenario.racing[:most] if branch.pool == pool.name]
    if scenario.limiter.kind != "none" or arrivals is None or isinstance(arrivals, Closed):
        return ""
    if isinstance(policy, FirstValidOf | Tied) or any(one.cancel != "never" for one in here):
        return ""
    work = math.fsum(branch.service.mean for branch in here)
    load = arrivals.mean_rate * work / pool.capacity
    if load <= 1:
        return ""
    return (
        f"; warning: nobody is cancelled and nothing limits speculation, and if every request "
        f"launched all that it may, the load would be {load:.3g}"
    )
