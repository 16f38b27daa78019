import asyncio
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

import spectest
from spectest.exploration.execution import execute
from spectest.exploration.results import Point
from spectest.exploration.shrinking import Shrinker
from spectest.kernel.plan import Hold, Plan
from spectest.world import Limits


async def call(seconds: float = 0.010) -> float:
    await asyncio.sleep(seconds)
    return seconds


async def two_calls() -> None:
    await call()
    await call(0.020)


async def group() -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(two_calls())
        tasks.create_task(call(0.020))


async def swallows() -> None:
    with suppress(asyncio.CancelledError):
        await call()


async def uncancels() -> None:
    try:
        await call()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        assert task is not None
        task.uncancel()


def cells(sweep: spectest.Sweep) -> list[tuple[str, int, str, str]]:
    return [(one.task, one.number, one.by, one.kind) for one in sweep.points]


def outcomes(sweep: spectest.Sweep) -> set[str]:
    return {one.outcome for one in sweep.points}


# What is tried.


def test_each_task_is_cancelled_at_each_await_and_so_is_the_program() -> None:
    sweep = spectest.sweep(group)
    assert sweep.failure is None
    assert outcomes(sweep) == {"cancelled"}
    of_tasks = [(task, n, kind) for task, n, by, kind in cells(sweep) if by == "task"]
    assert of_tasks == [
        ("two_calls (Task-2)", 1, "before"),
        ("two_calls (Task-2)", 1, "at"),
        ("two_calls (Task-2)", 1, "after"),
        ("call (Task-3)", 1, "before"),
        ("call (Task-3)", 1, "at"),
        ("two_calls (Task-2)", 2, "before"),
        ("two_calls (Task-2)", 2, "at"),
    ]
    ways = {by for task, _, by, _ in cells(sweep) if task == "group (Task-1)"}
    assert ways == {"caller", "timeout"}


def test_every_await_is_covered_and_nothing_is_done_twice() -> None:
    sweep = spectest.sweep(group)
    coverage = sweep.coverage
    assert (coverage.awaits, coverage.reached) == (4, 4)
    assert coverage.cancellations == len({one.token for one in sweep.points})
    # Twice in stock order, and once to list the awaits.
    assert sweep.executions == coverage.cancellations + 3


def test_after_an_await_is_before_the_next_one() -> None:
    points = {(one.number, one.by, one.kind): one for one in spectest.sweep(two_calls).points}
    assert points[1, "caller", "after"].token == points[2, "caller", "before"].token
    assert (2, "caller", "after") not in points


def test_before_and_at_are_one_where_a_task_only_lets_others_run() -> None:
    async def yields() -> None:
        await asyncio.sleep(0)

    before, at = spectest.sweep(yields, kinds=["caller", "before", "at"]).points[:2]
    assert (before.kind, at.kind) == ("before", "at")
    assert before.token == at.token


def test_a_point_has_its_line_and_what_is_waited_for() -> None:
    point = next(one for one in spectest.sweep(group).points if one.task == "call (Task-3)")
    assert (point.where.function, point.waits_for) == ("call", "call#2")


@pytest.mark.parametrize(
    "kinds, ways, moments",
    [
        (["before", "at"], {"task"}, {"before", "at"}),
        (["caller"], {"caller"}, {"before", "at", "after"}),
        (["timeout", "at"], {"task", "timeout"}, {"at"}),
        ("after", {"task"}, {"after"}),
    ],
)
def test_kinds(kinds: Any, ways: set[str], moments: set[str]) -> None:
    found = cells(spectest.sweep(group, kinds=kinds))
    assert {by for _, _, by, _ in found} == ways
    assert {kind for _, _, _, kind in found} == moments


@pytest.mark.parametrize("tasks", ["call", "call (Task-3)", "ca*", ["call", "nobody"]])
def test_tasks_are_chosen_by_name_or_pattern(tasks: Any) -> None:
    sweep = spectest.sweep(group, tasks=tasks)
    assert {task for task, *_ in cells(sweep)} == {"call (Task-3)"}
    assert (sweep.coverage.awaits, sweep.coverage.reached) == (4, 1)


def test_a_function_that_runs_its_own_loop_is_swept_but_for_timeouts() -> None:
    def runs() -> None:
        asyncio.run(group())

    sweep = spectest.sweep(runs)
    assert sweep.failure is None
    assert {by for _, _, by, _ in cells(sweep)} == {"task", "caller"}


def test_a_completion_that_never_comes_is_not_reached() -> None:
    async def leaves_it() -> None:
        asyncio.create_task(asyncio.Event().wait(), name="waiter")
        await call()

    points = spectest.sweep(leaves_it, leaks="ignore", tasks="waiter", kinds=["at"]).points
    assert [one.outcome for one in points] == ["not reached"]


# What is found.


def test_a_program_that_is_cancelled_must_not_return() -> None:
    sweep = spectest.sweep(swallows)
    assert outcomes(sweep) == {"failed"}
    error = sweep.failure and sweep.failure.error
    assert isinstance(error, spectest.CancellationSwallowed)
    assert error.task == "swallows (Task-1)"
    assert "was cancelled at its await 1, " in str(error)
    assert "test_sweep.py" in str(error)


def test_unless_it_says_that_it_means_to() -> None:
    sweep = spectest.sweep(uncancels)
    assert sweep.failure is None
    assert outcomes(sweep) == {"survived"}


def test_a_task_may_go_on_and_the_matrix_says_so() -> None:
    async def has_a_stubborn_task() -> None:
        await asyncio.create_task(swallows())

    sweep = spectest.sweep(has_a_stubborn_task, kinds=["before"])
    assert sweep.failure is None
    assert outcomes(sweep) == {"survived"}


@pytest.mark.parametrize("by", ["caller", "timeout"])
def test_wait_for_of_python_3_11_swallows_a_cancellation(by: str) -> None:
    async def waits() -> None:
        await asyncio.wait_for(call(), 1)

    sweep = spectest.sweep(waits, kinds=[by])
    error = sweep.failure and sweep.failure.error
    if sys.version_info >= (3, 12):
        assert error is None
    else:
        assert isinstance(error, spectest.CancellationSwallowed)


def test_who_waits_for_a_cancelled_task_for_ever_is_a_deadlock() -> None:
    async def waits_for_an_item() -> None:
        queue: asyncio.Queue[int] = asyncio.Queue()

        async def produce() -> None:
            await call()
            queue.put_nowait(1)

        task = asyncio.create_task(produce())
        await queue.get()
        await task

    sweep = spectest.sweep(waits_for_an_item)
    assert [type(one.error) for one in sweep.failures] == [spectest.Deadlock]


def test_a_task_that_the_cancelled_program_leaves_behind_is_a_leak() -> None:
    async def beats() -> None:
        while True:
            await asyncio.sleep(30)

    async def leaves_it() -> None:
        heart = asyncio.create_task(beats())
        await call()
        heart.cancel()
        await asyncio.wait([heart])

    sweep = spectest.sweep(leaves_it, kinds=["caller"])
    assert [type(one.error) for one in sweep.failures] == [spectest.TaskLeaked]


def test_there_is_one_failure_for_each_bug_and_one_error_for_each_point() -> None:
    sweep = spectest.sweep(swallows)
    assert len(sweep.failures) == 1
    assert len([one for one in sweep.points if one.error is not None]) == 4


def test_a_failure_is_made_like_those_of_a_search() -> None:
    failure = spectest.sweep(swallows, confirm=True).failure
    assert failure is not None
    assert failure.strategy == "sweep"
    assert failure.order_model == "strict"
    assert failure.trace.of_kind("choice")
    assert not failure.stock_trace.of_kind("choice")
    assert failure.confirmation is not None
    assert failure.confirmation.confirmed
    assert failure.confirmation.reason == "it fails in the same way"
    with pytest.raises(spectest.CancellationSwallowed):
        spectest.run(swallows, plan=failure.plan)


def test_a_program_that_fails_by_itself_is_not_swept() -> None:
    async def fails() -> None:
        await call()
        raise LookupError

    sweep = spectest.sweep(fails)
    assert isinstance(sweep.failure and sweep.failure.error, LookupError)
    assert sweep.points == ()
    assert sweep.executions == 2


def test_a_program_that_differs_from_run_to_run_is_told() -> None:
    calls: list[int] = []

    async def remembers() -> None:
        calls.append(1)
        await call(0.010 * len(calls))

    sweep = spectest.sweep(remembers)
    assert isinstance(sweep.failure and sweep.failure.error, spectest.NondeterminismError)


def test_cancellations_shrink_together_with_holds() -> None:
    pick = "cancel the program, with swallows (Task-1) at await 1, at"
    found = execute(swallows, Plan(holds={"call#1": Hold(1_000_000)}, picks={pick: 1}), Limits())
    assert found.failed
    assert len(found.plan) == 2
    stock = execute(swallows, Plan(), Limits(), record=True)
    assert stock.trace is not None
    small = Shrinker(swallows, Limits(), found).shrink(stock.trace)
    assert (dict(small.holds), dict(small.picks)) == ({}, {pick: 1})


def test_the_same_sweep_twice() -> None:
    def facts(one: Point) -> tuple[Any, ...]:
        return (one.task, one.number, one.by, one.kind, one.outcome, one.token, one.waits_for)

    first, second = (list(map(facts, spectest.sweep(group).points)) for _ in range(2))
    assert first == second


# A check of the program's own.


def with_check(check: Callable[[list[str]], Any]) -> Callable[[], Any]:
    def program() -> Any:
        left: list[str] = []

        async def main() -> None:
            left.append("begun")
            await call()
            left.append("ended")

        return main(), lambda: check(left)

    return program


def test_a_check_sees_what_the_program_leaves() -> None:
    seen: list[list[str]] = []
    assert spectest.sweep(with_check(seen.append)).failure is None
    assert sorted(map(len, seen)) == [1, 1, 1, 1, 2, 2, 2]


def test_a_check_that_fails_is_the_failure_and_its_token_needs_nothing_else() -> None:
    def all_of_it(left: list[str]) -> None:
        assert left == ["begun", "ended"], "half done"

    program = with_check(all_of_it)
    failure = spectest.sweep(program).failure
    assert failure is not None
    with pytest.raises(AssertionError, match="half done"):
        spectest.replay(program, failure.token)
    assert spectest.confirm(program, failure.token).confirmed
    assert spectest.explore(program, runs=10).failure is None


def test_a_check_may_be_a_coroutine_function_and_is_not_cancelled_itself() -> None:
    async def waits(left: list[str]) -> None:
        await call()
        left.append("checked")

    sweep = spectest.sweep(with_check(waits))
    assert sweep.failure is None
    assert {task for task, *_ in cells(sweep)} == {"main (Task-1)"}


def test_a_check_waits_until_all_that_was_left_has_ended() -> None:
    def program() -> Any:
        done: list[int] = []

        async def later() -> None:
            await call()
            done.append(1)

        async def main() -> None:
            asyncio.create_task(later())

        return main(), lambda: _is(done, [1])

    spectest.run(program)


def _is(left: object, right: object) -> None:
    assert left == right


def test_a_pair_that_is_none_is_a_result() -> None:
    assert spectest.run(lambda: (1, 2)) == (1, 2)


# Misuse.


def test_threads_cannot_be_cancelled() -> None:
    def threads() -> None:
        thread = threading.Thread(target=print, args=("",), kwargs={"end": ""})
        thread.start()
        thread.join()

    with pytest.raises(spectest.UsageError, match="no task that could be cancelled; threads can"):
        spectest.sweep(threads)


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"tasks": "nobody"}, r"fits no task of .*group \(Task-1\), two_calls \(Task-2\)"),
        ({"tasks": ()}, "must be a name, or several"),
        ({"tasks": 3}, "must be a name, or several"),
        ({"kinds": ["sometimes"]}, "'sometimes' is none of before, at, after, caller, timeout"),
        ({"colour": 1}, "is not a setting"),
    ],
)
def test_settings_that_mean_nothing(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(spectest.UsageError, match=words):
        spectest.sweep(group, **settings)


def test_a_program_without_awaits_has_nothing_to_cancel() -> None:
    async def at_once() -> None: ...

    sweep = spectest.sweep(at_once)
    assert (sweep.points, sweep.failure, sweep.coverage.awaits) == ((), None, 0)
