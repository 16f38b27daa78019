"""Failing durations, put to CPython's own loop: confirmed where it is true, and only there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import spectest
from spectest.ambient import REAL
from spectest.errors import Deadlock, Livelock, TaskLeaked, UnretrievedException, Violation
from spectest.exploration.confirmation import confirm_plan
from spectest.exploration.execution import execute
from spectest.exploration.results import Confirmation
from spectest.exploration.settings import Settings
from spectest.kernel.plan import Hold, Plan
from spectest.strategies.random_walk import RandomWalk

STRETCHY = Settings(elasticity=3.0)


def late(by_ms: float, polls: int = 0, behind: int = 0) -> Hold:
    return Hold(round(by_ms * 1_000_000), polls, behind)


def confirmation(program: Callable[[], Any], **plan: Any) -> Confirmation:
    """Of a plan that fails on virtual time, while stock order does not."""
    deviating = Plan(**plan)
    assert execute(program, Plan(), STRETCHY.limits).error is None
    outcome = execute(program, deviating, STRETCHY.limits)
    assert outcome.error is not None
    return confirm_plan(program, deviating, STRETCHY, expected=outcome.error)


# Programs. Each is silent at its own durations, on virtual time and on stock asyncio.


async def overtaking() -> None:
    order: list[str] = []

    async def llm() -> None:
        await asyncio.sleep(0.010)
        order.append("llm")

    async def rules() -> None:
        await asyncio.sleep(0.020)
        order.append("rules")

    await asyncio.gather(llm(), rules())
    assert order == ["llm", "rules"], "overtaken"


def with_a_loop_of_its_own() -> None:
    asyncio.run(overtaking())


async def first_of_done() -> None:
    async def branch(name: str) -> str:
        await asyncio.sleep(0.010)
        return name

    branches = [asyncio.create_task(branch("a")), asyncio.create_task(branch("b"))]
    done, _ = await asyncio.wait(branches)
    assert done.pop().result() == "a", "the other one"


async def refunded_and_charged() -> None:
    """Fails only if the charge arrives in the very poll of the timeout, and behind it."""
    charged = []

    async def charge() -> None:
        await asyncio.sleep(0.020)
        charged.append("once")

    charging = asyncio.create_task(charge())
    done, _ = await asyncio.wait({charging}, timeout=0.030)
    if not done:
        await asyncio.sleep(0)
        assert not charged, "refunded, and charged all the same"
    await charging


async def lost_between_two_iterations() -> None:
    """Fails only if the cancellation comes in the one iteration between hand-over and wake-up."""
    slot: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    kept: list[str] = []

    async def remote() -> str:
        await asyncio.sleep(0.020)
        return "message"

    async def relay() -> None:
        message = await asyncio.create_task(remote())
        if slot.cancelled():
            kept.append(message)
        else:
            slot.set_result(message)

    async def consumer() -> None:
        kept.append(await slot)

    async def impatient() -> None:
        await asyncio.sleep(0.010)
        consuming.cancel()

    consuming = asyncio.create_task(consumer())
    await asyncio.gather(relay(), impatient(), consuming, return_exceptions=True)
    assert kept == ["message"], "the message is lost"


async def lock_that_goes_with_its_waiter() -> None:
    """Hangs if a waiter is cancelled when the lock has just been handed to it."""
    queue: list[asyncio.Future[None]] = []

    def release() -> None:
        while queue:
            waiting = queue.pop(0)
            if not waiting.done():
                waiting.set_result(None)
                return

    async def holder() -> None:
        await asyncio.sleep(0.020)
        release()

    async def impatient() -> None:
        await asyncio.sleep(0.010)
        first.cancel()

    async def critical() -> None:
        waiting = asyncio.get_running_loop().create_future()
        queue.append(waiting)
        await waiting
        release()

    holding = asyncio.create_task(holder())
    first, last = asyncio.create_task(critical()), asyncio.create_task(critical())
    await asyncio.gather(holding, impatient(), first, last, return_exceptions=True)


async def leaving_a_task() -> None:
    await straggling(lambda: asyncio.get_running_loop().create_future())


async def failing_unheard() -> None:
    async def fail() -> None:
        raise ValueError("late")

    await straggling(fail)


async def straggling(after_return: Callable[[], Awaitable[Any]]) -> None:
    returned: list[bool] = []

    async def straggler() -> None:
        await asyncio.sleep(0.020)
        if returned:
            await after_return()

    await asyncio.wait({asyncio.create_task(straggler())}, timeout=0.030)
    returned.append(True)


async def jobs_overtaking() -> None:
    order = []

    def read() -> str:
        time.sleep(0.010)
        return "read"

    def parse() -> str:
        time.sleep(0.020)
        return "parse"

    async def job(work: Callable[[], str]) -> None:
        order.append(await asyncio.to_thread(work))

    await asyncio.gather(job(read), job(parse))
    assert order == ["read", "parse"], "overtaken"


@pytest.mark.parametrize(
    "program, plan",
    [
        pytest.param(overtaking, {"holds": {"llm#1": late(12)}}, id="overtaking"),
        pytest.param(overtaking, {"holds": {"llm#1": late(10.000001)}}, id="by_a_nanosecond"),
        pytest.param(overtaking, {"holds": {"llm#1": late(10, behind=1)}}, id="behind_in_one_poll"),
        pytest.param(overtaking, {"holds": {"llm#1": late(10, polls=1)}}, id="one_poll_later"),
        pytest.param(with_a_loop_of_its_own, {"holds": {"llm#1": late(12)}}, id="asyncio_run"),
        pytest.param(first_of_done, {"picks": {"set order of task 2": 1}}, id="set_order"),
        pytest.param(refunded_and_charged, {"holds": {"charge#1": late(10)}}, id="coincidence"),
        pytest.param(
            lost_between_two_iterations,
            {"holds": {"impatient#1": late(10, polls=1)}},
            id="one_iteration_after_the_wake_up",
        ),
        pytest.param(
            lock_that_goes_with_its_waiter, {"holds": {"impatient#1": late(10)}}, id="deadlock"
        ),
        pytest.param(leaving_a_task, {"holds": {"straggler#1": late(11)}}, id="leak"),
        pytest.param(failing_unheard, {"holds": {"straggler#1": late(11)}}, id="unheard"),
        pytest.param(jobs_overtaking, {"holds": {"read#1": late(12)}}, id="executor_jobs"),
    ],
)
def test_what_fails_at_these_durations_fails_on_stock_asyncio(
    program: Callable[[], Any], plan: dict[str, Any]
) -> None:
    answer = confirmation(program, **plan)
    assert answer.confirmed, answer
    assert answer.tries >= 1


@pytest.mark.parametrize(
    "program, hold, violation",
    [
        (lock_that_goes_with_its_waiter, {"impatient#1": late(10)}, Deadlock),
        (leaving_a_task, {"straggler#1": late(11)}, TaskLeaked),
        (failing_unheard, {"straggler#1": late(11)}, UnretrievedException),
    ],
)
def test_the_programs_break_the_promises_they_are_meant_to(
    program: Callable[[], Any], hold: dict[str, Hold], violation: type[Violation]
) -> None:
    assert isinstance(execute(program, Plan(hold), STRETCHY.limits).error, violation)


def test_a_set_order_is_said_to_be_one() -> None:
    plan = {"set order of task 2": 1}
    assert "with this order of the set" in confirmation(first_of_done, picks=plan).reason
    holds = {"llm#1": late(12)}
    assert "set" not in confirmation(overtaking, holds=holds).reason


def test_a_failure_that_only_virtual_time_shows_is_not_confirmed() -> None:
    async def program() -> None:
        await asyncio.sleep(0.010)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, asyncio.SelectorEventLoop), "only there"

    answer = confirm_plan(program, Plan(), STRETCHY, expected=AssertionError("only there"))
    assert not answer.confirmed
    assert answer.tries >= 4
    assert "no failure" in answer.reason


def test_while_the_machine_is_late_the_gaps_go_on_growing() -> None:
    async def program() -> None:
        loop = asyncio.get_running_loop()
        is_stock = isinstance(loop, asyncio.SelectorEventLoop)
        loop.call_later(0.010, lambda: None)
        if is_stock:
            until = REAL.monotonic() + 0.150
            while REAL.monotonic() < until:
                pass
        await asyncio.sleep(0.020)
        assert is_stock, "only there"

    answer = confirm_plan(program, Plan(), STRETCHY, expected=AssertionError("only there"))
    assert answer.tries > 4
    assert not answer.confirmed


def test_another_failure_than_the_expected_one_does_not_count() -> None:
    async def program() -> None:
        await asyncio.sleep(0.010)
        if isinstance(asyncio.get_running_loop(), asyncio.SelectorEventLoop):
            raise ValueError("here")
        raise ValueError("there")

    answer = confirm_plan(program, Plan(), STRETCHY, expected=ValueError("there"))
    assert not answer.confirmed
    assert "ValueError instead" in answer.reason


def test_a_program_that_hangs_only_on_stock_asyncio_does_not_hang_the_confirmation() -> None:
    async def program() -> None:
        loop = asyncio.get_running_loop()
        if isinstance(loop, asyncio.SelectorEventLoop):
            while True:
                await asyncio.sleep(0.005)
        raise ValueError("there")

    assert not confirm_plan(program, Plan(), STRETCHY, expected=None).confirmed


def test_two_exact_timers_that_change_places_are_beyond_latency() -> None:
    async def program() -> None:
        order: list[str] = []
        loop = asyncio.get_running_loop()
        loop.call_later(0.010, order.append, "first")
        loop.call_later(0.010, order.append, "second")
        await asyncio.sleep(0.020)
        assert order == ["first", "second"], "changed places"

    answer = confirmation(program, holds={"program timeout#1": Hold(behind=1)})
    assert not answer.confirmed
    assert "'program timeout#1'" in answer.reason
    assert "no latency" in answer.reason


def test_a_step_that_overtakes_another_is_not_tried() -> None:
    async def program() -> None:
        order: list[str] = []

        async def note(name: str) -> None:
            order.append(name)

        await asyncio.gather(note("a"), note("b"))
        assert order == ["a", "b"], "overtaken"

    settings = Settings(order="any")
    free = Plan(order="any")
    walks = (execute(program, free, settings.limits, chooser=RandomWalk(s)) for s in range(100))
    found = next(outcome for outcome in walks if outcome.failed)
    answer = confirm_plan(program, found.plan, settings, expected=found.error)
    assert (answer.confirmed, answer.tries) == (False, 0)
    assert "an order that asyncio does not produce" in answer.reason


def test_what_cannot_be_confirmed_says_why_without_a_try() -> None:
    async def spinning() -> None:
        while True:
            await asyncio.sleep(0)

    async def healthy() -> None:
        await asyncio.sleep(0.010)

    async def long() -> None:
        for _ in range(2000):
            await asyncio.sleep(0.001)
        raise ValueError("at last")

    quick = STRETCHY.changed(max_steps_at_once=1000)
    for program, why in ((spinning, "livelock"), (healthy, "does not fail"), (long, "would take")):
        answer = confirm_plan(program, Plan(), quick, expected=None)
        assert (answer.confirmed, answer.tries) == (False, 0)
        assert why in answer.reason
    found = Livelock("spins", spinner=None)
    assert "livelock" in confirm_plan(healthy, Plan(), quick, expected=found).reason


async def forgets_a_task_for_a_moment() -> None:
    async def lasts() -> None:
        await asyncio.sleep(0.26)

    _task = asyncio.create_task(lasts())
    await asyncio.sleep(0.25)


def test_a_leak_is_confirmed_under_the_drain_it_was_found_with() -> None:
    found = spectest.explore(forgets_a_task_for_a_moment, drain_s=0, confirm=True).failure
    assert found is not None
    assert isinstance(found.error, spectest.TaskLeaked)
    assert found.confirmation is not None
    assert found.confirmation.confirmed
    assert spectest.explore(forgets_a_task_for_a_moment, runs=20).failure is None
