"""`numpy.random`, where NumPy is installed."""

from __future__ import annotations

from typing import Any

import pytest

import spectest

numpy: Any = pytest.importorskip("numpy")


def draws() -> list[Any]:
    return [
        numpy.random.rand(),
        numpy.random.default_rng().random(),
        numpy.random.RandomState().rand(),
    ]


def test_draws_are_the_worlds() -> None:
    assert spectest.run(draws) == spectest.run(draws) != spectest.run(draws, seed=2)


def test_a_large_or_negative_seed() -> None:
    spectest.run(draws, seed=2**70)
    spectest.run(draws, seed=-1)


def test_the_global_state_is_given_back() -> None:
    before = numpy.random.get_state()[1].tolist()
    spectest.run(draws)
    assert numpy.random.get_state()[1].tolist() == before
