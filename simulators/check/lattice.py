"""What code may do instead of what its scenario says: the variants that a diagnosis tries.

Numbers in them, such as how late a cancellation takes effect, are read from what the code did.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from simulators.check.launching import Final, Patient, as_declared
from simulators.check.semantics import AS_SAID, Semantics
from simulators.check.variants import Variant, combined
from simulators.results import CANCELLED, Array, Requests
from simulators.scenario import Limiter, Pool, Scenario
from spectest.patterns.policies import (
    EagerRace,
    FirstValid,
    FirstValidOf,
    Hedge,
    Ranked,
    Sequential,
    Tied,
    WaitForAll,
)

__all__ = ["variants_of"]


def variants_of(scenario: Scenario, observed: Requests, second: float = 1.0) -> list[Variant]:
    """The single variants that mean something for this scenario, the likeliest ones first.

    `second`: how long one is, in the unit of the scenario and of what was observed.
    """
    kinds = (
        _cancellation(scenario, observed, second),
        _timers(scenario),
        _slots(scenario),
        _failures(scenario),
        _limiter(scenario),
        _pools(scenario),
        _policy(scenario, observed, second),
    )
    found = [variant for kind in kinds for variant in kind]
    return [one for one in found if combined((one,), scenario) not in (None, _as_said(scenario))]


def _as_said(scenario: Scenario) -> tuple[Scenario, Semantics]:
    return dataclasses.replace(scenario, overload="allowed"), AS_SAID


# Each of the following looks at one part of the semantics.


def _cancellation(scenario: Scenario, observed: Requests, second: float) -> Iterator[Variant]:
    late = _lateness(observed)
    delay, own = _usual(late), [branch.lingers for branch in scenario.racing]
    stays = np.where(np.isfinite(own), late - own, late)
    if len(scenario.racing) > 1:
        yield from _losers("loser", None, _usual(stays), second)
    if any(branch.timeout is not None for branch in scenario.racing):
        whom = "losers and those who time out"
        name = f"cancelling has no effect: {whom} are served to their end"
        yield Variant(name, branch={"cancel": "never"})
        yield Variant("who times out is not cancelled", semantics={"late_stay": True})
        if delay is not None:
            name = f"cancelling takes effect late, after {delay / second:.9g} s, on {whom}"
            yield Variant(name, branch={"cancel": ("delay", delay)})
    yield Variant("loser cancelled at once", branch={"cancel": "immediate"})
    if len(scenario.racing) > 1:
        for index, branch in enumerate(scenario.racing):
            its = _usual(stays[:, index])
            yield from _losers(f"loser {branch.name!r}", branch.name, its, second)


def _losers(who: str, staying: str | None, delay: float | None, second: float) -> Iterator[Variant]:
    yield Variant(f"{who} not cancelled", semantics={"losers_stay": math.inf, "staying": staying})
    if delay is not None:
        semantics = {"losers_stay": delay, "staying": staying}
        yield Variant(f"{who} cancelled late, after {delay / second:.9g} s", semantics=semantics)


def _timers(scenario: Scenario) -> Iterator[Variant]:
    if any(branch.pool is not None for branch in scenario.racing):
        yield Variant("timer counts from the arrival", {"timer": "arrival"})
        yield Variant("timer counts from the start of service", {"timer": "service_start"})
    yield Variant("timeout missing", branch={"timeout": None})
    if len(scenario.racing) > 1:
        for branch in scenario.racing:
            name = f"timeout of {branch.name!r} missing"
            yield Variant(name, branch={"timeout": None}, only=branch.name)


def _slots(scenario: Scenario) -> Iterator[Variant]:
    """Not given back; a cancellation and a timeout reach an attempt by the same exception."""
    pooled = any(branch.pool is not None for branch in scenario.racing)
    slots: dict[str, tuple[str, ...]] = {"server": ("servers_lost",)} if pooled else {}
    if scenario.limiter.capacity is not None:
        slots["permit of the limiter"] = ("permits_lost",)
        if pooled:
            slots["server and permit"] = ("servers_lost", "permits_lost")
    for slot, fields in slots.items():
        for states in _ends(scenario):
            semantics = dict.fromkeys(fields, frozenset(states))
            name = f"{slot} leaked by an attempt that {_or(states)}"
            yield Variant(name, semantics=semantics)


def _ends(scenario: Scenario) -> list[tuple[str, ...]]:
    """The ways in which attempts end in vain here, alone and as they come together."""
    ends: list[tuple[str, ...]] = [("cancelled",)]
    timeouts = any(branch.timeout is not None for branch in scenario.racing)
    failures = any(branch.failure for branch in scenario.racing)
    if timeouts:
        ends += [("timed out",), ("cancelled", "timed out")]
    if failures:
        ends += [("failed",), ("cancelled", "failed")]
    if timeouts and failures:
        ends += [("failed", "timed out"), ("cancelled", "failed", "timed out")]
    return ends


def _failures(scenario: Scenario) -> Iterator[Variant]:
    if any(branch.failure for branch in scenario.racing):
        pooled = any(branch.pool is not None for branch in scenario.racing)
        for retries, often in ((1, "once more"), (2, "twice more"), (9, "again and again")):
            name = f"a failed attempt is launched again on its branch, {often}"
            kept = f"{name}, on its server" if pooled else name
            yield Variant(kept, semantics={"retries": retries, "waits_again": False})
            if pooled:
                fields = {"retries": retries, "waits_again": True}
                yield Variant(f"{name}, at the end of the line", semantics=fields)
    if any(branch.valid < 1 for branch in scenario.racing):
        yield Variant("invalid answer wins", semantics={"invalid_wins": True})
    for states in _ends(scenario)[1:]:
        if "cancelled" not in states:
            name = f"first done wins: an attempt that {_or(states)} ends its request"
            yield Variant(name, semantics={"ends": frozenset(states)})


def _limiter(scenario: Scenario) -> Iterator[Variant]:
    limiter = scenario.limiter
    if limiter.kind == "none":
        return
    yield Variant("limiter absent", {"limiter": Limiter()})
    pools = [pool.capacity for pool in scenario.pools]
    sizes = [limiter.capacity] if limiter.capacity is not None else sorted(set(pools))
    for size in sizes:
        fields = {"limiter": Limiter("queue", capacity=size)}
        for hidden in (False, True):
            name = f"limiter queues, at {size} attempts"
            yield Variant(name, fields, semantics={"hidden_permits": hidden})
        drops = Limiter("drop", capacity=size)
        yield Variant(f"limiter drops, at {size} attempts", {"limiter": drops})
    if pools:
        yield Variant("limiter drops where the pool is full", {"limiter": Limiter("drop")})
    if limiter.capacity is not None:
        for size in (limiter.capacity - 1, limiter.capacity + 1):
            if size > 0:
                other = dataclasses.replace(limiter, capacity=size)
                yield Variant(f"limiter has a capacity of {size}", {"limiter": other})


def _pools(scenario: Scenario) -> Iterator[Variant]:
    for place, pool in enumerate(scenario.pools):
        for size in (pool.capacity - 1, pool.capacity + 1):
            if size > 0:
                pools = _with(scenario, place, capacity=size)
                yield Variant(f"pool {pool.name!r} has {size} servers", {"pools": pools})
        pools = _with(scenario, place, acquire_timeout=None)
        yield Variant(f"acquire_timeout of {pool.name!r} missing", {"pools": pools})
    if scenario.pools or scenario.limiter.kind != "none":
        name = "a free slot is handed on before the request that has set it free decides"
        yield Variant(name, semantics={"hasty": True})
    if scenario.pools:
        yield Variant("nobody waits for a server", branch={"pool": None})


def _with(scenario: Scenario, place: int, **fields: Any) -> tuple[Pool, ...]:
    pools = list(scenario.pools)
    pools[place] = dataclasses.replace(pools[place], **fields)
    return tuple(pools)


def _policy(scenario: Scenario, observed: Requests, second: float) -> Iterator[Variant]:
    if len(scenario.racing) == 1:
        return
    if isinstance(scenario.policy, Hedge):
        said = scenario.policy
        patient, final = Patient(said.delay, said.most), Final(said.delay, said.most)
        yield Variant("a failure does not launch the hedge before its time", {"policy": patient})
        yield Variant("a failure launches no hedge", {"policy": final})
        if said.most in (None, len(scenario.racing)) and any(b.pool for b in scenario.racing):
            at_once = {"policy": as_declared(EagerRace())}
            name = "hedges sleep through their delay on a server"
            yield Variant(name, at_once, semantics={"sleeps": said.delay})
    if isinstance(scenario.policy, EagerRace | FirstValidOf | Tied):
        yield Variant("branches are asked as declared", {"policy": as_declared(scenario.policy)})
    yield Variant("no speculation", {"policy": Sequential()})
    yield Variant("all branches launched at once", {"policy": EagerRace()})
    yield Variant("first valid answer wins", {"decision": FirstValid()})
    yield Variant("the better ranked answer is waited for", {"decision": Ranked()})
    yield Variant("all attempts are waited for", {"decision": WaitForAll()})
    if isinstance(scenario.policy, Hedge):
        launched = np.sort(observed.launched, axis=1)[:, :2]
        if (delay := _usual(np.diff(launched, axis=1))) is not None:
            policy = dataclasses.replace(scenario.policy, delay=delay)
            yield Variant(f"hedge launched after {delay / second:.9g} s", {"policy": policy})


# What is read from the code's results.


def _lateness(observed: Requests) -> Array:
    """How long after the end of its request each cancelled attempt left; NaN for all others."""
    losers = observed.outcome == CANCELLED
    late: Array = observed.began + observed.work - observed.latency[:, np.newaxis]
    return np.where(losers, late, np.nan)


def _usual(seconds: Array) -> float | None:
    """The number that is met most often, the longest of them; None if none is met twice.

    To a whole nanosecond, which undoes the rounding of sums.
    """
    numbers = np.round(seconds[np.isfinite(seconds)], 9)
    counted = Counter(numbers[numbers > 0].tolist())
    if not counted:
        return None
    often, number = max((often, number) for number, often in counted.items())
    return float(number) if often > 1 else None


def _or(states: tuple[str, ...]) -> str:
    said = {"cancelled": "is cancelled", "failed": "fails", "timed out": "times out"}
    return " or ".join(said[state] for state in states)
