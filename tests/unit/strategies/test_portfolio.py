"""The portfolio gives everybody a turn, and says when a small program is searched completely."""

import asyncio
from collections import Counter

from spectest.exploration.execution import execute
from spectest.kernel.plan import Plan
from spectest.strategies.base import Profile
from spectest.strategies.dfs import DFS
from spectest.strategies.portfolio import Portfolio
from spectest.world import Limits
from tests.unit.strategies.toy import every_path, schedule


async def tiny() -> None:
    async with asyncio.timeout(0.015):
        await asyncio.sleep(0.010)


def test_it_exhausts_a_tiny_program() -> None:
    strategy, executions = Portfolio(seed=1), 0
    errors: set[type] = set()
    while not strategy.exhausted:
        executions += 1
        assert executions <= 50
        strategy.begin(executions, Profile())
        outcome = execute(tiny, Plan(), Limits(elasticity=1.0), chooser=strategy)
        strategy.end(outcome.contested)
        errors.add(type(outcome.error))
    assert errors == {type(None), TimeoutError}


def test_it_is_exhausted_exactly_when_every_path_was_taken() -> None:
    def size(given: tuple[int, ...]) -> int:
        return 2 if len(given) < 4 else 0

    assert set(every_path(Portfolio(seed=1), size)) == set(every_path(DFS(), size))


def test_it_does_not_call_a_large_program_exhausted() -> None:
    strategy = Portfolio(seed=1)
    for number in range(1, 301):
        schedule(strategy, {1: 6, 2: 6, 3: 6}, number)
        assert not strategy.exhausted


def test_everybody_has_a_turn_and_the_name_says_whose_it_was() -> None:
    strategy = Portfolio(seed=1)
    turns = Counter[str]()
    for number in range(1, 201):
        schedule(strategy, {1: 6, 2: 6, 3: 6}, number)
        turns[strategy.name] += 1
    members = {"pct": 120, "urw": 40, "surw": 20, "random": 10, "dfs": 10}
    assert turns == {f"portfolio ({name})": count for name, count in members.items()}
    assert sum(strategy.runs_by_depth.values()) == members["pct"]
