"""DFS makes each execution exactly once, those with fewer deviations first."""

import asyncio

from spectest.exploration.execution import execute
from spectest.kernel.plan import Plan
from spectest.strategies.base import Profile, Strategy
from spectest.strategies.dfs import DFS
from spectest.world import Limits
from tests.unit.strategies.toy import answers, every_path


def three_bits(given: tuple[int, ...]) -> int:
    return 2 if len(given) < 3 else 0


def lopsided(given: tuple[int, ...]) -> int:
    """A question of three; after 1 comes one of two, after 2 comes one of two and then another."""
    if not given:
        return 3
    return 2 if len(given) <= given[0] else 0


def endless(given: tuple[int, ...]) -> int:
    return 2 if len(given) < 50 else 0


def test_three_questions_of_two_options_in_order_of_deviations() -> None:
    assert every_path(DFS(), three_bits) == [
        (0, 0, 0),
        (1, 0, 0),
        (0, 1, 0),
        (0, 0, 1),
        (1, 1, 0),
        (1, 0, 1),
        (0, 1, 1),
        (1, 1, 1),
    ]


def test_a_tree_whose_shape_depends_on_the_answers() -> None:
    assert every_path(DFS(), lopsided) == [
        (0,),
        (1, 0),
        (2, 0, 0),
        (1, 1),
        (2, 1, 0),
        (2, 0, 1),
        (2, 1, 1),
    ]


def test_shuffled_levels_stay_levels_and_miss_nothing() -> None:
    paths = every_path(DFS(seed=3, shuffle=True), three_bits)
    assert sorted(map(sum, paths)) == [sum(path) for path in paths]
    assert len(set(paths)) == len(paths) == 8
    assert paths != every_path(DFS(), three_bits)


def test_a_program_without_choices_is_exhausted_by_one_execution() -> None:
    assert every_path(DFS(), lambda given: 0) == [()]


def test_what_lies_beyond_the_depth_is_stock_and_the_search_is_not_called_complete() -> None:
    strategy = DFS(depth=3)
    paths = [answers(strategy, endless, number) for number in range(1, 9)]
    assert {path[:3] for path in paths} == set(every_path(DFS(), three_bits))
    assert all(sum(path[3:]) == 0 for path in paths)
    assert strategy.pending == 0
    assert not strategy.exhausted


def test_a_program_that_changed_is_answered_within_range() -> None:
    strategy = DFS()
    for number in range(1, 4):
        answers(strategy, lambda given: 3 if not given else 0, number)
    strategy = DFS()
    answers(strategy, lambda given: 5 if not given else 0, 1)
    for number in range(2, 6):
        assert answers(strategy, lambda given: 2 if not given else 0, number) <= (1,)


async def two_sleeps() -> str:
    order: list[str] = []

    async def wait(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        order.append(name)

    await asyncio.gather(wait("a", 0.010), wait("b", 0.020))
    return "".join(order)


def explored(strategy: Strategy, order: str) -> list[tuple[str, float]]:
    outcomes: list[tuple[str, float]] = []
    while not strategy.exhausted:
        strategy.begin(len(outcomes) + 1, Profile())
        plan = Plan(order=order)  # type: ignore[arg-type]
        outcome = execute(two_sleeps, plan, Limits(elasticity=1.0), chooser=strategy)
        strategy.end(outcome.contested)
        outcomes.append((outcome.result, outcome.virtual_ns / 1e6))
        assert len(outcomes) < 1000
    return outcomes


def test_every_execution_of_two_sleeps_that_may_double() -> None:
    outcomes = explored(DFS(), "ties")
    assert outcomes[0] == ("ab", 20.0)
    assert {result for result, _ in outcomes} == {"ab", "ba"}
    assert min(ms for _, ms in outcomes) == 20.0
    assert max(ms for _, ms in outcomes) == 40.0


def test_under_strict_there_is_nothing_to_choose() -> None:
    assert explored(DFS(), "strict") == [("ab", 20.0)]
