"""The strategies for Hypothesis: what they draw, what they shrink to, what they refuse."""

import asyncio
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

import spectest
from spectest.faults import FaultPlan, Hang
from spectest.hypothesis import branches, fault_plans, latencies, plans, services
from spectest.latency import Constant, Latency
from spectest.strategies.drawn import Departure, DrawnPlan

pytestmark = pytest.mark.usefixtures("one_installation")

quick = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])


async def race() -> list[str]:
    finished: list[str] = []

    async def finish(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        finished.append(name)

    await asyncio.gather(finish("first", 0.100), finish("second", 0.105))
    return finished


def test_the_smallest_plan_is_stock_order() -> None:
    assert find(plans(), lambda _: True) == DrawnPlan()
    assert spectest.run(race, plan=DrawnPlan()) == ["first", "second"]


def test_one_departure_is_left_of_what_turns_a_race_around() -> None:
    def turned(plan: DrawnPlan) -> bool:
        return bool(spectest.run(race, plan=plan) == ["second", "first"])

    chosen = settings(database=None, max_examples=2_000)
    smallest = find(plans(), turned, settings=chosen, random=Random(0))
    assert len(smallest.departures) == 1


@quick
@given(plan=plans(order="any", horizon=10))
def test_a_drawn_plan_is_one_execution(plan: DrawnPlan) -> None:
    assert spectest.run(race, plan=plan) == spectest.run(race, plan=plan)


def test_a_failure_under_a_drawn_plan_has_a_token() -> None:
    async def in_order() -> None:
        assert await race() == ["first", "second"]

    for at in range(10):
        plan = DrawnPlan((Departure(at, option=4, hold=3),))
        try:
            spectest.run(in_order, plan=plan)
        except AssertionError as error:
            (note,) = [one for one in error.__notes__ if "token" in one]
            with pytest.raises(AssertionError):
                spectest.replay(in_order, note.rpartition(" ")[2])
            return
    pytest.fail("no departure turns it around")


@quick
@given(latency=latencies(shortest=0.002, longest=0.5))
def test_latencies_are_latencies(latency: Latency) -> None:
    shortest, usual, longest = latency.interval()
    assert 0 <= shortest <= usual <= longest
    assert usual <= 0.5


def test_latencies_shrink_to_a_constant() -> None:
    assert find(latencies(), lambda it: it.mean >= 0.010) == Constant(0.010)


@quick
@given(service=services("llm", answer=st.integers(0, 9), capacity=1))
def test_services_answer(service: spectest.FakeService) -> None:
    async def program() -> Any:
        return await service()

    assert spectest.run(program) in range(10)


def test_branches_keep_their_order_and_shrink_to_those_that_matter() -> None:
    names = ["a", "b", "c", "d"]

    def named(them: list[spectest.FakeService]) -> list[str]:
        return [service.name for service in them]

    found = find(branches(names), lambda them: {"d", "b"} <= set(named(them)))
    assert named(found) == ["b", "d"]
    assert named(find(branches(names, least=0), lambda _: True)) == []
    assert len(find(branches(names, least=3, most=3), lambda _: True)) == 3


def test_fault_plans_shrink_to_none() -> None:
    assert find(fault_plans(), lambda _: True) == FaultPlan()
    hanging = find(fault_plans(["llm", "rules"]), lambda it: any(map(_hangs, it.faults)))
    assert hanging == FaultPlan(Hang(on="llm"))


def _hangs(fault: object) -> bool:
    return isinstance(fault, Hang)


@pytest.mark.parametrize(
    "make, complaint",
    [
        (lambda: plans(horizon=0), "plans: horizon=0"),
        (lambda: plans(most=-1), "plans: most=-1"),
        (lambda: plans(order="total"), "order='total'"),  # type: ignore[arg-type]
        (lambda: latencies(shortest=2.0, longest=1.0), "latencies: shortest=2.0"),
        (lambda: branches(["a", "a"]), "must be different"),
        (lambda: branches(["a"], least=2), "least=2"),
        (lambda: fault_plans([]), "fault_plans: names="),
    ],
)
def test_what_cannot_be_drawn_is_refused(make: Any, complaint: str) -> None:
    with pytest.raises(spectest.UsageError, match=complaint):
        make()
