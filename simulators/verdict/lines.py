"""The lines before the pools: when they are empty, and whether they stay full."""

from __future__ import annotations

import numpy as np

from simulators.results import Array, Requests

__all__ = ["drained", "full_at_the_end", "last_tenth"]


def drained(requests: Requests, burst: int) -> int | None:
    """How many requests came after the burst until each pool had served one at once; None if one
    never did, or did not any more at the end.
    """
    if full_at_the_end(requests):
        return None
    later = [
        int(np.flatnonzero(at_once[burst:])[0]) + 1
        for asked, at_once in _by_pool(requests)
        if asked[burst:].any()
    ]
    return max(later, default=0)


def full_at_the_end(requests: Requests) -> bool:
    """Whether there is a pool that let everybody wait who asked for it in the last tenth."""
    last = last_tenth(len(requests))
    return any(
        asked[last].any() and not at_once[last].any() for asked, at_once in _by_pool(requests)
    )


def last_tenth(n: int) -> slice:
    """The last requests of `n`, one or more."""
    return slice(n - max(n // 10, 1), n)


def _by_pool(requests: Requests) -> list[tuple[Array, Array]]:
    """For each pool, which requests asked for it, and which of them it served at once."""
    launched, racing = ~np.isnan(requests.launched), requests.scenario.racing
    served = requests.waits == 0
    pools = sorted({branch.pool for branch in racing if branch.pool is not None})
    columns = [[branch.pool == pool for branch in racing] for pool in pools]
    return [
        (np.asarray(launched[:, here].any(axis=1)), np.asarray(served[:, here].any(axis=1)))
        for here in columns
    ]
