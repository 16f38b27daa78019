"""An operation that is cancelled while overdue was held back, and the plan must say so."""

import asyncio
from typing import Any

from spectest.exploration.execution import execute
from spectest.exploration.settings import Settings
from spectest.kernel.plan import Hold, Plan
from spectest.strategies.base import Profile
from spectest.strategies.random_walk import RandomWalk

LIMITS = Settings().limits


async def slow_call_under_a_deadline() -> str:
    try:
        async with asyncio.timeout(0.050):
            await asyncio.sleep(0.046)
            return "answered"
    except TimeoutError:
        return "too late"


def results(executions: int) -> dict[str, Plan]:
    """A plan for each result that a random walk meets."""
    walk = RandomWalk()
    found = {}
    for number in range(executions):
        walk.begin(number, Profile())
        outcome = execute(slow_call_under_a_deadline, Plan(), LIMITS, chooser=walk)
        walk.end(outcome.contested)
        found[outcome.result] = outcome.plan
    return found


def test_its_plan_repeats_the_execution() -> None:
    found = results(50)
    assert set(found) == {"answered", "too late"}
    for result, plan in found.items():
        again = execute(slow_call_under_a_deadline, plan, LIMITS)
        assert (again.result, again.plan) == (result, plan)


def test_an_operation_that_is_cancelled_early_was_not_held_back() -> None:
    async def cancelled_early() -> None:
        sleeper = asyncio.create_task(asyncio.sleep(1))
        await asyncio.sleep(0)
        sleeper.cancel()

    plan = Plan({"cancelled_early#1": Hold(1_000_000)})
    assert execute(cancelled_early, plan, LIMITS).plan == Plan()


async def fails_while_a_call_is_late() -> None:
    """A call of some service, 10 to 60 ms and usually 20."""
    answers: list[str] = []
    loop: Any = asyncio.get_running_loop()
    interval_ns = (10_000_000, 20_000_000, 60_000_000)
    loop.call_remote(loop.scheduler.name("llm"), interval_ns, lambda: answers.append("yes"))
    await asyncio.sleep(0.030)
    assert answers, "it is late"


def test_what_is_overdue_when_the_program_fails_was_held_back() -> None:
    walk = RandomWalk()
    failed = 0
    for number in range(20):
        walk.begin(number, Profile())
        outcome = execute(fails_while_a_call_is_late, Plan(), LIMITS, chooser=walk)
        walk.end(outcome.contested)
        again = execute(fails_while_a_call_is_late, outcome.plan, LIMITS)
        assert again.signature == outcome.signature
        failed += outcome.failed
    assert 0 < failed < 20
