import math
import pickle
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spectest.latency
from spectest.latency import (
    LLM,
    Constant,
    Draws,
    Empirical,
    Exponential,
    HyperExponential,
    Latency,
    Mixture,
    Percentiles,
)
from spectest.latency.llm import _counts
from tests.properties.latencies import FAMILIES, FIXED, between

NAMES = {name: getattr(spectest.latency, name) for name in spectest.latency.__all__}
ROUNDING = 1e-15
"""What a probability may be off by."""

probabilities = st.one_of(
    st.floats(0, 1),
    st.sampled_from([0.0, 1.0, 0.1, 0.3, 0.5, 0.9, 0.99, 0.999, 2.0**-53, 1 - 2.0**-53]),
)

# Eight points of Gauss and Legendre on [0, 1].
NODES = (0.1834346424956498, 0.5255324099163290, 0.7966664774136267, 0.9602898564975363)
WEIGHTS = (0.3626837833783620, 0.3137066458778873, 0.2223810344533745, 0.1012285362903763)
GAUSS = [
    ((1 + sign * node) / 2, weight / 2)
    for node, weight in zip(NODES, WEIGHTS, strict=True)
    for sign in (1, -1)
]


def of_every_family(check: Callable[..., None]) -> Callable[..., None]:
    """Run `check(data, latency)` for latencies of each family."""

    @pytest.mark.parametrize("family", FAMILIES)
    def checked(family: str) -> None:
        @settings(max_examples=3 if family == "llm of two" else 20, deadline=None)
        @given(data=st.data())
        def each(data: st.DataObject) -> None:
            check(data, data.draw(FAMILIES[family]))

        each()

    checked.__name__ = check.__name__
    return checked


def integral(function: Callable[[float], float], edges: list[float], scale: float) -> float:
    """Of a function whose integral is about `scale`."""
    error = scale * 1e-9
    return math.fsum(refined(function, left, right, error) for left, right in pairwise(edges))


def refined(function: Callable[[float], float], left: float, right: float, error: float) -> float:
    """Halved where the function has a corner."""
    middle = (left + right) / 2
    whole = gauss(function, left, right)
    halves = gauss(function, left, middle) + gauss(function, middle, right)
    if abs(whole - halves) <= error or right - left < 1e-9:
        return halves
    return refined(function, left, middle, error) + refined(function, middle, right, error)


def gauss(function: Callable[[float], float], left: float, right: float) -> float:
    width = right - left
    return width * math.fsum(weight * function(left + width * node) for node, weight in GAUSS)


def elements(latency: Any, shift: float = 0.0) -> Iterator[tuple[Latency, float]]:
    """The latencies without parts that it is made of, each with what comes on top."""
    if isinstance(latency, Mixture):
        for _, part in cast("Any", latency.parts):
            yield from elements(part, shift)
    elif isinstance(latency, HyperExponential):
        yield from ((Exponential(mean), shift) for mean in latency.means)
    elif isinstance(latency, LLM) and isinstance(latency.tpot, Constant):
        for count in _counts(latency.tokens)[1]:
            yield from elements(latency.ttft, shift + count * latency.tpot.seconds)
    else:
        yield latency, shift


def panels(latency: Latency) -> list[float]:
    """Times between which the survival function is smooth and changes little."""
    tails = [16.0**-k for k in range(1, 12)]
    levels = [*tails, *(k / 16 for k in range(2, 15)), *(1 - p for p in tails)]
    edges = {end for end in latency.support if math.isfinite(end)}
    for element, shift in elements(latency):
        times = [element.support[0], *(element.quantile(p) for p in levels)]
        if isinstance(element, Percentiles):
            times += dict(element.table).values()
        if isinstance(element, Empirical):
            times += dict(cast("Any", element.values))
        times.append(element.support[1])
        edges.update(shift + time for time in times if math.isfinite(time))
    if math.isinf(latency.support[1]):
        last = max(edges)
        edges.update(last * 2.0**k for k in range(1, 40))
    return sorted(edges)


@of_every_family
def test_a_quantile_is_the_smallest_time_that_reaches_its_probability(
    data: st.DataObject, latency: Latency
) -> None:
    p = data.draw(probabilities)
    low, high = latency.support
    t = latency.quantile(p)
    assert low <= t <= high
    if p < 1:
        assert latency.sf(t) <= 1 - p + 1e-10
        assert latency.sf(t * (1 + 1e-12)) <= 1 - p + ROUNDING
    if p > ROUNDING and t > low:
        before = min(t * (1 - 1e-12), math.nextafter(t, 0)) if t < math.inf else 1e300
        assert latency.sf(before) >= 1 - p - 1e-7


@of_every_family
def test_the_ends_are_those_of_the_support(data: st.DataObject, latency: Latency) -> None:
    low, high = latency.support
    assert (latency.quantile(0), latency.quantile(1)) == (low, high)
    assert latency.sf(math.nextafter(low, -1)) == latency.sf(-1.0) == 1.0
    assert latency.sf(high) == 0.0


@of_every_family
def test_survival_falls_from_one_to_zero(data: st.DataObject, latency: Latency) -> None:
    early, late = sorted([data.draw(between(0, 50)), data.draw(between(0, 50))])
    assert 1.0 >= latency.sf(early) >= latency.sf(late) - ROUNDING
    assert latency.sf(late) >= 0.0


@of_every_family
def test_a_draw_grows_with_its_uniform(data: st.DataObject, latency: Latency) -> None:
    little, much = sorted([data.draw(st.floats(0, 1)), data.draw(st.floats(0, 1))])
    assert latency.quantile(little) <= latency.quantile(much) * (1 + 1e-12)


@of_every_family
def test_an_interval_is_ordered_and_finite(data: st.DataObject, latency: Latency) -> None:
    shortest, usual, longest = latency.interval(data.draw(between(1e-9, 0.49)))
    assert 0 <= shortest <= usual <= longest < math.inf


@of_every_family
def test_a_latency_is_data(data: st.DataObject, latency: Latency) -> None:
    again = eval(repr(latency), NAMES)
    assert again == latency == pickle.loads(pickle.dumps(latency))
    assert (hash(again), repr(again)) == (hash(latency), repr(latency))


@of_every_family
def test_moments_are_integrals_of_the_survival_function(
    data: st.DataObject, latency: Latency
) -> None:
    low = latency.support[0]
    edges = panels(latency)
    scale = latency.mean
    first = integral(latency.sf, edges, scale)
    second = 2 * integral(lambda t: (t - low) * latency.sf(t), edges, scale**2)
    assert latency.mean == pytest.approx(low + first, rel=1e-6)
    assert latency.variance == pytest.approx(second - first**2, rel=1e-4, abs=1e-7 * low**2 + 1e-12)


@pytest.mark.parametrize("latency", FIXED, ids=lambda latency: type(latency).__name__)
def test_draws_have_the_moments(latency: Latency) -> None:
    draws, count = Draws(7), 3000
    drawn = [latency.sample(draws.stream(request, "branch")) for request in range(count)]
    mean = math.fsum(drawn) / count
    squares = [(x - mean) ** 2 for x in drawn]
    variance = math.fsum(squares) / count
    spread = math.fsum((square - variance) ** 2 for square in squares) / count
    assert mean == pytest.approx(latency.mean, abs=4 * math.sqrt(variance / count) + 1e-12)
    assert variance == pytest.approx(latency.variance, abs=5 * math.sqrt(spread / count) + 1e-12)


@pytest.mark.parametrize("latency", FIXED, ids=lambda latency: type(latency).__name__)
def test_a_draw_takes_exactly_one_uniform(latency: Latency) -> None:
    class Once:
        def __init__(self) -> None:
            self.numbers = [0.7]

        def random(self) -> float:
            return self.numbers.pop()

    assert latency.sample(Once()) == latency.quantile(0.7)
