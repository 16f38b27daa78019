"""Whole nanoseconds: the clock of spectest, kept by the engines so that real code can be compared.

Virtual time is an integer number of nanoseconds, and the engines calculate with float seconds. A
scenario in ticks measures everything in nanoseconds: each duration, each drawn latency and each
arrival is rounded once, to the nearest whole number, half to even. Sums of whole numbers are exact
in floats up to 2**53, which is 104 days, so that it does not matter any more in which order they
are added. Results are given back in seconds, by one division.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from simulators.arrivals import Arrivals, Closed, Trace
from simulators.branches import Branch, Cost, Pool
from simulators.chances import Chances
from simulators.errors import ScenarioError
from simulators.results import Requests
from simulators.scenario import Scenario
from spectest.latency import Draws, Latency
from spectest.patterns import policies

__all__ = [
    "TICKS",
    "InTicks",
    "Rounded",
    "as_ticks",
    "in_seconds",
    "in_ticks",
    "ticks",
    "with_durations",
]

TICKS = 1e9
"""How many of them are a second."""

_LAST = 2.0**53
_KNOWN: tuple[type[Any], ...] = (
    policies.AfterFirst,
    policies.Cascade,
    policies.EagerRace,
    policies.FirstValid,
    policies.FirstValidOf,
    policies.Hedge,
    policies.Ranked,
    policies.Sequential,
    policies.Tied,
    policies.WaitForAll,
)
_TIMES = ("arrival", "latency", "launched", "began", "work")
_DURATIONS = ("delay", "patience", "window")


def ticks(seconds: float) -> float:
    """The nearest whole number of nanoseconds, as a float."""
    return float(round(seconds * TICKS))


@dataclasses.dataclass(frozen=True, slots=True)
class InTicks(Latency):
    """A latency that is measured in ticks; `seconds` is the same in seconds."""

    seconds: Latency

    def sf(self, t: float) -> float:
        return self.seconds.sf(t / TICKS)

    def inverse(self, p: float) -> float:
        return ticks(self.seconds.inverse(p))

    @property
    def mean(self) -> float:
        return self.seconds.mean * TICKS

    @property
    def variance(self) -> float:
        return self.seconds.variance * TICKS**2

    @property
    def support(self) -> tuple[float, float]:
        low, high = self.seconds.support
        return low * TICKS, high * TICKS


@dataclasses.dataclass(frozen=True, slots=True)
class Rounded:
    """A dependence of latencies in ticks: what `seconds` draws, rounded."""

    seconds: Any

    def draw(
        self, draws: Draws, request: int, branch: str, latency: InTicks, attempt: int = 1
    ) -> float:
        """The ticks that this attempt takes."""
        return ticks(self.seconds.draw(draws, request, branch, latency.seconds, attempt))


def in_ticks(scenario: Scenario, n: int, seed: int) -> Scenario:
    """The scenario of these `n` requests in ticks; they arrive as a trace, unless they are closed.

    `ScenarioError` for a policy or a decision of somebody's own, whose durations nobody knows.
    """
    return dataclasses.replace(
        scenario,
        branches=[_branch(branch) for branch in scenario.branches],
        policy=_rule("policy", scenario.policy),
        decision=_rule("decision", scenario.decision),
        pools=[_pool(pool) for pool in scenario.pools],
        arrivals=_arrivals(scenario, n, seed),
        dependence=Rounded(scenario.dependence),
    )


def in_seconds(result: Requests, scenario: Scenario) -> Requests:
    """A result in ticks as the result of the scenario that it was made of.

    `ScenarioError` if it comes to a moment beyond which whole numbers are not exact.
    """
    last = max(map(_latest, (result.done, result.launched, result.began, result.work)))
    if last > _LAST:
        remedy = "use fewer requests, shorter latencies, or the engine in seconds"
        why = f"is more than 2**53 nanoseconds, {_LAST / TICKS:.0f} s"
        raise ScenarioError("the last moment in seconds", last / TICKS, why, remedy)
    columns: dict[str, Any] = {name: getattr(result, name) / TICKS for name in _TIMES}
    events = [event._replace(time=event.time / TICKS) for event in result.events]
    return dataclasses.replace(result, scenario=scenario, events=events, **columns)


def as_ticks(result: Requests) -> Requests:
    """A result in seconds as one in ticks, each time the nearest."""
    columns = {name: np.round(getattr(result, name) * TICKS) for name in _TIMES}
    events = [event._replace(time=ticks(event.time)) for event in result.events]
    return dataclasses.replace(result, events=events, **columns)


def with_durations(rule: Any, change: Callable[[float], float]) -> Any:
    """A policy or decision of `spectest.patterns` with each of its durations changed."""
    found = {name: getattr(rule, name, None) for name in _DURATIONS}
    changed = {name: change(value) for name, value in found.items() if value is not None}
    return dataclasses.replace(rule, **changed) if changed else rule


def _rule(field: str, rule: Any) -> Any:
    if type(rule) not in _KNOWN:
        why = "may have durations that nobody here knows"
        remedy = "use one of spectest.patterns, or an engine in seconds"
        raise ScenarioError(field, rule, why, remedy)
    return with_durations(rule, ticks)


def _branch(branch: Branch) -> Branch:
    cancel, price = branch.cancel, branch.cost.per_gpu_second / TICKS
    cost: Cost = dataclasses.replace(branch.cost, per_gpu_second=price)
    return dataclasses.replace(
        branch,
        latency=InTicks(branch.service),
        timeout=_perhaps(branch.timeout),
        cancel=cancel if isinstance(cancel, str) else ("delay", ticks(cancel[1])),
        cost=cost,
    )


def _pool(pool: Pool) -> Pool:
    return dataclasses.replace(pool, acquire_timeout=_perhaps(pool.acquire_timeout))


def _perhaps(seconds: float | None) -> float | None:
    return None if seconds is None else ticks(seconds)


def _arrivals(scenario: Scenario, n: int, seed: int) -> Arrivals:
    if isinstance(scenario.arrivals, Closed):
        return Closed(scenario.arrivals.users, InTicks(scenario.arrivals.thinking))
    return Trace([ticks(moment) for moment in Chances(scenario, seed).arrivals(n)])


def _latest(moments: Any) -> float:
    return float(np.nanmax(moments, initial=0.0))
