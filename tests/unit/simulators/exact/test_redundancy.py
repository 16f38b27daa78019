"""Tables 1.4: copies of a request in several queues."""

import math

import pytest

from simulators.exact import redundancy
from simulators.exact.quadrature import tail_integral
from simulators.exact.queues import MMC


def near(value: float, digits: int = 6) -> object:
    return pytest.approx(value, abs=0.51 * 10**-digits)


CASES = [(2, 2), (3, 2), (4, 2), (5, 2), (10, 2), (10, 3), (10, 10), (100, 2)]
VALUES = {
    0.5: (1.000000, 0.888889, 0.85, 0.830476, 0.798103, 0.524210, 0.2, 0.774888),
    0.7: (1.666667, 1.367521, 1.254529, 1.196908, 1.101627, 0.726513, 0.333333, 1.034983),
    0.9: (5, 3.636364, 3.035714, 2.707873, 2.143298, 1.517236, 1, 1.765103),
}


@pytest.mark.parametrize("rate", VALUES)
def test_copies_to_some_of_many_servers(rate: float) -> None:
    found = [redundancy.redundancy_d(k, d, rate) for k, d in CASES]
    assert found == [near(value) for value in VALUES[rate]]


def test_copies_to_one_or_all_servers_are_queues_with_one_server() -> None:
    assert redundancy.redundancy_d(5, 1, 0.8) == pytest.approx(MMC(0.8).mean)
    assert redundancy.redundancy_d(5, 5, 0.8) == pytest.approx(MMC(4.0, 0.2).mean)
    assert redundancy.redundancy_d(4, 2, 0.08, service=10.0) == pytest.approx(
        10 * redundancy.redundancy_d(4, 2, 0.8)
    )


@pytest.mark.parametrize(
    "copies, load, mean, p99",
    [
        (2, 0.5, 0.772589, 2.944439), (2, 0.7, 1.028516, 3.433987), (2, 0.9, 1.731587, 4.510860),
        (3, 0.5, 0.492901, None), (3, 0.7, 0.637356, None), (3, 0.9, 1.018679, None),
    ],
)  # fmt: skip
def test_ever_more_servers(copies: int, load: float, mean: float, p99: float | None) -> None:
    crowd = redundancy.Crowd(copies, load)
    assert crowd.mean == near(mean)
    assert tail_integral(crowd.sf, 0, 1) == pytest.approx(mean, abs=1e-6)
    assert p99 is None or crowd.quantile(0.99) == near(p99)
    assert redundancy.redundancy_d(2000, copies, load) == pytest.approx(mean, rel=2e-3)


def test_cancelling_when_one_begins_is_one_queue_and_when_one_is_done_is_better() -> None:
    split, begun = MMC(0.8).mean, redundancy.tied(1.6, servers=2).mean
    done = redundancy.redundancy_d(2, 2, 0.8)
    assert [split, begun, done] == [near(5.0), near(2.777778), near(2.5)]


def test_copies_that_nobody_cancels_pay_below_a_threshold() -> None:
    assert redundancy.replicated_exponential(1 / 3) == pytest.approx(1.5)
    assert redundancy.replicated_exponential(0.2) == near(0.833333)
    assert redundancy.replication_threshold("exponential") == pytest.approx(1 / 3, abs=1e-9)
    assert redundancy.replication_threshold("constant") == near(0.2719, 4)


@pytest.mark.parametrize(
    "right, actor, waiting, ahead",
    [(0.5, 4.0, 0.866667, 0.733333), (0.55, 2.0, 0.881720, 0.763441), (1, math.inf, 0.75, 0.5)],
)
def test_guessing_the_next_call(right: float, actor: float, waiting: float, ahead: float) -> None:
    rate, guesser = min(actor, 1e12), 1.0
    assert redundancy.speculative_actions(right, rate, guesser) == near(ahead)
    confirmed = redundancy.speculative_actions(right, rate, guesser, waits_for_actor=True)
    assert confirmed == near(waiting)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="copies is 3; use 1 to 2"):
        redundancy.redundancy_d(2, 3, 0.5)
    with pytest.raises(ValueError, match="not below"):
        redundancy.redundancy_d(2, 2, 1.0)
    with pytest.raises(ValueError, match="use MMC"):
        redundancy.Crowd(1, 0.5)
