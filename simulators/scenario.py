"""A question, as data: which branches, raced how, served by whom, asked how often.

A scenario is a frozen value. It holds no dice and no clock; an engine and a seed make requests of
it. Three of its fields change the answer more than any distribution does, and so have no hidden
setting: the origin of timers, the effect of a cancellation (of each branch), and the limiter.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from simulators import checks
from simulators.arrivals import MMPP, Arrivals, Closed, Deterministic, Poisson, Trace
from simulators.branches import Branch, Cancel, Cost, Limiter, Memory, Pool
from simulators.errors import ScenarioError
from simulators.forms import content_hash
from spectest.latency import Independent, PairedRows
from spectest.patterns.policies import (
    Decision,
    EagerRace,
    FirstValid,
    FirstValidOf,
    Policy,
    Tied,
)

__all__ = [
    "MMPP",
    "Arrivals",
    "Branch",
    "Cancel",
    "Closed",
    "Cost",
    "Deterministic",
    "Limiter",
    "Memory",
    "Poisson",
    "Pool",
    "Scenario",
    "ScenarioError",
    "Trace",
    "checked_scenario",
]

Timer = Literal["arrival", "service_start"]

_HOPELESS = 50.0  # Milliseconds that are taken for seconds load a pool a thousand times.

_FIRST_VALID = FirstValid()
_NO_LIMITER = Limiter()
_INDEPENDENT = Independent()


@dataclass(frozen=True)
class Scenario:
    """Branches, and how a request races them.

    `policy` and `decision` are those of `spectest.patterns`. `order`: the names of the branches
    that the policy races, in its order; empty: all, as declared. `timer`: an attempt's own time
    (hedge delay, patience, branch timeout) counts from its "arrival" at the pool, that is from its
    launch, or from its "service_start". `arrivals` may be None where requests share nothing,
    neither pool nor limiter. `memory_limit`: bytes of the device. `overload`: "refused" makes it an
    error that a pool is offered more work than it can do; "allowed" simulates its collapse.
    """

    branches: Sequence[Branch]
    policy: Policy
    decision: Decision = _FIRST_VALID
    limiter: Limiter = _NO_LIMITER
    pools: Sequence[Pool] = ()
    arrivals: Arrivals | None = None
    dependence: Any = _INDEPENDENT
    timer: Timer = "arrival"
    order: Sequence[str] = ()
    memory_limit: float | None = None
    overload: Literal["refused", "allowed"] = "refused"

    def __post_init__(self) -> None:
        checks.fix(
            self,
            branches=_all_of("branches", self.branches, Branch),
            pools=_all_of("pools", self.pools, Pool),
            order=_named(self.order),
        )
        self._check_kinds()
        checks.one_of("timer", self.timer, ("arrival", "service_start"))
        checks.one_of("overload", self.overload, ("refused", "allowed"))
        if not self.branches:
            raise ScenarioError("branches", [], "races nobody", "use one Branch or more")
        if self.memory_limit is not None:
            limit = checks.positive("memory_limit", self.memory_limit, "of bytes")
            checks.fix(self, memory_limit=limit)
        self._check_names()
        self._check_references()
        self._check_rows()
        self._check_sharing()
        self._check_load()

    @functools.cached_property
    def racing(self) -> tuple[Branch, ...]:
        """The branches in the order of the policy: what an index of a result refers to."""
        known = {branch.name: branch for branch in self.branches}
        return tuple(known[name] for name in self.order or known)

    @functools.cached_property
    def shares(self) -> bool:
        """Whether one request can affect another: through a pool, a limiter, or its user."""
        pooled = any(branch.pool is not None for branch in self.racing)
        limited = self.limiter.kind != "none"
        return pooled or limited or isinstance(self.arrivals, Closed)

    @functools.cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON of the scenario, in hex; the seed is no part of it."""
        return content_hash(self)

    def offered(self) -> dict[str, float]:
        """For each pool, the work offered by what every request launches at once, per server.

        A request offers at least this: speculative attempts come on top, and cancellations that
        take effect at once may take some of it away. Empty where arrivals are closed or unknown.
        """
        if self.arrivals is None or isinstance(self.arrivals, Closed):
            return {}
        load = dict.fromkeys((pool.name for pool in self.pools), 0.0)
        for branch, probability in zip(self.racing, self._at_once(), strict=True):
            if branch.pool is not None and probability:
                load[branch.pool] += probability * branch.service.mean
        rate, sizes = self.arrivals.mean_rate, {pool.name: pool.capacity for pool in self.pools}
        return {name: rate * work / sizes[name] if work else 0.0 for name, work in load.items()}

    def _at_once(self) -> list[float]:
        """For each branch, the probability that the policy launches it first of all."""
        n = len(self.racing)
        match self.policy:
            case EagerRace():
                return [1.0] * n
            case FirstValidOf(k=k):
                return [min(k / n, 1.0)] * n
            case Tied():
                return [1.0 / n] * n  # one of them is served
        return [1.0] + [0.0] * (n - 1)

    def _check_kinds(self) -> None:
        examples = {"policy": (Policy, "Hedge(0.05)"), "decision": (Decision, "FirstValid()")}
        for field, (kind, example) in examples.items():
            value = getattr(self, field)
            if isinstance(value, type) or not isinstance(value, cast("type", kind)):
                raise ScenarioError(field, value, f"is no {field}", f"use one such as {example}")
        if not isinstance(self.limiter, Limiter):
            raise ScenarioError("limiter", self.limiter, "is no limiter", "use Limiter('drop')")
        if not isinstance(self.arrivals, Arrivals | None):
            raise ScenarioError("arrivals", self.arrivals, "is no arrivals", "use Poisson(rate=10)")
        if not callable(getattr(self.dependence, "draw", None)):
            remedy = "use Independent(), GaussianCopula(0.5) or another of spectest.latency"
            raise ScenarioError("dependence", self.dependence, "cannot draw", remedy)

    def _check_names(self) -> None:
        for field, parts in (("branches", self.branches), ("pools", self.pools)):
            names = [part.name for part in parts]
            for name in names:
                if names.count(name) > 1:
                    raise ScenarioError(f"{field}.name", name, "is used twice", "rename one")

    def _check_references(self) -> None:
        branches = [branch.name for branch in self.branches]
        for name in self.order:
            if name not in branches:
                remedy = checks.nearest(name, branches)
                raise ScenarioError("policy.branches", name, "is no branch", remedy)
            if self.order.count(name) > 1:
                raise ScenarioError("policy.branches", name, "is raced twice", "name it once")
        pools = [pool.name for pool in self.pools]
        for branch in self.branches:
            if branch.pool is not None and branch.pool not in pools:
                field, remedy = f"branches[{branch.name!r}].pool", "declare it in pools"
                if pools:
                    remedy = checks.nearest(branch.pool, pools)
                raise ScenarioError(field, branch.pool, "is no pool", remedy)

    def _check_rows(self) -> None:
        if isinstance(self.dependence, PairedRows):
            rows: Any = self.dependence.rows
            columns = [name for name, _ in rows[0]]
            for branch in self.racing:
                if branch.name not in columns:
                    why, remedy = "has no column in them", checks.nearest(branch.name, columns)
                    raise ScenarioError("dependence.rows", branch.name, why, remedy)

    def _check_sharing(self) -> None:
        if self.shares and self.arrivals is None:
            remedy = "use Poisson(rate=...) or another one: with a pool or limiter it matters"
            raise ScenarioError("arrivals", None, "says not when requests arrive", remedy)
        pooled = any(branch.pool is not None for branch in self.racing)
        if self.limiter.kind == "drop" and self.limiter.capacity is None and not pooled:
            remedy = "use capacity=..., or give a branch a pool"
            raise ScenarioError("limiter.capacity", None, "can only ask a pool", remedy)

    def _check_load(self) -> None:
        if self.overload == "allowed" or isinstance(self.arrivals, Trace):
            return
        shortened = isinstance(self.policy, EagerRace | FirstValidOf)
        waits = {pool.name: pool.acquire_timeout is None for pool in self.pools}
        for name, load in self.offered().items():
            certain = not shortened or all(
                branch.cancel == "never" for branch in self.racing if branch.pool == name
            )
            if load >= 1 and certain and waits[name]:
                why = "is more work than it has servers for, so that its queue grows for ever"
                units = "seconds for all times, " if load >= _HOPELESS else ""
                remedy = (
                    f"use {units}more servers, fewer requests, an acquire_timeout, "
                    "or overload='allowed'"
                )
                field = f"offered load of pools[{name!r}]"
                raise ScenarioError(field, _rounded(load), why, remedy)


def checked_scenario(value: Any) -> Scenario:
    """The value itself, if it is a scenario and not the name of its file, say."""
    if not isinstance(value, Scenario):
        way = "files.from_data(...)" if isinstance(value, Mapping) else "files.read('NAME.toml')"
        raise ScenarioError("scenario", value, "is no Scenario", f"use {way}")
    return value


def _all_of(field: str, parts: Any, kind: type[Any]) -> tuple[Any, ...]:
    if isinstance(parts, str) or not isinstance(parts, Sequence):
        remedy = f"use a list of {kind.__name__}(...)"
        raise ScenarioError(field, parts, "is no list", remedy)
    for place, part in enumerate(parts):
        if not isinstance(part, kind):
            remedy = f"use {kind.__name__}(...)"
            raise ScenarioError(f"{field}[{place}]", part, f"is no {kind.__name__}", remedy)
    return tuple(parts)


def _named(order: Any) -> tuple[str, ...]:
    if isinstance(order, str) or not isinstance(order, Sequence):
        raise ScenarioError("policy.branches", order, "is no list of names", "use ['fast', 'slow']")
    return tuple(checks.name("policy.branches", name) for name in order)


def _rounded(load: float) -> float:
    return float(f"{load:.4g}") if math.isfinite(load) else load
