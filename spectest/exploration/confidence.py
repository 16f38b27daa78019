"""What clean runs are worth: the bound of probabilistic concurrency testing, per depth.

A bug has depth d if d ordering constraints must hold for it to show. One execution of PCT with
depth d, n chains and k contested choices finds it with probability at least 1/(n k^(d-1)).

Burckhardt, Kothari, Musuvathi, Nagarakatte: A Randomized Scheduler with Probabilistic Guarantees of
Finding Bugs. ASPLOS 2010.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

__all__ = ["confidence", "lines"]


def confidence(runs: int, chains: int, contested: int, depth: int) -> float:
    """The probability that `runs` executions of PCT(depth) find a bug of that depth, at least."""
    bound = 1 / (max(chains, 1) * max(contested, 1) ** (depth - 1))
    return float(1 - (1 - bound) ** runs)


def lines(
    runs_by_depth: Mapping[int, int], chains: int, contested: int, actors: str = "tasks"
) -> tuple[str, ...]:
    """One sentence for each depth that was tried."""
    return tuple(
        f"a bug of depth {depth} would have been found with probability "
        f"{_percent(confidence(runs, chains, contested, depth))} or more "
        f"({runs} runs of PCT, {chains} {actors}, {contested} choices)"
        for depth, runs in sorted(runs_by_depth.items())
        if runs
    )


def _percent(probability: float) -> str:
    """Rounded down: it is a lower bound."""
    return f"{math.floor(min(1000 * probability, 999)) / 10:.1f} %"
