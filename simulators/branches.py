"""One branch of a pipeline, the pool that serves it, and the limiter that guards the pool.

What a branch is asked for, how often it answers well, how long it takes, what it costs, and how
its cancellation takes effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from simulators import checks
from simulators.errors import ScenarioError
from spectest.latency import Latency

__all__ = ["Branch", "Cancel", "Cost", "Limiter", "Memory", "Pool"]

Cancel: TypeAlias = Literal["immediate", "never"] | tuple[Literal["delay"], float]


@dataclass(frozen=True, slots=True)
class Cost:
    """What an attempt costs once its service has begun, in any currency.

    `fixed` for beginning, `per_token` for each of its `tokens`, of which an attempt that is cut
    short has made the same share as of its service time, and `per_gpu_second` for each second that
    it holds its server.
    """

    fixed: float = 0.0
    per_token: float = 0.0
    tokens: float = 0.0
    per_gpu_second: float = 0.0

    def __post_init__(self) -> None:
        for field in ("fixed", "per_token", "tokens", "per_gpu_second"):
            checks.fix(self, **{field: checks.amount(f"cost.{field}", getattr(self, field))})


@dataclass(frozen=True, slots=True)
class Memory:
    """What a branch needs on the device: `weights` bytes once, and for each attempt being served
    `per_token` bytes of KV cache for each of its `tokens`.

    `per_token` of a transformer is 2 * layers * KV heads * head dimension * bytes of a number.
    """

    weights: float = 0.0
    per_token: float = 0.0
    tokens: float = 0.0

    def __post_init__(self) -> None:
        for field in ("weights", "per_token", "tokens"):
            checks.fix(self, **{field: checks.amount(f"memory.{field}", getattr(self, field))})


@dataclass(frozen=True, slots=True)
class Branch:
    """One way to an answer.

    `latency`: seconds of service. `valid`: the probability that an answer is valid. `failure`: the
    probability that there is an error at the end of the service instead of an answer. `timeout`:
    seconds after which the caller gives the attempt up; None: never. `cancel`: when a cancelled or
    given-up attempt leaves its server or the line before it, "immediate", ("delay", seconds), or
    "never": it is served to its end, even if it was still in line. `pool`: the name of the pool
    that serves it; None: it never waits.
    """

    name: str
    latency: Latency | float | tuple[float, float]
    valid: float = 1.0
    failure: float = 0.0
    timeout: float | None = None
    cancel: Cancel = "immediate"
    pool: str | None = None
    cost: Cost = Cost()
    memory: Memory | None = None

    def __post_init__(self) -> None:
        name = checks.name("branches.name", self.name)
        at = f"branches[{name!r}]"
        if self.timeout is not None:
            timeout = checks.positive(f"{at}.timeout", self.timeout, "or None for no timeout")
            checks.fix(self, timeout=timeout)
        if self.pool is not None:
            checks.name(f"{at}.pool", self.pool)
        for field, kind in (("cost", Cost), ("memory", Memory | None)):
            if not isinstance(getattr(self, field), kind):
                remedy = f"use {field.capitalize()}(...)"
                value = getattr(self, field)
                raise ScenarioError(f"{at}.{field}", value, f"is no {field}", remedy)
        checks.fix(
            self,
            latency=checks.latency(f"{at}.latency", self.latency),
            valid=checks.probability(f"{at}.valid", self.valid),
            failure=checks.probability(f"{at}.failure", self.failure),
            cancel=_cancel(f"{at}.cancel", self.cancel),
        )

    @property
    def service(self) -> Latency:
        """`latency` as a latency."""
        return cast("Latency", self.latency)

    @property
    def lingers(self) -> float:
        """Seconds for which an attempt holds its server after it was cancelled; may be infinite."""
        if self.cancel == "immediate":
            return 0.0
        return float("inf") if self.cancel == "never" else self.cancel[1]


@dataclass(frozen=True, slots=True)
class Pool:
    """`capacity` servers, who take attempts first come, first served.

    `acquire_timeout`: seconds of waiting after which an attempt has failed; None: it waits for
    ever; 0: it fails at once if no server is free, a loss system.
    """

    name: str
    capacity: int
    queue: Literal["fifo"] = "fifo"
    acquire_timeout: float | None = None

    def __post_init__(self) -> None:
        at = f"pools[{checks.name('pools.name', self.name)!r}]"
        checks.fix(self, capacity=checks.count(f"{at}.capacity", self.capacity, "capacity"))
        checks.one_of(f"{at}.queue", self.queue, ("fifo",))
        if self.acquire_timeout is not None:
            timeout = checks.seconds(f"{at}.acquire_timeout", self.acquire_timeout)
            checks.fix(self, acquire_timeout=timeout)


@dataclass(frozen=True, slots=True)
class Limiter:
    """What becomes of a speculative attempt, one launched while another of its request runs.

    "none": it is launched like any other. "drop": it is dropped where the pool of its branch has no
    free server, or, with a `capacity`, where as many attempts are under way in all, as
    `spectest.patterns.Limiter` does. "queue": it waits, first come, first served, until fewer than
    `capacity` attempts are under way. "budget": each request brings `ratio` of a speculative
    attempt, up to `burst` of them are saved, and one that cannot be paid is dropped.

    What is not speculative is always launched, and counted.
    """

    kind: Literal["none", "drop", "queue", "budget"] = "none"
    capacity: int | None = None
    ratio: float | None = None
    burst: float = 10.0

    def __post_init__(self) -> None:
        kind = checks.one_of("limiter.kind", self.kind, ("none", "drop", "queue", "budget"))
        if self.capacity is not None:
            _only(kind, ("drop", "queue"), "capacity", self.capacity)
            what = "number of attempts"
            checks.fix(self, capacity=checks.count("limiter.capacity", self.capacity, what))
        elif kind == "queue":
            remedy = "use how many attempts may be under way, such as capacity=10"
            raise ScenarioError("limiter.capacity", None, "says not when to queue", remedy)
        if self.ratio is not None:
            _only(kind, ("budget",), "ratio", self.ratio)
            ratio = checks.positive("limiter.ratio", self.ratio, "such as 0.1 for one in ten")
            checks.fix(self, ratio=ratio)
        elif kind == "budget":
            remedy = "use the share of requests, such as ratio=0.1"
            raise ScenarioError("limiter.ratio", None, "is no budget", remedy)
        burst = checks.positive("limiter.burst", self.burst, "1 or more")
        if burst < 1:
            raise ScenarioError("limiter.burst", burst, "pays for nothing", "use 1 or more")
        checks.fix(self, burst=burst)


def _only(kind: str, kinds: tuple[str, ...], field: str, value: object) -> None:
    if kind not in kinds:
        remedy = f"leave it out, or use kind={' or '.join(map(repr, kinds))}"
        raise ScenarioError(f"limiter.{field}", value, f"means nothing for kind={kind!r}", remedy)


def _cancel(field: str, value: Any) -> Cancel:
    match value:
        case "immediate" | "never":
            return cast("Cancel", value)
        case ("delay", delay):
            return "delay", checks.seconds(f"{field}[1]", delay)
    remedy = "use 'immediate', 'never' or ('delay', seconds)"
    raise ScenarioError(field, value, "is no effect of a cancellation", remedy)
