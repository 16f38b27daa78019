"""Maximum likelihood with times that were cut off: no neighbour is more likely."""

import dataclasses
import math

import numpy as np
import pytest

from simulators.fit.models import MODELS, distance, fitted
from simulators.fit.survival import product_limit
from simulators.results import Array
from simulators.scenario import ScenarioError
from spectest.latency import (
    Exponential,
    Latency,
    LogNormal,
    Pareto,
    ShiftedExponential,
    Weibull,
)

TRUE: dict[str, Latency] = {
    "Exponential": Exponential(0.2),
    "LogNormal": LogNormal(0.1, 0.8),
    "Pareto": Pareto(0.05, 2.5),
    "ShiftedExponential": ShiftedExponential(0.05, 0.2),
    "Weibull": Weibull(0.1, 0.7),
}


def cut(latency: Latency, n: int, seed: int = 3) -> tuple[Array, Array]:
    """Times of an eager race against an exponential branch of the same mean."""
    draws = np.random.default_rng(seed)
    took = np.array([latency.quantile(p) for p in draws.random(n)])
    limit = draws.exponential(latency.mean, n) + latency.support[0]
    return np.minimum(took, limit), took <= limit


def log_likelihood(latency: Latency, seconds: Array, ended: Array) -> float:
    """Densities as differences of the survival function, from its own side of a boundary."""
    total = 0.0
    for time, end in zip(seconds.tolist(), ended.tolist(), strict=True):
        step = 1e-6 * time
        density = (latency.sf(time) - latency.sf(time + step)) / step
        value = density if end else latency.sf(time)
        total += math.log(value) if value > 0 else -math.inf
    return total


@pytest.mark.parametrize("name", MODELS)
def test_no_neighbour_is_more_likely(name: str) -> None:
    seconds, ended = cut(TRUE[name], 400)
    assert 0.2 < ended.mean() < 0.8
    found = fitted("x", name, seconds, ended)
    best = log_likelihood(found, seconds, ended)
    for field in dataclasses.fields(found):  # type: ignore[arg-type]
        value = getattr(found, field.name)
        for factor in (0.97, 1.03):
            near = dataclasses.replace(found, **{field.name: value * factor})  # type: ignore[type-var]
            assert log_likelihood(near, seconds, ended) < best - 1e-3


@pytest.mark.parametrize("name", MODELS)
def test_parameters_are_found_again(name: str) -> None:
    seconds, ended = cut(TRUE[name], 20_000)
    found = fitted("x", name, seconds, ended)
    for field in dataclasses.fields(found):  # type: ignore[arg-type]
        assert getattr(found, field.name) == pytest.approx(
            getattr(TRUE[name], field.name), rel=0.04
        )


def test_taking_lower_bounds_for_latencies_finds_something_else() -> None:
    seconds, ended = cut(TRUE["LogNormal"], 20_000)
    naive = fitted("x", "LogNormal", seconds[ended], np.ones(int(ended.sum()), dtype=bool))
    assert isinstance(naive, LogNormal)
    assert naive.median < 0.75 * 0.1


def test_weights_are_repetitions() -> None:
    seconds, ended = cut(TRUE["Weibull"], 50)
    weights = np.arange(50) % 3 + 1
    often = np.repeat(seconds, weights), np.repeat(ended, weights)
    for name in MODELS:
        one = fitted("x", name, seconds, ended, weights)
        other = fitted("x", name, *often)
        for field in dataclasses.fields(one):  # type: ignore[arg-type]
            assert getattr(one, field.name) == pytest.approx(getattr(other, field.name))


def test_a_log_normal_without_cuts_has_the_moments_of_the_logarithms() -> None:
    seconds, _ = cut(TRUE["LogNormal"], 100)
    found = fitted("x", "LogNormal", seconds, np.ones(100, dtype=bool))
    assert isinstance(found, LogNormal)
    assert found.median == pytest.approx(math.exp(np.log(seconds).mean()))
    assert found.sigma == pytest.approx(np.log(seconds).std())


def test_nearly_everything_cut_off_still_converges() -> None:
    draws = np.random.default_rng(5)
    took = draws.lognormal(0.0, 0.3, 5_000)
    found = fitted("x", "LogNormal", np.minimum(took, 0.6), took <= 0.6)
    assert isinstance(found, LogNormal)
    assert np.mean(took <= 0.6) < 0.06
    assert found.median == pytest.approx(1.0, rel=0.15)


def test_the_distance_is_the_largest_on_either_side_of_a_step() -> None:
    measured = product_limit(np.array([0.5, 1.0]), np.array([True, True]))
    assert distance(Exponential(1.0), measured) == pytest.approx(
        max(1 - math.exp(-0.5), 0.5 - (1 - math.exp(-0.5)), 1 - (1 - math.exp(-1)))
    )


REFUSED: dict[str, tuple[str, list[float], list[int]]] = {
    "which is no model of a latency; did you mean 'LogNormal'?": ("Lognormal", [1, 2], [1, 1]),
    "which takes longer than 0 always, and the log has 0; use model=None": (
        "Weibull",
        [0, 1, 2],
        [1, 1, 1],
    ),
    "which cannot be fitted to 1 different times of ends; use a log with more": (
        "Pareto",
        [1, 1, 2],
        [1, 1, 0],
    ),
    "which does not fit these times; LogNormal(median=1.0, sigma=": (
        "LogNormal",
        [1e-300, 1e300],
        [1, 1],
    ),
}


@pytest.mark.parametrize("complaint", REFUSED)
def test_what_determines_no_model_is_refused(complaint: str) -> None:
    model, seconds, ended = REFUSED[complaint]
    with pytest.raises(ScenarioError) as caught:
        fitted("x", model, np.array(seconds, dtype=float), np.array(ended, dtype=bool))
    assert str(caught.value).startswith(f"x is {model!r}, {complaint}")
