"""Numbers of a simulation with intervals that hold: under queueing, in pairs, and far in the tail.

    found = estimators.estimate(requests, "p99")

An estimate says how its interval was found, how many requests it is from, and how many independent
ones those are worth; where no honest interval exists it is refused, with the reason.
"""

from simulators.estimators.intervals import Estimate, of_replications
from simulators.estimators.measures import (
    MEASURES,
    estimate,
    measures_of,
    percentile,
    quantile_estimate,
    summary,
)
from simulators.estimators.paired import Comparison, compare, control_of
from simulators.estimators.quantiles import METHODS, Method, quantile
from simulators.estimators.shares import share
from simulators.estimators.stopping import Stopped, until
from simulators.estimators.warmup import cut, mser

__all__ = [
    "MEASURES",
    "METHODS",
    "Comparison",
    "Estimate",
    "Method",
    "Stopped",
    "compare",
    "control_of",
    "cut",
    "estimate",
    "measures_of",
    "mser",
    "of_replications",
    "percentile",
    "quantile",
    "quantile_estimate",
    "share",
    "summary",
    "until",
]
