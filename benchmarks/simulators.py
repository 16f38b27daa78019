"""The engines beside each other, beside the same model by hand in SimPy, and beside others.

All take turns in one process; what counts is CPU time for a request, and the ratio within a round.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import simpy

from benchmarks import queues
from benchmarks.arena import Ratio
from simulators import events, fast, sweeps
from simulators.chances import Chances
from simulators.scenario import Branch, Limiter, Poisson, Pool, Scenario
from spectest.latency import LogNormal
from spectest.patterns.policies import EagerRace, Hedge, Ranked

__all__ = ["ByHand", "main", "pooled"]

HEAVY = LogNormal(1.0, 1.0)
P95 = HEAVY.quantile(0.95)
UNRELIABLE: dict[str, Any] = {"failure": 0.05, "valid": 0.95, "timeout": 10.0}
ROUNDS = 9
SWEEPS = {
    "100 hedge delays": {"hedge": "p50..p99:100"},
    "10 latencies": {"branches.b.latency.median": "0.5..1.5:10", "branches.b.valid": "0.9"},
}


def pooled(load: float, limiter: str = "drop", **fields: Any) -> Scenario:
    """Two branches, a hedge at the 95th percentile, a pool of ten."""
    return Scenario(
        [Branch(name, HEAVY, pool="pool", **fields) for name in "ab"],
        Hedge(P95),
        limiter=Limiter(limiter),  # type: ignore[arg-type]
        pools=[Pool("pool", 10)],
        arrivals=Poisson(load * 10 / HEAVY.mean),
    )


ALONE = {
    "hedge at p95": Scenario([Branch(name, HEAVY) for name in "ab"], Hedge(P95)),
    "hedge, failures, timeouts": Scenario(
        [Branch(name, HEAVY, **UNRELIABLE) for name in "ab"], Hedge(P95)
    ),
    "eager race": Scenario([Branch(name, HEAVY) for name in "ab"], EagerRace()),
    "eager race, ranked": Scenario([Branch(name, HEAVY) for name in "ab"], EagerRace(), Ranked()),
}
SHARED = {
    **{f"load {load}": pooled(load) for load in (0.3, 0.6, 0.9)},
    "load 0.6, no limiter": pooled(0.6, "none"),
    "load 0.6, failures, timeouts": pooled(0.6, **UNRELIABLE),
}


class ByHand:
    """`pooled` as one would write it in SimPy: a process for each request and each attempt."""

    def __init__(self, scenario: Scenario, n: int, seed: int) -> None:
        self.environment = simpy.Environment()
        self.chances = Chances(scenario, seed)
        self.pool = simpy.Resource(self.environment, 10)
        self.latencies = [0.0] * n
        self.environment.process(self.arrivals(n))
        self.environment.run()

    def arrivals(self, n: int) -> Iterator[Any]:
        for number, moment in enumerate(self.chances.arrivals(n)):
            yield self.environment.timeout(moment - self.environment.now)
            self.environment.process(self.request(number))

    def request(self, number: int) -> Iterator[Any]:
        environment, answered = self.environment, self.environment.event()
        arrival = environment.now
        attempts = [environment.process(self.attempt(number, 0, answered))]
        yield answered | environment.timeout(P95)
        if not answered.triggered:
            if self.pool.count < self.pool.capacity:
                attempts.append(environment.process(self.attempt(number, 1, answered)))
            yield answered
        self.latencies[number] = environment.now - arrival
        for one in attempts:
            if one.is_alive:
                one.interrupt()

    def attempt(self, number: int, index: int, answered: simpy.Event) -> Iterator[Any]:
        with self.pool.request() as server:
            try:
                yield server
                yield self.environment.timeout(self.chances.service(number, index))
            except simpy.Interrupt:
                return
        if not answered.triggered:
            answered.succeed()


def _cost(run: Callable[[int, int], Any], n: int, seed: int) -> float:
    """CPU seconds for a request."""
    before = time.process_time()
    run(n, seed)
    return (time.process_time() - before) / n


def _ratio(
    fewer: Callable[[int, int], Any], more: Callable[[int, int], Any], n: int, m: int
) -> Ratio:
    """How many times as fast `fewer` is; `n` and `m` requests, in alternating rounds."""
    fewer(100, 0), more(100, 0)
    rounds = []
    for seed in range(ROUNDS):
        costs = {}
        for name in ("fewer", "more")[:: 1 if seed % 2 else -1]:
            run, size = (fewer, n) if name == "fewer" else (more, m)
            costs[name] = _cost(run, size, seed)
        rounds.append(costs["more"] / costs["fewer"])
    return Ratio(tuple(rounds))


def _sweep(axes: Mapping[str, str], requests: int, pool: int | None) -> tuple[float, float]:
    """Seconds of a sweep with all measures, and CPU seconds of this process and its workers."""
    whole, mine = time.perf_counter(), _cpu()
    with tempfile.TemporaryDirectory() as folder:
        grid = sweeps.Grid(ALONE["hedge at p95"], axes)
        sweeps.run(grid, Path(folder, "sweep.jsonl"), n=requests, pool=pool, progress=False)
    return time.perf_counter() - whole, _cpu() - mine


def _cpu() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _others() -> None:
    scenario = queues.ours()
    print("\n| M/M/10, times as fast as | events | fast |\n|---|---|---|")
    for package, run in queues.OTHERS.items():
        if (title := queues.title(package)) is None:
            print(f"| {package} | absent | absent |", flush=True)
            continue
        cells = [
            _ratio(lambda n, seed, e=engine: e(scenario, n, seed), run, n, 4000)
            for engine, n in ((events.run, 4000), (fast.run, 40_000))
        ]
        print(f"| {title} | {cells[0]} | {cells[1]} |", flush=True)


def main() -> None:
    """Print the tables."""
    print("| `events`, times as fast as SimPy by hand | |\n|---|---|")
    for load in (0.3, 0.6, 0.9):
        scenario = pooled(load)
        ratio = _ratio(
            lambda n, seed, s=scenario: events.run(s, n, seed),
            lambda n, seed, s=scenario: ByHand(s, n, seed),
            4000,
            4000,
        )
        print(f"| load {load} | {ratio} |", flush=True)
    for title, scenarios, n in (("without", ALONE, 300_000), ("with", SHARED, 40_000)):
        print(f"\n| `fast`, times as fast as `events`, {title} a pool | |\n|---|---|")
        for name, scenario in scenarios.items():
            ratio = _ratio(
                lambda n, seed, s=scenario: fast.run(s, n, seed),
                lambda n, seed, s=scenario: events.run(s, n, seed),
                n,
                4000,
            )
            print(f"| {name} | {ratio} |", flush=True)
    _others()
    print("\n| sweep, 1,000,000 requests a point | here | two processes |\n|---|---|---|")
    for name, axes in SWEEPS.items():
        cells = []
        for pool in (None, 2):
            seconds, used = _sweep(axes, 1_000_000, pool)
            cells.append(f"{seconds:.1f} s, {used:.1f} s of CPU time")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
