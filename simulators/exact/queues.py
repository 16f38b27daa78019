"""Queues with a formula: how long requests wait for a server, and how many are turned away.

Rates are requests a second, times are seconds, `load` is offered work in servers (rate times mean
service). What has no steady state is a `ValueError`. Textbook results: L. Kleinrock, Queueing
Systems I, Wiley 1975; J. Medhi, Stochastic Models in Queueing Theory, 2nd ed., Academic 2003; the
other sources stand at the functions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from simulators.exact.quadrature import quantile_of

__all__ = [
    "MMC",
    "MD1Wait",
    "dm1_root",
    "erlang_a",
    "erlang_b",
    "erlang_c",
    "mm1k",
    "poisson_quantile",
    "pollaczek_khinchine",
    "processor_sharing",
    "servers_for",
    "tandem",
]


def _stable(utilisation: float) -> float:
    if not 0 <= utilisation < 1:
        raise ValueError(
            f"utilisation is {utilisation:.6g}; there is a steady state from 0 to below 1 only: "
            "use a lower rate, or more or faster servers"
        )
    return utilisation


def erlang_b(servers: int, load: float) -> float:
    """The probability that a request finds all servers busy and is lost: M/G/c/c.

    It depends on the service only through its mean (insensitivity). A. K. Erlang, 1917; B. A.
    Sevastyanov, Theory of Probability and its Applications 2, 1957.
    """
    blocked = 1.0
    for server in range(1, servers + 1):
        blocked = load * blocked / (server + load * blocked)
    return blocked


def servers_for(load: float, loss: float) -> int:
    """The fewest servers with which at most a share of `loss` is lost; see `erlang_b`."""
    servers, blocked = 0, 1.0
    while blocked > loss:
        servers += 1
        blocked = load * blocked / (servers + load * blocked)
    return servers


def erlang_c(servers: int, load: float) -> float:
    """The probability that a request has to wait: M/M/c. A. K. Erlang, 1917."""
    utilisation = _stable(load / servers)
    blocked = erlang_b(servers, load)
    return blocked / (1 - utilisation * (1 - blocked))


@dataclass(frozen=True)
class MMC:
    """M/M/c, first come, first served: Poisson arrivals at `rate`, exponential service of mean
    `service`, `servers` of them. With one server it is M/M/1.
    """

    rate: float
    service: float = 1.0
    servers: int = 1

    def __post_init__(self) -> None:
        _stable(self.rate * self.service / self.servers)

    @cached_property
    def waits(self) -> float:
        """The probability that a request waits at all (Erlang C)."""
        return erlang_c(self.servers, self.rate * self.service)

    @property
    def spare(self) -> float:
        """Services a second that the servers could do on top."""
        return self.servers / self.service - self.rate

    @property
    def mean_wait(self) -> float:
        """Seconds."""
        return self.waits / self.spare

    @property
    def mean(self) -> float:
        """Seconds from arrival to answer."""
        return self.mean_wait + self.service

    def wait_sf(self, t: float) -> float:
        """The probability of waiting longer than `t`."""
        return self.waits * math.exp(-self.spare * t) if t >= 0 else 1.0

    def wait_quantile(self, p: float) -> float:
        """Seconds; 0 for those who need not wait."""
        return max(0.0, math.log(self.waits / (1 - p)) / self.spare)

    def sf(self, t: float) -> float:
        """The probability that arrival to answer takes longer than `t`."""
        if t <= 0:
            return 1.0
        mu, theta = 1 / self.service, self.spare
        gap = (theta - mu) * t
        # (exp(-mu t) - exp(-theta t)) / (theta - mu), also where the two rates are equal
        between = math.exp(-mu * t) * (t if gap == 0 else t * -math.expm1(-gap) / gap)
        return math.exp(-mu * t) + self.waits * mu * between

    def quantile(self, p: float) -> float:
        """Seconds from arrival to answer."""
        return quantile_of(self.sf, p, 0.0, self.mean)


def pollaczek_khinchine(
    rate: float, mean: float, second: float, third: float = math.inf
) -> tuple[float, float]:
    """(mean, second moment) of the wait in M/G/1, from the first three moments of the service.

    The second moment is infinite where the third of the service is. F. Pollaczek, Mathematische
    Zeitschrift 32, 1930; L. Takacs, Operations Research 10, 1962.
    """
    left = 1 - _stable(rate * mean)
    wait = rate * second / (2 * left)
    return wait, 2 * wait**2 + rate * third / (3 * left)


class MD1Wait:
    """The wait in M/D/1: Poisson arrivals at `rate`, each served for exactly `service` seconds.

    Erlang's series, (1-r) sum over k <= t of (r(k-t))^k exp(-r(k-t)) / k! with service 1,
    alternates and loses digits; this is G. J. Franx, Operations Research Letters 29, 2001, whose
    terms are all positive, with the stable recursion for the queue's length of V. Ramaswami,
    Stochastic Models 4, 1988.
    """

    def __init__(self, rate: float, service: float = 1.0) -> None:
        self.utilisation = _stable(rate * service)
        self.service = service
        self._numbers = [1 - self.utilisation]

    @property
    def mean(self) -> float:
        """Seconds."""
        return self.utilisation * self.service / (2 * (1 - self.utilisation))

    def cdf(self, t: float) -> float:
        """The probability of waiting at most `t`."""
        if t < 0:
            return 0.0
        periods = math.floor(t / self.service) + 1
        left = self.utilisation * (periods - t / self.service)
        self._count_up_to(periods)
        waiting = math.fsum(self._numbers[:2])
        queue = [waiting]
        for number in self._numbers[2 : periods + 1]:
            waiting += number
            queue.append(waiting)
        term, total = math.exp(-left), 0.0
        for j in range(periods):
            total += queue[periods - 1 - j] * term
            term *= left / (j + 1)
        return min(total, 1.0)

    def sf(self, t: float) -> float:
        """The probability of waiting longer than `t`."""
        return 1 - self.cdf(t)

    def quantile(self, p: float) -> float:
        """Seconds; 0 for those who need not wait."""
        if p <= 1 - self.utilisation:
            return 0.0
        return quantile_of(self.sf, p, 0.0, self.service)

    def _count_up_to(self, number: int) -> None:
        """The distribution of requests present, as far as `number` of them."""
        known = self._numbers
        if len(known) > number:
            return
        tails = _poisson_tails(self.utilisation, number)
        for n in range(len(known), number + 1):
            reached = (known[k] * tails[n - k] for k in range(1, n))
            arrived = known[0] * tails[n - 1] + math.fsum(reached)
            known.append(arrived * math.exp(self.utilisation))


def _poisson_tails(mean: float, number: int) -> list[float]:
    """For each n below `number`, the probability of more than n arrivals."""
    tails, term = [], math.exp(-mean)
    for n in range(number):
        term *= mean / (n + 1)
        product, total, j = term, 0.0, n + 1
        while product > total * 2.0**-60:
            total += product
            j += 1
            product *= mean / j
        tails.append(total)
    return tails


def dm1_root(utilisation: float) -> float:
    """The probability s that a request waits in D/M/1: the root below 1 of s = exp(-(1-s)/u).

    The wait is s/(1-s) services on average, and arrival to answer is exponential with a mean of
    1/(1-s) services. Kleinrock, section 6.4 (GI/M/1).
    """
    _stable(utilisation)
    if utilisation == 0:
        return 0.0
    root = 0.0
    for _ in range(10_000):
        value = math.exp(-(1 - root) / utilisation)
        step = (value - root) / (1 - value / utilisation)
        root += step
        if abs(step) <= 1e-16:
            break
    return root


def mm1k(load: float, places: int) -> tuple[float, float]:
    """(probability of being turned away, mean number present) in M/M/1/K with K `places`."""
    weights = [load**n for n in range(places + 1)]
    total = math.fsum(weights)
    present = math.fsum(n * weight for n, weight in enumerate(weights))
    return weights[-1] / total, present / total


def erlang_a(
    rate: float, servers: int, patience: float, service: float = 1.0
) -> tuple[float, float, float]:
    """(probability of giving up, of having to wait, mean wait) in M/M/c+M, Erlang A.

    `patience` is the mean of the exponential time after which a waiting request gives up. C. Palm,
    Tele 1957; O. Garnett, A. Mandelbaum, M. Reiman, Manufacturing and Service Operations Management
    4(3), 2002.
    """
    busy, below, n = 1.0, 0.0, 0
    for n in range(servers):
        below += busy
        busy *= rate * service / (n + 1)
    waiting, queue, extra = 0.0, 0.0, 0
    while busy > 1e-18 * (below + waiting) or servers / service + extra / patience < rate:
        waiting += busy
        queue += extra * busy
        extra += 1
        busy *= rate / (servers / service + extra / patience)
    total = below + waiting
    mean_queue = queue / total
    return mean_queue / patience / rate, waiting / total, mean_queue / rate


def processor_sharing(load: float) -> float:
    """By what factor a request takes longer on a server that all present share equally.

    1/(1-u), whatever the law of the service (M/G/1-PS): M. Sakata, S. Noguchi, J. Oizumi,
    Operations Research 19, 1971.
    """
    return 1 / (1 - _stable(load))


def poisson_quantile(mean: float, p: float) -> int:
    """How many are in service with probability `p` or less where nobody waits: M/G/infinity.

    The number is Poisson with the offered work as its mean, whatever the law of the service: C.
    Palm, 1943.
    """
    if not 0 < p < 1:
        raise ValueError(f"p is {p!r}; use a probability between 0 and 1")
    number, term = 0, math.exp(-mean)
    total = term
    while total < p and term > 0:
        number += 1
        term *= mean / number
        total += term
    return number


def tandem(rate: float, *services: float) -> float:
    """Mean time through single servers one after the other: exponential services, Poisson arrivals.

    Departures of M/M/1 are Poisson: P. J. Burke, Operations Research 4, 1956.
    """
    return math.fsum(MMC(rate, service).mean for service in services)
