"""PCT keeps its promise: a bug of depth d shows with probability 1/(n k^(d-1)) or more."""

import math
from collections.abc import Callable
from itertools import pairwise

import pytest

from spectest.strategies.pct import PCT
from tests.unit.strategies.toy import Schedule, schedule

# Figure 5 of the paper: one thread of one step, one of many; the bug: the one comes last.
FIGURE_5 = {1: 1, 2: 25}


def at_most(hits: int, tries: int, p: float) -> float:
    """The probability of so many hits or fewer at rate p."""
    return sum(math.comb(tries, k) * p**k * (1 - p) ** (tries - k) for k in range(hits + 1))


def upper_limit(hits: int, tries: int, error: float = 1e-4) -> float:
    """Clopper and Pearson's upper confidence limit of the rate."""
    low, high = hits / tries, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if at_most(hits, tries, middle) > error else (low, middle)
    return low


def lonely_one_last(order: Schedule) -> bool:
    return order[-1] == 1


def in_the_middle(order: Schedule) -> bool:
    """Depth 2 in three chains: 2 begins before 1 and does not end before 3 has begun."""
    return order.index(2) < order.index(1) and order.index(3) > order.index(1)


@pytest.mark.parametrize(
    "chains, bug, depth, tries",
    [
        (FIGURE_5, lonely_one_last, 1, 400),
        (FIGURE_5, lonely_one_last, 2, 1500),
        ({1: 3, 2: 3, 3: 3}, in_the_middle, 2, 1500),
    ],
)
def test_the_bound(
    chains: dict[int, int], bug: Callable[[Schedule], bool], depth: int, tries: int
) -> None:
    strategy = PCT(seed=1, depth=depth)
    hits = sum(bug(schedule(strategy, chains, number)) for number in range(tries))
    bound = 1 / (len(chains) * sum(chains.values()) ** (depth - 1))
    assert upper_limit(hits, tries) >= bound


def test_the_limit_would_notice_a_strategy_that_misses_its_bound() -> None:
    assert upper_limit(150, 400) < 0.5 <= upper_limit(190, 400)
    assert upper_limit(0, 1500) < 1 / (2 * 26)


def test_the_lonely_one_is_last_in_half_of_the_executions_of_depth_1() -> None:
    strategy = PCT(seed=7, depth=1)
    hits = sum(lonely_one_last(schedule(strategy, FIGURE_5, number)) for number in range(1000))
    assert 430 < hits < 570


def test_an_order_that_sorted_change_points_cannot_show() -> None:
    """Chain 1 is demoted first and yet ends up lowest."""
    wanted = (1, 2, 3, 3, 3, 2, 2, 1, 1)
    strategy = PCT(seed=1, depth=3)
    chains = {1: 3, 2: 3, 3: 3}
    assert any(schedule(strategy, chains, number) == wanted for number in range(5000))


def test_the_depth_rotates() -> None:
    strategy = PCT(seed=5)
    switches = []
    for number in range(300):
        order = schedule(strategy, {1: 6, 2: 6, 3: 6}, number)
        switches.append(sum(one != other for one, other in pairwise(order)))
    assert all(count == 2 for count in switches[0::3])
    assert max(switches[1::3]) == 3
    assert max(switches[2::3]) == 4
