import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import pytest

from spectest.eventloop.loop import VirtualEventLoop
from spectest.eventloop.recording import RecordingEventLoop
from spectest.exploration.execution import Outcome, execute
from spectest.kernel.cancellation import Cancellation, Moment, Way
from spectest.kernel.plan import Plan
from spectest.world import Limits, World


def listed(program: Callable[[], Any]) -> Outcome:
    return execute(program, Plan(), Limits(), record=True, list_awaits=True)


def awaits(program: Callable[[], Any]) -> list[tuple[str, int, str]]:
    return [(one.task, one.number, one.waits_for) for one in listed(program).awaits]


def cancelled(
    program: Callable[[], Any], task: str, number: int, moment: Moment, way: Way = "task"
) -> Outcome:
    label = Cancellation(task, number, moment, way).label
    outcome = execute(program, Plan(picks={label: 1}), Limits())
    assert list(outcome.plan.picks) == [label], "it took no effect"
    return outcome


async def call(seconds: float = 0.010) -> float:
    await asyncio.sleep(seconds)
    return seconds


async def group() -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(call())
        tasks.create_task(call(0.020))


# The list.


def test_an_await_is_named_after_what_lets_it_go_on() -> None:
    assert awaits(group) == [
        ("group (Task-1)", 1, "call (Task-3)"),
        ("call (Task-2)", 1, "call#1"),
        ("call (Task-3)", 1, "call#2"),
    ]
    main, first, _ = listed(group).awaits
    assert (main.main, first.main) == (True, False)
    assert main.left
    assert first.left
    assert first.where.function == "call"


def test_who_only_lets_others_run_waits_for_nothing() -> None:
    async def yields() -> None:
        await asyncio.sleep(0)

    (one,) = listed(yields).awaits
    assert (one.yields, one.waits_for) == (True, "")


def test_what_nobody_ever_wakes_is_told_in_words() -> None:
    async def forgets() -> None:
        asyncio.create_task(asyncio.Event().wait())
        await asyncio.sleep(0.010)

    outcome = execute(forgets, Plan(), Limits(leaks="ignore"), record=True, list_awaits=True)
    waits = {one.task: (one.waits_for, one.left) for one in outcome.awaits}
    assert waits["wait (Task-2)"] == ("asyncio.Event, which is not set", False)


def test_tasks_of_one_name_are_told_apart() -> None:
    async def workers() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(call(), name="worker")
            tasks.create_task(call(), name="worker")

    assert [one.task for one in listed(workers).awaits[1:]] == ["worker", "worker (2)"]
    assert cancelled(workers, "worker (2)", 1, "before").survived == ()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
def test_a_task_that_begins_eagerly_waits_when_its_maker_has_it() -> None:
    async def eager() -> list[bool]:
        asyncio.get_running_loop().set_task_factory(vars(asyncio)["eager_task_factory"])
        task = asyncio.create_task(call())
        alive = not task.cancelling()
        return [alive, *(await asyncio.wait([task]))[0].pop().cancelled() * [True]]

    assert awaits(eager) == [("call (Task-2)", 1, "call#1"), ("eager (Task-1)", 1, "call (Task-2)")]
    assert cancelled(eager, "call (Task-2)", 1, "before").result == [True, True]


def test_a_generator_waits_in_the_task_that_walks_it() -> None:
    async def numbers() -> AsyncIterator[int]:
        await asyncio.sleep(0.010)
        yield 1

    async def walks() -> list[int]:
        return [number async for number in numbers()]

    (one,) = listed(walks).awaits
    assert (one.task, one.where.function) == ("walks (Task-1)", "numbers")


def test_of_a_librarys_tasks_those_awaits_are_listed_that_stand_in_a_line_of_the_users() -> None:
    async def with_anyio() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            tasks.start_soon(anyio.sleep, 0.010)

    assert [one.where.function for one in listed(with_anyio).awaits] == ["with_anyio", "call"]


def test_the_end_of_a_run_is_no_task_of_the_program() -> None:
    def runs() -> None:
        asyncio.run(call())

    assert [one.task for one in listed(runs).awaits] == ["call (Task-1)"]


def test_listing_changes_nothing() -> None:
    plain = execute(group, Plan(), Limits(), record=True)
    assert plain.trace is not None
    trace = listed(group).trace
    assert trace is not None
    assert trace.fingerprint == plain.trace.fingerprint


def kind_of_loop(world: World) -> type:
    loop = world.new_loop()
    loop.close()
    return type(loop)


def test_a_world_without_cancellations_has_the_loops_it_always_had() -> None:
    label = "set order of task 2"
    planned = Cancellation("call (Task-1)", 1, "at").label
    assert kind_of_loop(World(Plan(picks={label: 1}))) is VirtualEventLoop
    assert kind_of_loop(World(record=True)) is RecordingEventLoop
    assert kind_of_loop(World(Plan(picks={planned: 1}))) is not VirtualEventLoop


# The moments.


async def transfer() -> str:
    """What it had got when it was cancelled."""
    got: list[str] = []

    async def answer() -> None:
        await asyncio.sleep(0.010)
        got.append("answer")

    async def ask() -> None:
        try:
            await asyncio.shield(asyncio.create_task(answer()))
            got.append("went on")
        except asyncio.CancelledError:
            got.append("cancelled")
            raise

    await asyncio.wait([asyncio.create_task(ask())])
    return ", ".join(got)


@pytest.mark.parametrize("moment, expected", [("before", "cancelled"), ("at", "answer, cancelled")])
def test_before_the_completion_and_when_it_has_come(moment: Moment, expected: str) -> None:
    assert execute(transfer, Plan(), Limits()).result == "answer, went on"
    assert cancelled(transfer, "ask (Task-2)", 1, moment).result == expected


def test_a_gathering_passes_it_on() -> None:
    async def gathers() -> Any:
        return await asyncio.gather(call(), call(0.020), return_exceptions=True)

    first, second = cancelled(gathers, "call (Task-2)", 1, "before").result
    assert isinstance(first, asyncio.CancelledError)
    assert second == 0.020
    outcome = cancelled(gathers, "gathers (Task-1)", 1, "before", "caller")
    assert (outcome.error, outcome.result, outcome.survived) == (None, None, ())


def test_a_timeout_inside_is_not_mistaken_for_the_cancellation() -> None:
    async def timed() -> None:
        async with asyncio.timeout(1):
            await call()

    for way in ("caller", "timeout"):
        outcome = cancelled(timed, "timed (Task-1)", 1, "at", way)
        assert (outcome.error, outcome.survived) == (None, ())


def test_a_timeout_around_the_program_ends_it_with_a_timeout_error() -> None:
    seen: list[str] = []

    async def patient() -> None:
        try:
            await call()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    assert cancelled(patient, "patient (Task-1)", 1, "before", "timeout").error is None
    assert seen == ["cancelled"]


def test_an_error_of_the_programs_own_is_a_failure_all_the_same() -> None:
    async def converts() -> None:
        try:
            await call()
        except asyncio.CancelledError:
            raise ConnectionError from None

    error = cancelled(converts, "converts (Task-1)", 1, "before", "caller").error
    assert isinstance(error, ConnectionError)


def test_a_cancelled_error_that_nobody_asked_for_is_a_failure() -> None:
    async def cancels_itself() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await call()

    assert isinstance(execute(cancels_itself, Plan(), Limits()).error, asyncio.CancelledError)


def test_it_is_as_possible_as_the_stock_order() -> None:
    assert cancelled(group, "call (Task-2)", 1, "at").order_model == "strict"


# Recording.


@pytest.mark.parametrize("moment", ["before", "at"])
@pytest.mark.parametrize("way", ["task", "caller", "timeout"])
def test_recorded_or_not_it_is_the_same_execution(moment: Moment, way: Way) -> None:
    plan = Plan(picks={Cancellation("call (Task-2)", 1, moment, way).label: 1})
    plain = execute(group, plan, Limits())
    recorded = execute(group, plan, Limits(), record=True)
    assert (plain.signature, plain.steps, plain.survived) == (
        recorded.signature,
        recorded.steps,
        recorded.survived,
    )


def test_the_trace_tells_where_and_what_had_come() -> None:
    plan = Plan(picks={Cancellation("call (Task-2)", 1, "at").label: 1})
    trace = execute(group, plan, Limits(), record=True).trace
    assert trace is not None
    (choice,) = trace.of_kind("choice")
    assert choice.where.function == "call"
    assert trace[choice.cause].subject == "call#1"
    (cancel,) = trace.of_kind("cancel")
    assert cancel.cause == choice.number
