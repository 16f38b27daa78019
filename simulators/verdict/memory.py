"""Do the branches that run at once fit into the device? If not, nothing else matters."""

from __future__ import annotations

import math

import numpy as np

from simulators.estimators import Estimate, quantile_estimate
from simulators.results import Array, Requests
from simulators.scenario import Scenario
from simulators.verdict.findings import Finding, side, unsure
from simulators.verdict.trials import Trial

__all__ = ["memory"]

_P = 0.999
_UNITS = ((2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"))


def memory(trial: Trial) -> Finding:
    """Weights, and the KV cache of all attempts that are being served when one begins.

    The 99.9th percentile of that has to fit. Where even all servers at once fit it always does, and
    where the weights do not it never does.
    """
    scenario = trial.scenario
    limit, sizes = scenario.memory_limit, [branch.memory for branch in scenario.racing]
    if limit is None:
        return Finding("memory", "not applicable", "memory_limit does not say what the device has")
    if not any(sizes):
        return Finding("memory", "not applicable", "no branch says what memory it needs")
    weights = math.fsum(size.weights for size in sizes if size is not None)
    first = len(trial.whole) - len(trial.requests)
    value = _percentile(trial, weights + _held(trial.whole)[first:])
    worst = weights + _most_held(scenario)
    low = -math.inf if value.low is None else value.low
    high = math.inf if value.high is None else value.high
    result = side(
        favourable=high <= limit or worst <= limit, adverse=low > limit or weights > limit
    )
    what = "one request" if scenario.arrivals is None else "999 of 1,000 requests"
    sentence = (
        f"{_bytes(weights)} of weights, with KV caches {_bytes(value.value)} when attempts of "
        f"{what} begin, of {_bytes(limit)}"
    )
    if math.isfinite(worst):
        sentence += f"; at most {_bytes(worst)}, all branches and servers at once"
    if scenario.arrivals is None:
        sentence += "; arrivals are not stated, so that other requests do not count"
    sentence += unsure(value)
    more = None
    if result == "open" and value.low is None and not trial.queued:
        more = math.ceil(math.log((1 - trial.level) / 2) / math.log(_P))
    return Finding("memory", result, sentence, value, limit, more)


def _percentile(trial: Trial, held: Array) -> Estimate:
    queued = trial.scenario.arrivals is not None
    return quantile_estimate(held, _P, queued=queued, level=trial.level)


def _held(requests: Requests) -> Array:
    """For each request, the most bytes of KV cache in use when one of its attempts begins."""
    caches = _caches(requests.scenario)
    begins, ends = requests.began, requests.began + requests.work
    if requests.scenario.arrivals is None:
        return _held_alone(caches, begins, ends)
    begins, ends = (requests.arrival[:, np.newaxis] + times for times in (begins, ends))
    served = ~np.isnan(begins)
    sizes = np.broadcast_to(caches, begins.shape)[served]
    taken, given = _running(begins[served], sizes), _running(ends[served], sizes)
    held = np.zeros(begins.shape)
    held[served] = _until(taken, begins[served]) - _until(given, begins[served])
    most: Array = held.max(axis=1)
    return most


def _held_alone(caches: Array, begins: Array, ends: Array) -> Array:
    most = np.zeros(len(begins))
    for moment in begins.T[..., np.newaxis]:
        running = (begins <= moment) & (ends > moment)
        most = np.maximum(most, np.where(running, caches, 0.0).sum(axis=1))
    return most


def _running(times: Array, sizes: Array) -> tuple[Array, Array]:
    """The moments in ascending order, and the sum of the sizes up to each of them."""
    order = np.argsort(times, kind="stable")
    return times[order], np.concatenate([[0.0], np.cumsum(sizes[order])])


def _until(running: tuple[Array, Array], moments: Array) -> Array:
    times, sums = running
    found: Array = sums[np.searchsorted(times, moments, side="right")]
    return found


def _caches(scenario: Scenario) -> Array:
    sizes = [branch.memory for branch in scenario.racing]
    return np.array([size.per_token * size.tokens if size else 0.0 for size in sizes])


def _most_held(scenario: Scenario) -> float:
    """Bytes of KV cache with all servers busy; infinite where a branch has any number of them."""
    caches = dict(zip((branch.name for branch in scenario.racing), _caches(scenario), strict=True))
    if scenario.arrivals is None:
        return math.fsum(caches.values())
    if any(caches[branch.name] and branch.pool is None for branch in scenario.racing):
        return math.inf
    largest = {pool.name: [0.0] for pool in scenario.pools}
    for branch in scenario.racing:
        if branch.pool is not None:
            largest[branch.pool].append(float(caches[branch.name]))
    return math.fsum(pool.capacity * max(largest[pool.name]) for pool in scenario.pools)


def _bytes(number: float) -> str:
    for size, unit in _UNITS:
        if number >= size:
            return f"{number / size:.4g} {unit}"
    return f"{number:.0f} bytes"
