"""URW is uniform over interleavings; SURW leaves each of them possible."""

from collections import Counter

from spectest.strategies.base import Profile, Strategy
from spectest.strategies.random_walk import RandomWalk
from spectest.strategies.surw import SURW
from spectest.strategies.urw import URW
from tests.unit.strategies.toy import schedule

CHAINS = {1: 2, 2: 2, 3: 1}
INTERLEAVINGS = 30  # 5! / (2! 2! 1!)
CRITICAL = 58.3  # of chi-square, 29 degrees of freedom, one in a thousand


def counts_of(strategy: Strategy, executions: int) -> Counter[tuple[int, ...]]:
    return Counter(schedule(strategy, CHAINS, number) for number in range(executions))


def chi_square(counts: Counter[tuple[int, ...]], executions: int) -> float:
    expected = executions / INTERLEAVINGS
    seen = sum((count - expected) ** 2 / expected for count in counts.values())
    return seen + (INTERLEAVINGS - len(counts)) * expected


def test_urw_is_uniform_if_the_counts_are_known() -> None:
    assert chi_square(counts_of(URW(seed=1), 3000), 3000) < CRITICAL


def test_the_test_of_uniformity_notices_a_random_walk() -> None:
    assert chi_square(counts_of(RandomWalk(seed=1), 3000), 3000) > 2 * CRITICAL


def test_urw_learns_counts_that_it_was_not_told() -> None:
    strategy = URW(seed=1)
    for number in range(300):
        order = schedule(strategy, {1: 1, 2: 9}, number)
        assert sorted(order) == [1] + [2] * 9
    strategy.begin(0, Profile())
    assert strategy._census.remaining(2) > 5 > strategy._census.remaining(1) == 1


def test_surw_keeps_every_interleaving_possible() -> None:
    assert len(counts_of(SURW(seed=1), 4000)) == INTERLEAVINGS


def test_surw_prefers_the_rare_orders_of_one_short_chain_and_one_long() -> None:
    last = sum(schedule(SURW(seed=s), {1: 1, 2: 12}, 1)[-1] == 1 for s in range(2000))
    walk = sum(schedule(RandomWalk(seed=s), {1: 1, 2: 12}, 1)[-1] == 1 for s in range(2000))
    assert last > 10 * max(walk, 1)
