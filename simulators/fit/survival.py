"""How long things take when some were cut off: the product-limit estimate.

E. L. Kaplan, P. Meier, Nonparametric Estimation from Incomplete Observations, Journal of the
American Statistical Association 53(282), 1958. It takes what cuts attempts off as independent of
how long they would have taken. Beyond the longest time at which something ended while nothing
longer was cut off, it says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.results import Array

__all__ = ["Survival", "product_limit"]

_ROUNDING = 1e-12
"""Products of a million factors are as exact as this."""


@dataclass(frozen=True, slots=True, eq=False)
class Survival:
    """The estimate: `after[i]` is the probability to take longer than `times[i]`, at which
    something ended; `horizon` is the longest time of all, of an end or of a cut. `times` are
    ascending, in seconds, and may be empty.
    """

    times: Array
    after: Array
    horizon: float

    @property
    def known_to(self) -> float:
        """The quantile up to which there is an estimate; 1 if the longest time is an end."""
        return 1.0 - float(self.after[-1]) if len(self.after) else 0.0

    def sf(self, seconds: float) -> float:
        """The probability to take longer."""
        place = int(np.searchsorted(self.times, seconds, side="right"))
        return float(self.after[place - 1]) if place else 1.0

    def quantiles(self, p: Array) -> Array:
        """The smallest time of an end that a share p does not exceed; NaN beyond `known_to`."""
        reached = np.append(1.0 - self.after, np.inf)
        places = np.searchsorted(reached, np.asarray(p) - _ROUNDING)
        found: Array = np.append(self.times, np.nan)[places]
        return found


def product_limit(seconds: Array, ended: Array, weights: Array | None = None) -> Survival:
    """The estimate from times in seconds, of which those not `ended` are lower bounds.

    A time at which something ended and something was cut off counts for both: the latter lasted
    longer. `weights`: for how many each time stands, any positive number.
    """
    if weights is None:
        weights = np.ones(len(seconds))
    times, place = np.unique(seconds, return_inverse=True)
    deaths = np.bincount(place, weights=np.where(ended, weights, 0.0), minlength=len(times))
    everybody = np.bincount(place, weights=weights, minlength=len(times))
    at_risk = np.cumsum(everybody[::-1])[::-1]
    at = deaths > 0
    after = np.cumprod(np.maximum(1.0 - deaths[at] / at_risk[at], 0.0))
    return Survival(times[at], after, float(times[-1]) if len(times) else 0.0)
