"""A share of what happened, with Wilson's interval: it holds near 0 and 1, and for few requests."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from simulators.estimators.influence import ratio_of
from simulators.estimators.intervals import Estimate, spread_of
from simulators.estimators.tables import student

__all__ = ["share"]


def share(hits: Any, among: Any, *, queued: bool, level: float = 0.95) -> Estimate:
    """The sum of `hits` over that of `among`: one number of each for every request.

    Wilson's score interval (Journal of the American Statistical Association 22, 1927), for as many
    trials as the requests are worth: under queueing that follows from batch means, see `spread_of`.
    """
    trials = np.asarray(among, dtype=np.float64)
    n, total = len(trials), float(trials.sum())
    if not total:
        why = "it never happened that it could"
        return Estimate(math.nan, None, None, level, n, None, "none", why)
    found = ratio_of(np.asarray(hits, dtype=np.float64), trials)
    spread = spread_of(found.influence, queued=queued)
    if spread.refused is not None:
        return spread.around(found.value, level, n)
    p = min(max(found.value, 0.0), 1.0)
    worth = min(p * (1 - p) / spread.error**2, total) if spread.error else total
    z = student(level, spread.freedom)
    weight = z * z / worth
    middle = (p + weight / 2) / (1 + weight)
    off = z * math.sqrt(p * (1 - p) / worth + weight / (4 * worth)) / (1 + weight)
    low = 0.0 if p == 0 else middle - off
    high = 1.0 if p == 1 else middle + off
    return Estimate(p, low, high, level, n, worth, f"Wilson, {spread.method}")
