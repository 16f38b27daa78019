"""Distributions fitted to times of which some were cut off, by maximum likelihood.

What ended at t counts with the density at t, what was cut off at t with the probability to take
longer. A model is chosen by name, never by how well it fits; how well it does is reported.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from simulators import checks
from simulators.errors import ScenarioError
from simulators.fast.quantiles import mapped
from simulators.fit.survival import Survival
from simulators.results import Array
from spectest.errors import UsageError
from spectest.latency import (
    Exponential,
    Latency,
    LogNormal,
    Pareto,
    ShiftedExponential,
    Weibull,
)

__all__ = ["MODELS", "distance", "fitted"]

_STEPS = 200
_ENOUGH = 1e-12


def fitted(
    at: str, model: str, seconds: Array, ended: Array, weights: Array | None = None
) -> Latency:
    """The distribution of this name that makes the times most likely; `at` is for errors.

    `ScenarioError` if the name is not in `MODELS`, or the times do not determine the distribution.
    """
    if model not in MODELS:
        raise ScenarioError(at, model, "is no model of a latency", checks.nearest(model, MODELS))
    if weights is None:
        weights = np.ones(len(seconds))
    useful = ended | (seconds > 0)  # to have lasted longer than 0 says nothing
    seconds, ended, weights = seconds[useful], ended[useful], weights[useful]
    positive = model not in ("Exponential", "ShiftedExponential")
    if positive and not seconds.min(initial=1.0) > 0:
        remedy = "use model=None, or 'ShiftedExponential'"
        raise ScenarioError(at, model, "takes longer than 0 always, and the log has 0", remedy)
    different = len(np.unique(seconds[ended]))
    if different < 2:
        remedy = "use a log with more of them, or model=None"
        why = f"cannot be fitted to {different} different times of ends"
        raise ScenarioError(at, model, why, remedy)
    try:
        return MODELS[model](seconds, ended, weights)
    except UsageError as error:
        told = " ".join(str(error).split())
        raise ScenarioError(at, model, "does not fit these times", told) from None


def distance(latency: Latency, measured: Survival) -> float:
    """The largest difference of two distribution functions, as far as the measured one is known.

    Kolmogorov's and Smirnov's, of the model and the product-limit estimate.
    """
    model = np.array([latency.sf(seconds) for seconds in measured.times.tolist()])
    before = np.concatenate([[1.0], measured.after[:-1]])
    return float(max(np.abs(model - measured.after).max(), np.abs(model - before).max()))


def _exponential(seconds: Array, ended: Array, weights: Array) -> Latency:
    return Exponential(float((weights * seconds).sum() / weights[ended].sum()))


def _shifted(seconds: Array, ended: Array, weights: Array) -> Latency:
    shift = float(seconds[ended].min())
    beyond = np.maximum(seconds - shift, 0.0)
    return ShiftedExponential(shift, shift + float((weights * beyond).sum() / weights[ended].sum()))


def _pareto(seconds: Array, ended: Array, weights: Array) -> Latency:
    minimum = float(seconds[ended].min())
    beyond = np.log(np.maximum(seconds, minimum) / minimum)
    return Pareto(minimum, float(weights[ended].sum() / (weights * beyond).sum()))


def _weibull(seconds: Array, ended: Array, weights: Array) -> Latency:
    """The shape is where the profile's slope, which falls from plus to minus infinity, is 0."""
    longest = float(seconds.max())
    logs = np.log(seconds / longest)
    usual = float(np.average(logs[ended], weights=weights[ended]))

    def slope(shape: float) -> float:
        powers = weights * np.exp(shape * logs)
        return 1.0 / shape + usual - float((powers * logs).sum() / powers.sum())

    low, high = 1e-3, 1e3
    for _ in range(_STEPS):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
        if high - low <= _ENOUGH * high:
            break
    shape = math.sqrt(low * high)
    mean_power = float((weights * np.exp(shape * logs)).sum() / weights[ended].sum())
    return Weibull(longest * mean_power ** (1.0 / shape), shape)


def _log_normal(seconds: Array, ended: Array, weights: Array) -> Latency:
    """With theta = 1/sigma and gamma = mu/sigma the logarithm of the likelihood is concave.

    R. J. Olsen, Note on the Uniqueness of the Maximum Likelihood Estimator for the Tobit Model,
    Econometrica 46(5), 1978. Newton's steps, halved while they lead down.
    """
    logs = np.log(seconds)
    centre = float(np.average(logs[ended], weights=weights[ended]))
    spread = math.sqrt(float(np.average((logs[ended] - centre) ** 2, weights=weights[ended])))
    scores = (logs - centre) / spread
    y, w = scores[ended], weights[ended]
    c, v = scores[~ended], weights[~ended]
    theta, gamma = 1.0, 0.0
    if len(c):
        theta, gamma = _climbed(y, w, c, v)
    return LogNormal(math.exp(centre + spread * gamma / theta), spread / theta)


def _climbed(y: Array, w: Array, c: Array, v: Array) -> tuple[float, float]:
    def height(theta: float, gamma: float) -> float:
        ends = w.sum() * math.log(theta) - (w * (theta * y - gamma) ** 2).sum() / 2
        return float(ends + (v * _log_upper(theta * c - gamma)).sum())

    theta, gamma = 1.0, 0.0
    best = height(theta, gamma)
    for _ in range(_STEPS):
        rest, z = theta * y - gamma, theta * c - gamma
        hazard = np.exp(-z * z / 2 - _log_upper(z)) / math.sqrt(2 * math.pi)
        bend = v * hazard * (hazard - z)
        slope = np.array(
            [
                w.sum() / theta - (w * rest * y).sum() - (v * hazard * c).sum(),
                (w * rest).sum() + (v * hazard).sum(),
            ]
        )
        across = (w * y).sum() + (bend * c).sum()
        curve = np.array(
            [
                [w.sum() / theta**2 + (w * y * y).sum() + (bend * c * c).sum(), -across],
                [-across, w.sum() + bend.sum()],
            ]
        )
        step = np.linalg.solve(curve, slope)
        part = 1.0
        while theta + part * step[0] <= 0 or height(
            *(theta + part * step[0], gamma + part * step[1])
        ) < best - _ENOUGH * abs(best):
            part /= 2
        theta, gamma = float(theta + part * step[0]), float(gamma + part * step[1])
        best = height(theta, gamma)
        if np.abs(part * step).max() <= _ENOUGH * max(1.0, abs(theta), abs(gamma)):
            break
    return theta, gamma


def _log_upper(z: Array) -> Array:
    """The logarithm of the probability that a standard normal number is above z."""
    near = np.minimum(z, 30.0)
    found = np.log(mapped(math.erfc, near / math.sqrt(2)) / 2)
    far = z > 30.0
    if far.any():
        x = z[far]
        found[far] = -x * x / 2 - np.log(x * math.sqrt(2 * math.pi)) + np.log1p(-1 / x**2)
    return found


MODELS: dict[str, Callable[[Array, Array, Array], Latency]] = {
    "Exponential": _exponential,
    "LogNormal": _log_normal,
    "Pareto": _pareto,
    "ShiftedExponential": _shifted,
    "Weibull": _weibull,
}
"""What can be fitted, by the name of its class in `spectest.latency`."""
