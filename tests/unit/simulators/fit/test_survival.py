"""The product-limit estimate, against the same estimate by another way."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.fit.survival import product_limit

ROWS = st.lists(
    st.tuples(st.integers(0, 6), st.booleans(), st.integers(1, 3)), min_size=1, max_size=12
)


def redistributed(rows: list[tuple[int, bool, int]]) -> dict[int, Fraction]:
    """Efron's way, in fractions: what was cut off gives its weight to all that lasted longer."""
    ordered = sorted(rows, key=lambda row: (row[0], not row[1]))
    total = sum(weight for *_, weight in ordered)
    mass = [Fraction(weight, total) for *_, weight in ordered]
    found: dict[int, Fraction] = {}
    for place, (time, ended, _) in enumerate(ordered):
        if ended:
            found[time] = found.get(time, Fraction(0)) + mass[place]
            continue
        rest = sum(weight for *_, weight in ordered[place + 1 :])
        for other in range(place + 1, len(ordered)):
            mass[other] += mass[place] * Fraction(ordered[other][2], rest)
    return found


@given(ROWS)
def test_the_product_is_what_redistribution_to_the_right_gives(
    rows: list[tuple[int, bool, int]],
) -> None:
    times, ended, weights = (np.array(column) for column in zip(*rows, strict=True))
    found = product_limit(times, ended, weights)
    mass = redistributed(rows)
    assert found.times.tolist() == sorted(mass)
    assert found.horizon == times.max()
    below = Fraction(0)
    for time, after in zip(found.times.tolist(), found.after.tolist(), strict=True):
        below += mass[time]
        assert after == pytest.approx(float(1 - below), abs=1e-12)
        assert found.sf(time) == after
    assert found.known_to == pytest.approx(float(below), abs=1e-12)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40))
def test_without_a_cut_the_quantiles_are_the_values(values: list[int]) -> None:
    n = len(values)
    found = product_limit(np.array(values), np.ones(n, dtype=bool))
    assert found.known_to == 1.0
    assert found.quantiles((np.arange(n) + 0.5) / n).tolist() == sorted(values)
    assert found.quantiles(np.arange(1, n + 1) / n).tolist() == sorted(values)


def test_the_example_of_kaplan_and_meier() -> None:
    """Eight times of their section 2, of which those with + are lower bounds."""
    times = np.array([0.8, 1.0, 2.7, 3.1, 5.4, 7.0, 9.2, 12.1])
    ended = np.array([True, False, False, True, True, False, True, False])
    found = product_limit(times, ended)
    assert found.times.tolist() == [0.8, 3.1, 5.4, 9.2]
    assert found.after.tolist() == pytest.approx([7 / 8, 7 / 10, 21 / 40, 21 / 80])
    assert found.quantiles(np.array([0.1, 0.3, 0.73, 0.74])).tolist()[:3] == [0.8, 3.1, 9.2]
    assert np.isnan(found.quantiles(np.array([0.74]))[0])


def test_what_nothing_ended_of_is_known_to_nothing() -> None:
    found = product_limit(np.array([1.0, 2.0]), np.array([False, False]))
    assert (found.known_to, found.sf(5.0), found.horizon) == (0.0, 1.0, 2.0)
    assert np.isnan(found.quantiles(np.array([0.01]))[0])
