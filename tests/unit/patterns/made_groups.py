"""Groups of requests whose latencies are exact quantiles, so that nothing is left to chance."""

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist

from spectest.patterns.records import Record

Quantile = Callable[[float], float]


def exponential(mean: float) -> Quantile:
    return lambda p: -mean * math.log1p(-p)


def lognormal(mu: float, sigma: float) -> Quantile:
    return lambda p: math.exp(mu + sigma * NormalDist().inv_cdf(p))


def fastest(*shares_within: Callable[[float], float]) -> Quantile:
    """The quantile of the least of independent latencies, from the share of each within a time."""

    def quantile(p: float) -> float:
        low, high = 0.0, 1e9
        for _ in range(100):
            middle = (low + high) / 2
            later = math.prod(1 - share(middle) for share in shares_within)
            low, high = (middle, high) if 1 - later < p else (low, middle)
        return low

    return quantile


def sample(quantile: Quantile, n: int) -> list[float]:
    """n latencies, of which a part p is within the quantile p."""
    return [quantile((number + 0.5) / n) for number in range(n)]


def race(
    number: int,
    latency: float,
    first: int = 0,
    *,
    policy: str = "EagerRace()",
    because: str | None = "hash",
) -> Record:
    """A request of two branches that `first` answered, and that was over then."""
    mine = [index == first for index in (0, 1)]
    eager = policy.startswith("EagerRace")
    return Record(
        run_id=f"worker/{number}",
        input_hash="0" * 64,
        policy=policy,
        decision="FirstValid()",
        branch_names=("llm", "rules"),
        ranking=(first, 1 - first) if eager else (0, 1),
        branch_launched_after_ms=(0.0, 0.0),
        branch_latencies_ms=(latency, latency),
        branch_validities=(True if mine[0] else None, True if mine[1] else None),
        branch_outcomes=("valid" if mine[0] else "cancelled", "valid" if mine[1] else "cancelled"),
        winning_branch_index=first,
        deterministic_tie_breaker_seed=f"{first:016x}",
        decided_after_ms=latency,
        sampled_because=because,
    )


def races(
    latencies: Sequence[float], share: float = 0.6, policy: str = "EagerRace()"
) -> list[Record]:
    """Requests of which the branch `llm` answered the given share first."""
    wins = round(share * len(latencies))
    return [
        race(number, latency, int(number >= wins), policy=policy)
        for number, latency in enumerate(latencies)
    ]


def failed(number: int) -> Record:
    """A request that nobody had a valid answer to, after 3 ms."""
    return Record(
        run_id=f"worker/{number}",
        input_hash="0" * 64,
        policy="EagerRace()",
        decision="FirstValid()",
        branch_names=("llm", "rules"),
        ranking=(0, 1),
        branch_launched_after_ms=(0.0, 0.0),
        branch_latencies_ms=(2.0, 3.0),
        branch_validities=(None, False),
        branch_outcomes=("raised OSError", "invalid"),
        winning_branch_index=None,
        deterministic_tie_breaker_seed="0" * 16,
        decided_after_ms=3.0,
        sampled_because="hash",
    )
