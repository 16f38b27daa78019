"""Copies of a request in several queues: what is known exactly, and for which assumptions.

Servers have a queue each, first come, first served; services are exponential with mean 1 unless a
function says otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from simulators.exact.quadrature import quantile_of, tail_integral
from simulators.exact.queues import MMC, MD1Wait
from spectest.latency.solving import crossing

__all__ = [
    "Crowd",
    "redundancy_d",
    "replicated_constant",
    "replicated_exponential",
    "replication_threshold",
    "speculative_actions",
    "tied",
]


def redundancy_d(servers: int, copies: int, rate: float, service: float = 1.0) -> float:
    """Mean seconds to the answer when each request is copied to `copies` random servers.

    The others are cancelled when the first copy is done. `rate` is for each server. K. Gardner, M.
    Harchol-Balter, A. Scheller-Wolf, M. Velednitsky, S. Zbarsky, Redundancy-d: The Power of d
    Choices for Redundancy, Operations Research 65(4), 2017, theorem 1.
    """
    k, d, mu = servers, copies, 1 / service
    if not 1 <= d <= k:
        raise ValueError(f"copies is {d}; use 1 to {k}, the number of servers")
    if rate >= mu:
        raise ValueError(f"rate {rate!r} is not below {mu!r}, what a server can do")
    all_places = math.comb(k - 1, d - 1)
    return math.fsum(
        1 / (k * mu * all_places / math.comb(i - 1, d - 1) - k * rate) for i in range(d, k + 1)
    )


class Crowd:
    """Redundancy-d with ever more servers, each with this `utilisation`: the limit of the law.

    Gardner et al., as above, section 6. With 100 servers the 99th percentile is about 1 % higher.
    """

    def __init__(self, copies: int, utilisation: float) -> None:
        if copies < 2:
            raise ValueError(f"copies is {copies}; one copy is a queue of its own, use MMC")
        self.copies, self.utilisation = copies, utilisation

    @property
    def mean(self) -> float:
        """2F1(1, b; 1+b; u) / d with b = d/(d-1), in services."""
        power = self.copies / (self.copies - 1)
        total, term, n = 0.0, 1.0, 0
        while term > 1e-17:
            total += term * power / (power + n)
            n += 1
            term *= self.utilisation
        return total / self.copies

    def sf(self, t: float) -> float:
        """The probability that an answer takes longer than `t` services."""
        less = self.copies - 1
        u = self.utilisation
        base = math.exp(-t * less) / (u * math.exp(-t * less) + (1 - u))
        return float(base ** (self.copies / less))

    def quantile(self, p: float) -> float:
        """In services."""
        return quantile_of(self.sf, p, 0.0, 1.0)


def tied(rate: float, servers: int, service: float = 1.0) -> MMC:
    """Copies to all servers, cancelled when the first one begins: the same sample path as M/M/c.

    U. Ayesta, T. Bodas, I. Verloop, Performance Evaluation 127, 2018 (cancel on start).
    """
    return MMC(rate, service, servers)


def replicated_exponential(load: float) -> float:
    """Mean services to the answer: two copies to two of many M/M/1 queues, none cancelled.

    A. Vulimiri et al., Low Latency via Redundancy, CoNEXT 2013; `load` is that of one copy.
    """
    return MMC(2 * load).mean / 2


def replicated_constant(load: float) -> float:
    """The same for services that take exactly 1: the faster of two independent M/D/1 waits."""
    if load == 0:
        return 1.0
    wait = MD1Wait(2 * load)
    jumps = [float(place) for place in range(60)]
    return 1 + tail_integral(lambda t: wait.sf(t) ** 2, 0.0, 1.0, jumps[:4], 1e-12)


def replication_threshold(service: str) -> float:
    """The load below which two copies that are never cancelled are faster than one.

    "exponential": 1/3, Vulimiri et al. "constant": the exact value for independent queues, to
    which many servers converge; their paper has 25.82 % for it, by an approximation.
    """
    gains: dict[str, Callable[[float], float]] = {
        "exponential": lambda load: replicated_exponential(load) - MMC(load).mean,
        "constant": lambda load: replicated_constant(load) - 1 - load / (2 * (1 - load)),
    }
    if service not in gains:
        raise ValueError(f"service is {service!r}; use 'exponential' or 'constant'")
    return crossing(gains[service], 0.01, 0.45, 1e-12)[1]


def speculative_actions(
    right: float, actor: float, guesser: float, *, waits_for_actor: bool = False
) -> float:
    """Time with speculation over time without, for a long chain of calls whose next is guessed.

    `right` is the probability of a right guess, `actor` and `guesser` are the means of the two
    exponential calls: 1 - p/(1+p) * a/(a+b), arXiv 2510.04371, where the next call counts from the
    guess. With `waits_for_actor`, an answer counts when the authoritative call has confirmed it,
    and half of that is saved.
    """
    saved = right / (1 + right) * actor / (actor + guesser)
    return 1 - (saved / 2 if waits_for_actor else saved)
