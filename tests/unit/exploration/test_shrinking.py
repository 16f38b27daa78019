"""What a bug shrinks to, exactly: the holds of a plan that a person would have written."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from spectest.exploration.execution import Outcome, execute
from spectest.exploration.shrinking import Shrinker
from spectest.kernel.plan import Hold, Plan
from spectest.world import Limits

pytestmark = pytest.mark.usefixtures("one_installation")

MS = 1_000_000
LIMITS = Limits(elasticity=3.0)


def ms(by: float, polls: int = 0, behind: int = 0) -> Hold:
    return Hold(round(by * MS), polls, behind)


def shrunk(program: Callable[[], Any], plan: Plan, budget: int = 400) -> Plan:
    failing = execute(program, plan, LIMITS)
    assert failing.failed, "the plan to start with must show the bug"
    stock = execute(program, Plan(), LIMITS, record=True)
    assert stock.trace is not None
    shrinker = Shrinker(program, LIMITS, failing, budget)
    found = shrinker.shrink(stock.trace)
    assert shrinker.executions <= budget
    assert found == shrinker.best.plan
    assert execute(program, found, LIMITS).signature == failing.signature
    return found


class Log:
    """Workers that finish at given moments, and the order in which they did."""

    def __init__(self) -> None:
        self.order: list[str] = []

    async def a(self) -> None:
        await asyncio.sleep(0.010)
        self.order.append("a")

    async def b(self) -> None:
        await asyncio.sleep(0.012)
        self.order.append("b")

    async def c(self) -> None:
        await asyncio.sleep(0.100)
        self.order.append("c")

    async def d(self) -> None:
        await asyncio.sleep(0.110)
        self.order.append("d")

    async def all(self) -> list[str]:
        await asyncio.gather(self.a(), self.b(), self.c(), self.d())
        return self.order


async def overtaken() -> None:
    order = await Log().all()
    assert order.index("a") < order.index("b")


async def too_late() -> None:
    await asyncio.wait_for(Log().a(), 0.015)


async def twice_overtaken() -> None:
    order = await Log().all()
    assert order.index("a") < order.index("b") or order.index("c") < order.index("d")


async def two_ways_to_be_late() -> None:
    loop = asyncio.get_running_loop()
    log, start = Log(), loop.time()
    ended: dict[str, float] = {}

    async def timed(name: str) -> None:
        await getattr(log, name)()
        ended[name] = loop.time() - start

    await asyncio.gather(*map(timed, "abcd"))
    in_time = (ended["a"] < 0.011 or ended["b"] < 0.013) and ended["c"] < 0.110
    assert in_time


async def tied() -> None:
    log = Log()
    await asyncio.gather(log.a(), log.a(), log.b())
    tasks = [asyncio.create_task(asyncio.sleep(0.001, n), name=f"t{n}") for n in range(2)]
    done, _ = await asyncio.wait(tasks)
    assert [task.result() for task in done] == [0, 1]


async def always_fails() -> None:
    await Log().all()
    raise ValueError("always")


@pytest.mark.parametrize(
    "program, start, expected",
    [
        pytest.param(
            overtaken,
            {"a#1": ms(7.654321), "b#1": ms(0.5), "c#1": ms(30), "d#1": ms(1)},
            {"a#1": ms(3)},
            id="overtaken",
        ),
        pytest.param(
            too_late,
            {"a#1": ms(8.7)},
            {"a#1": ms(5)},
            id="too late",
        ),
        pytest.param(
            twice_overtaken,
            {"a#1": ms(9.1), "b#1": ms(1), "c#1": ms(44.4), "d#1": ms(3, 1)},
            {"a#1": ms(3), "c#1": ms(20)},
            id="two overtaken",
        ),
        pytest.param(
            two_ways_to_be_late,
            {"a#1": ms(5.5), "b#1": ms(5.5)},
            {"c#1": ms(10)},
            id="one hold instead of two",
        ),
        pytest.param(
            always_fails,
            {"a#1": ms(5), "c#1": ms(1, 2, 3)},
            {},
            id="stock order is enough",
        ),
    ],
)
def test_a_bug_shrinks_to_exactly_these_holds(
    program: Callable[[], Any], start: dict[str, Hold], expected: dict[str, Hold]
) -> None:
    assert shrunk(program, Plan(start)) == Plan(expected)


def test_a_pick_shrinks_to_the_one_that_matters() -> None:
    picks = {f"set order of task {n}": 2 for n in range(1, 8)}
    plan = shrunk(tied, Plan(picks=picks | {"set order of task 6": 0}))
    assert plan == Plan(picks={"set order of task 5": 1})


async def rare_and_common() -> None:
    first, second = (await Log().all())[:2], Log()
    await asyncio.gather(second.a(), second.b())
    if first == ["b", "a"]:
        raise KeyError("rare")
    assert second.order == ["a", "b"], "common"


def test_a_rare_bug_is_never_traded_for_a_common_one() -> None:
    common, rare = Plan({"a#2": ms(3)}), Plan({"a#1": ms(9), "a#2": ms(9), "b#1": ms(0.1)})
    assert isinstance(execute(rare_and_common, common, LIMITS).error, AssertionError)
    assert isinstance(execute(rare_and_common, rare, LIMITS).error, KeyError)
    assert shrunk(rare_and_common, rare) == Plan({"a#1": ms(3)})


def test_a_common_bug_is_not_traded_for_a_rare_one_either() -> None:
    assert shrunk(rare_and_common, Plan({"a#2": ms(9), "c#1": ms(50)})) == Plan({"a#2": ms(3)})


@pytest.mark.parametrize("budget", [0, 1, 7])
def test_a_small_budget_still_gives_a_plan_that_shows_the_bug(budget: int) -> None:
    plan = shrunk(overtaken, Plan({"a#1": ms(9), "b#1": ms(0.1), "c#1": ms(1)}), budget)
    assert 1 <= len(plan) <= 3


def test_order_and_seed_of_the_plan_are_kept() -> None:
    plan = shrunk(overtaken, Plan({"a#1": ms(9)}, order="any", seed=5))
    assert (plan.order, plan.seed) == ("any", 5)


def test_shrinking_does_not_stretch_a_hold_beyond_what_was_found() -> None:
    found: Outcome = execute(overtaken, Plan({"a#1": Hold(2 * MS + 10)}), LIMITS)
    assert found.failed
    plan = shrunk(overtaken, found.plan)
    assert plan.holds["a#1"].by_ns <= 2 * MS + 10
