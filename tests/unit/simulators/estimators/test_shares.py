"""Shares with Wilson's interval, for independent requests and for those that queue."""

import math

import numpy as np
import pytest

from simulators.estimators import control_of, share
from simulators.scenario import Branch, Scenario
from spectest.patterns.policies import (
    EagerRace,
    FirstValid,
    FirstValidOf,
    Hedge,
    Policy,
    Ranked,
    Sequential,
    Tied,
)


def test_the_interval_of_the_paper() -> None:
    """Wilson, 4 of 10: 0.1682 to 0.6873 with the normal quantile, and a little wider with t."""
    hits = np.repeat([1.0, 0.0], [4000, 6000])
    found = share(hits, np.ones(10_000), queued=False)
    assert (found.value, found.n) == (0.4, 10_000)
    z = 1.9599640
    middle = (0.4 + z * z / 20_000) / (1 + z * z / 10_000)
    off = z * math.sqrt(0.24 / 10_000 + z * z / 4e8) / (1 + z * z / 10_000)
    assert found.low == pytest.approx(middle - off, abs=2e-6)
    assert found.high == pytest.approx(middle + off, abs=2e-6)


@pytest.mark.parametrize("hit", [0.0, 1.0])
def test_what_always_happened_ten_times_is_not_certain(hit: float) -> None:
    found = share(np.full(10, hit), np.ones(10), queued=False)
    low, high = (0.0, 0.35) if hit == 0 else (0.65, 1.0)
    assert found.low == pytest.approx(low, abs=0.02)
    assert found.high == pytest.approx(high, abs=0.02)


def test_what_never_could_happen_has_no_share() -> None:
    found = share(np.zeros(100), np.zeros(100), queued=False)
    assert found.refused == "it never happened that it could"


def test_requests_that_queue_are_worth_fewer() -> None:
    """Blocks of fifty requests that all hit, or all miss: a fiftieth as many trials."""
    blocks = np.random.default_rng(1).random(4000) < 0.3
    hits = np.repeat(blocks.astype(float), 50)
    one, many = (share(hits, np.ones(len(hits)), queued=queued) for queued in (False, True))
    assert 5 < many.half_width / one.half_width < 9
    assert many.effective is not None
    assert many.effective < len(hits) / 25


def test_requests_that_depend_on_each_other_for_too_long_have_no_interval() -> None:
    hits = np.repeat([1.0, 0.0], 10_000)
    assert share(hits, np.ones(20_000), queued=True).low is None


@pytest.mark.parametrize(
    "policy, expected",
    [
        (Hedge(1.0), Sequential()),
        (EagerRace(), Sequential()),
        (FirstValidOf(2), FirstValidOf(1)),
        (Tied(0.1), FirstValidOf(1)),
    ],
)
def test_control_spreads_its_work_where_speculation_does(policy: Policy, expected: Policy) -> None:
    control = control_of(Scenario([Branch("a", 1.0), Branch("b", 1.0)], policy, Ranked()))
    assert (control.policy, control.decision) == (expected, FirstValid())
