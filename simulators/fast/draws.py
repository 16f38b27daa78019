"""The chances of many requests at once: what `simulators.chances` says of each, to the last bit."""

from __future__ import annotations

import functools
import hashlib
import math
from typing import Any

import numpy as np

from simulators.arrivals import Deterministic, Poisson, Trace
from simulators.chances import ALL, Chances, as_declared
from simulators.fast.quantiles import mapped, normal_scores, quantiles
from simulators.results import FAILED, INVALID, VALID, Array
from simulators.scenario import Scenario
from simulators.ticks import TICKS, InTicks, Rounded
from spectest.latency import (
    CommonShock,
    Draws,
    Exponential,
    GaussianCopula,
    Independent,
    Latency,
    PairedRows,
)
from spectest.latency.base import LAST

__all__ = ["Bulk"]


class Bulk:
    """The chances of a scenario with this seed; `requests` is an array of uint64."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario = scenario
        self.seed = seed
        self.draws = Draws(seed)
        self.single = Chances(scenario, seed)
        self._branches = scenario.racing

    def services(self, requests: Array, index: int) -> Array:
        """Seconds of service of each request's attempt of this branch."""
        branch = self._branches[index]
        return _drawn(self.scenario.dependence, self.draws, requests, branch.name, branch.service)

    def outcomes(self, requests: Array, index: int) -> Array:
        """How each service ends that is not cut short: `VALID`, `INVALID` or `FAILED`."""
        branch = self._branches[index]
        outcomes = np.full(len(requests), VALID, dtype=np.uint8)
        if branch.valid != 1.0:
            valid = self.draws.uniforms(requests, branch.name, kind="valid") < branch.valid
            outcomes[~valid] = INVALID
        if branch.failure:
            fails = self.draws.uniforms(requests, branch.name, kind="failure") < branch.failure
            outcomes[fails] = FAILED
        return outcomes

    def arrivals(self, n: int) -> Array:
        """When each request arrives."""
        match self.scenario.arrivals or Deterministic(1.0):
            case Poisson(rate):
                numbers = np.arange(n, dtype=np.uint64)
                uniforms = self.draws.uniforms(numbers, ALL, kind="arrival")
                return np.cumsum(quantiles(Exponential(1 / rate), uniforms))
            case Deterministic(gap=seconds):
                return np.arange(n) * seconds
            case Trace(times):
                return np.array(times[:n], dtype=np.float64)
        return np.array(list(self.single.arrivals(n)), dtype=np.float64)

    @functools.cached_property
    def declared(self) -> bool:
        """Whether branches rank in their declared order in every request."""
        return as_declared(self.scenario)

    def rankings(self, requests: Array) -> Array:
        """The ranking of each request: a row of branches, best first."""
        n, width = len(requests), len(self._branches)
        if self.declared:
            return np.broadcast_to(np.arange(width), (n, width))
        digests = self._digests(requests)
        left = np.broadcast_to(np.arange(width), (n, width))
        ranked = np.empty((n, width), dtype=np.intp)
        for place in range(width - 1):
            chosen = (_seeds(digests) % np.uint64(width - place)).astype(np.intp)
            ranked[:, place] = left[np.arange(n), chosen]
            rest = np.arange(width - place) != chosen[:, np.newaxis]
            left = left[rest].reshape(n, width - place - 1)
            if place < width - 2:
                digests = [hashlib.sha256(digest).digest() for digest in digests]
        ranked[:, width - 1] = left[:, 0]
        return ranked

    def seeds(self, requests: Array) -> Array:
        """The seed of each request, of which the literal rule takes the remainder."""
        return _seeds(self._digests(requests))

    def _digests(self, requests: Array) -> list[bytes]:
        """What `spectest.patterns.seeds.digest_of` makes of each request."""
        name, sha = b'{"request":%d}' + str(self.seed).encode(), hashlib.sha256
        return [sha(name % request).digest() for request in requests.tolist()]


def _seeds(digests: list[bytes]) -> Array:
    """The first eight bytes of each digest, as a number."""
    return np.frombuffer(b"".join(digests), dtype=">u8")[::4].astype(np.uint64)


def _drawn(dependence: Any, draws: Draws, requests: Array, name: str, latency: Latency) -> Array:
    known = _DEPENDENCES.get(type(dependence))
    if known is None:
        numbers = [float(dependence.draw(draws, r, name, latency)) for r in requests.tolist()]
        return np.array(numbers, dtype=np.float64)
    services: Array = known(dependence, draws, requests, name, latency)
    return services


def _in_ticks(
    rounded: Rounded, draws: Draws, requests: Array, name: str, latency: InTicks
) -> Array:
    return np.rint(_drawn(rounded.seconds, draws, requests, name, latency.seconds) * TICKS)


def _independent(_: Any, draws: Draws, requests: Array, name: str, latency: Latency) -> Array:
    return quantiles(latency, draws.uniforms(requests, name))


def _shocked(
    shock: CommonShock, draws: Draws, requests: Array, name: str, latency: Latency
) -> Array:
    usual = quantiles(latency, draws.uniforms(requests, name))
    met = np.flatnonzero(draws.uniforms(requests, ALL, kind="shock") < shock.probability)
    if shock.factor is not None:
        usual[met] *= shock.factor
    elif isinstance(shock.extra, Latency):
        uniforms = draws.uniforms(requests[met], ALL, kind="shock extra")
        usual[met] += quantiles(shock.extra, uniforms)
    return usual


def _copula(
    copula: GaussianCopula, draws: Draws, requests: Array, name: str, latency: Latency
) -> Array:
    shared = draws.uniforms(requests, ALL, kind="copula")
    own = draws.uniforms(requests, name)
    r = copula.correlation
    if r in (0.0, 1.0):
        return quantiles(latency, shared if r else own)
    z = math.sqrt(r) * normal_scores(shared)
    z += math.sqrt(1 - r) * normal_scores(own)
    return quantiles(latency, np.clip(mapped(math.erfc, -z / math.sqrt(2)) / 2, 1 - LAST, LAST))


def _paired(rows: PairedRows, draws: Draws, requests: Array, name: str, latency: Latency) -> Array:
    measured: Any = rows.rows
    rows.draw(draws, 0, name, latency)  # who has no column is refused here
    column = np.array([dict(row)[name] for row in measured])
    chosen = draws.uniforms(requests, ALL, kind="row") * len(measured)
    found: Array = column[chosen.astype(np.intp)]
    return found


_DEPENDENCES: dict[type[Any], Any] = {
    CommonShock: _shocked,
    GaussianCopula: _copula,
    Independent: _independent,
    PairedRows: _paired,
    Rounded: _in_ticks,
}
