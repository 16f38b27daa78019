"""Replay is the original, whatever the program and whoever chose."""

import asyncio
import re
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spectest.exploration.execution import Outcome, execute
from spectest.exploration.shrinking import Shrinker
from spectest.kernel.plan import OrderModel, Plan
from spectest.world import Limits
from tests.properties.programs import Dice, choosers, limits, programs
from tests.properties.programs import threads as with_threads
from tests.properties.thread_programs import thread_programs

pytestmark = pytest.mark.usefixtures("one_installation")
Program = Callable[[], Any]
orders: st.SearchStrategy[OrderModel] = st.sampled_from(["strict", "ties", "any"])
moments = st.integers(0, 40).map(lambda ms: ms / 1_000)
few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Stock:
    """Always 0."""

    def choose(self, n: int, label: str, chains: Sequence[int]) -> int:
        return 0


def facts(outcome: Outcome) -> tuple[object, ...]:
    return (
        outcome.signature,
        # Where a lock was taken is known only of what was recorded.
        re.sub(r" since \S+ in \w+", "", str(outcome.error)),
        outcome.result,
        outcome.plan,
        outcome.order_model,
        outcome.virtual_ns,
        outcome.steps,
    )


def check_replay(
    program: Program, chooser: tuple[int, float], order: OrderModel, limits: Limits
) -> None:
    first = execute(program, Plan(order=order), limits, chooser=Dice(*chooser))
    again = execute(program, first.plan, limits, record=True)
    assert facts(again) == facts(first)
    third = execute(program, first.plan, limits, record=True)
    assert again.trace is not None
    assert third.trace is not None
    assert [event.key for event in third.trace] == [event.key for event in again.trace]
    assert third.trace.fingerprint == again.trace.fingerprint


@few
@given(programs(), choosers, orders, limits)
def test_the_plan_of_an_execution_repeats_it(
    program: Program, chooser: tuple[int, float], order: OrderModel, limits: Limits
) -> None:
    check_replay(program, chooser, order, limits)


@settings(few, max_examples=15)
@given(programs(with_threads), choosers, orders, limits)
def test_the_plan_of_an_execution_with_threads_repeats_it(
    program: Program, chooser: tuple[int, float], order: OrderModel, limits: Limits
) -> None:
    check_replay(program, chooser, order, limits)


@settings(few, max_examples=120)
@given(thread_programs(), choosers, orders, limits)
def test_the_plan_of_an_execution_of_threads_repeats_it(
    program: Program, chooser: tuple[int, float], order: OrderModel, limits: Limits
) -> None:
    check_replay(program, chooser, order, limits)


def gives_up(program: Program, after_s: float) -> Program:
    """Fails while `program` is still going on, or when it has ended."""

    async def failing() -> None:
        going_on = asyncio.ensure_future(program())
        await asyncio.wait([going_on], timeout=after_s)
        raise AssertionError(f"done: {going_on.done()}")

    return failing


def gives_up_on_threads(program: Program, after_s: float) -> Program:
    def failing() -> None:
        going_on = threading.Thread(target=program)
        going_on.start()
        going_on.join(after_s)
        raise AssertionError(f"alive: {going_on.is_alive()}")

    return failing


@few
@given(programs(), choosers, orders, limits, moments)
def test_the_plan_of_an_execution_that_fails_early_repeats_it(
    program: Program, chooser: tuple[int, float], order: OrderModel, limits: Limits, after_s: float
) -> None:
    check_replay(gives_up(program, after_s), chooser, order, limits)


@settings(few, max_examples=100)
@given(thread_programs(), choosers, orders, limits, moments)
def test_the_plan_of_threads_that_are_given_up_repeats_them(
    program: Program, chooser: tuple[int, float], order: OrderModel, limits: Limits, after_s: float
) -> None:
    check_replay(gives_up_on_threads(program, after_s), chooser, order, limits)


@settings(few, max_examples=40)
@given(thread_programs(), orders, limits)
def test_threads_in_stock_order_do_the_same_under_a_chooser_that_answers_0(
    program: Program, order: OrderModel, limits: Limits
) -> None:
    lazy = execute(program, Plan(order=order), limits, chooser=Stock())
    stock = execute(program, Plan(order=order), limits)
    assert len(lazy.plan) == 0
    assert facts(lazy) == facts(stock)


@settings(few, max_examples=40)
@given(thread_programs(), choosers, limits)
def test_under_strict_no_thread_is_preempted(
    program: Program, chooser: tuple[int, float], limits: Limits
) -> None:
    outcome = execute(program, Plan(order="strict"), limits, chooser=Dice(*chooser))
    assert outcome.order_model == "strict"
    assert not [name for name in outcome.plan.holds if " turn#" in name or " stall#" in name]


@few
@given(programs(), orders, limits)
def test_a_chooser_that_always_answers_0_is_stock_order(
    program: Program, order: OrderModel, limits: Limits
) -> None:
    lazy = execute(program, Plan(order=order), limits, chooser=Stock())
    stock = execute(program, Plan(order=order), limits)
    assert len(lazy.plan) == 0
    assert facts(lazy) == facts(stock)


@few
@given(programs(), choosers, limits)
def test_under_strict_nothing_happens_that_needs_more(
    program: Program, chooser: tuple[int, float], limits: Limits
) -> None:
    outcome = execute(program, Plan(order="strict"), limits, chooser=Dice(*chooser))
    assert outcome.order_model == "strict"
    assert outcome.plan.picks == {}


@settings(few, max_examples=100)
@given(st.one_of(programs(), thread_programs()), choosers, orders, limits)
def test_shrinking_never_grows_and_keeps_the_bug(
    program: Program, chooser: tuple[int, float], order: OrderModel, limits: Limits
) -> None:
    stock = execute(program, Plan(order=order), limits, record=True)
    found = execute(program, Plan(order=order), limits, chooser=Dice(*chooser))
    if not found.failed:
        return
    assert stock.trace is not None
    shrinker = Shrinker(program, limits, found, budget=60)
    plan = shrinker.shrink(stock.trace)
    assert shrinker.executions <= 60
    assert len(plan) <= len(found.plan)
    assert execute(program, plan, limits).signature == found.signature
    if stock.signature == found.signature:
        assert len(plan) == 0
