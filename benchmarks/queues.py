"""A pool of ten with exponential services, M/M/10, as other simulators say it.

It is what all of them can say. Ciw's customers are at one node at a time, so it has no races; a
hedge in happysim would have to be built by hand, of futures, as in SimPy.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from simulators.scenario import Branch, Poisson, Pool, Scenario
from spectest.latency import Exponential
from spectest.patterns.policies import Sequential

__all__ = ["OTHERS", "ours", "title"]

LOAD = 0.9


def ours() -> Scenario:
    """The same as a scenario."""
    branch = Branch("a", Exponential(1.0), pool="pool")
    pools, arrivals = [Pool("pool", 10)], Poisson(LOAD * 10)
    return Scenario([branch], Sequential(), pools=pools, arrivals=arrivals)


def with_ciw(n: int, seed: int) -> list[float]:
    """The latencies of `n` requests."""
    import ciw

    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate=LOAD * 10)],
        service_distributions=[ciw.dists.Exponential(rate=1.0)],
        number_of_servers=[10],
    )
    ciw.seed(seed)
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(n)
    return [row.waiting_time + row.service_time for row in simulation.get_all_records()]


def with_happysim(n: int, seed: int) -> list[float]:
    """The latencies of about `n` requests: it is told when to stop."""
    import happysimulator

    random.seed(seed)
    sink = happysimulator.Sink()
    server = happysimulator.Server(
        "pool", 10, service_time=happysimulator.ExponentialLatency(1.0), downstream=sink
    )
    source = happysimulator.Source.poisson(rate=LOAD * 10, target=server)
    happysimulator.Simulation(
        sources=[source], entities=[server, sink], duration=n / (LOAD * 10)
    ).run()
    return list(sink.latencies_s)


OTHERS: dict[str, Callable[[int, int], Any]] = {"ciw": with_ciw, "happysim": with_happysim}


def title(package: str) -> str | None:
    """Its name and version; None: it is not installed."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return None
