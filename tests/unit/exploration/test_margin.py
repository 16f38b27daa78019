import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from spectest.exploration.execution import execute
from spectest.exploration.margin import find_margin, longest_stretch
from spectest.exploration.results import Failure
from spectest.exploration.search import explore
from spectest.kernel.plan import Hold, Plan
from spectest.world import Limits


async def fails_at_131() -> None:
    async with asyncio.timeout(0.131):
        await asyncio.sleep(0.100)


async def choreography() -> None:
    slow = asyncio.create_task(answer())
    await deadline()
    assert slow.done()


async def answer() -> None:
    await asyncio.sleep(0.100)


async def deadline() -> None:
    await asyncio.sleep(0.131)


async def robust() -> None:
    await asyncio.gather(answer(), deadline())


@pytest.mark.parametrize("program", [fails_at_131, choreography])
def test_a_program_that_fails_at_exactly_131_percent_holds_up_to_130(
    program: Callable[[], Any],
) -> None:
    report = explore(program, margin=True)
    assert report.failure is None, "at the default elasticity it holds"
    assert report.margin is not None
    assert report.margin.holds_up_to == pytest.approx(1.30)
    assert report.margin.failure is not None
    assert longest_stretch(report.margin.failure) == pytest.approx(0.31)


def test_a_program_that_never_fails_holds_as_far_as_was_tried() -> None:
    report = explore(robust, margin=True)
    assert report.margin is not None
    assert report.margin.holds_up_to == 4.0
    assert report.margin.failure is None


@pytest.mark.parametrize("settings", [{}, {"margin": True, "order": "strict"}])
def test_no_margin_unless_asked_for_and_none_where_sleeps_are_exact(
    settings: dict[str, Any],
) -> None:
    assert explore(robust, **settings).margin is None


def test_a_failure_has_no_margin() -> None:
    report = explore(choreography, margin=True, elasticity=1.0)
    assert report.failure is not None
    assert report.margin is None


def failure_at(stretch: float) -> Failure:
    plan = Plan({"answer#1": Hold(round(stretch * 100_000_000))})
    outcome = execute(robust, plan, Limits(), record=True)
    assert outcome.trace is not None
    trace = outcome.trace
    return Failure(ValueError(), plan, "ties", trace, trace, 1, "test", 0)


def test_each_search_asks_for_a_little_less_than_the_last_failure() -> None:
    asked: list[float] = []

    def search(elasticity: float) -> Failure | None:
        asked.append(elasticity)
        return failure_at(elasticity / 2) if elasticity > 0.5 else None

    margin = find_margin(search, 0.1)
    assert asked == [3.0, 1.49, 0.73, 0.35]
    assert margin.holds_up_to == pytest.approx(1.35)
    assert margin.failure is not None
    assert longest_stretch(margin.failure) == pytest.approx(0.365)


def test_the_search_ends_at_what_is_known_to_be_clean() -> None:
    asked: list[float] = []

    def search(elasticity: float) -> Failure | None:
        asked.append(elasticity)
        return failure_at(0.11)

    assert find_margin(search, 0.1).holds_up_to == pytest.approx(1.1)
    assert asked == [3.0]


def test_the_search_ends_although_failures_hardly_shrink() -> None:
    asked: list[float] = []

    def search(elasticity: float) -> Failure | None:
        asked.append(elasticity)
        return failure_at(elasticity)

    margin = find_margin(search, 0.1)
    assert len(asked) < 50
    assert margin.failure is not None
    assert margin.holds_up_to < 1 + min(asked), "no more is claimed than was searched"


def test_the_longest_stretch_is_relative_and_of_sleeps_only() -> None:
    assert longest_stretch(failure_at(0)) == 0
    assert longest_stretch(failure_at(0.25)) == pytest.approx(0.25)
