"""A run begins empty, and what it says until it has filled up is about the beginning.

Requests are cut by their index of arrival. Cutting by time of completion keeps long requests and
drops short ones: with 10 % of 500 requests cut, that alone raises the mean by 1.3 %.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simulators.results import Requests

__all__ = ["cut", "mser"]


def cut(requests: Requests, first: int) -> Requests:
    """Without the `first` requests to arrive."""
    if not 0 <= first < len(requests):
        raise ValueError(f"first is {first}; of {len(requests)} requests, cut fewer than all")
    return requests.rows(slice(first, None))


def mser(latencies: Any, batch: int = 5) -> int:
    """How many of the first requests to cut: where the standard error of the rest is smallest.

    MSER-5, over means of `batch` requests, and at most half of them: K. P. White, An effective
    truncation heuristic for bias reduction in simulation output, Simulation 69(6), 1997. It needs
    latencies in the order of arrival.
    """
    numbers = np.asarray(latencies, dtype=np.float64)
    count = len(numbers) // batch
    if count < 2:
        return 0
    means = numbers[: count * batch].reshape(count, batch).mean(axis=1)
    left = np.arange(count, 0, -1)
    sums = np.cumsum(means[::-1])[::-1]
    squares = np.cumsum((means**2)[::-1])[::-1]
    scores = (squares - sums**2 / left) / left**2
    return int(np.argmin(scores[: max(count // 2, 1)])) * batch
