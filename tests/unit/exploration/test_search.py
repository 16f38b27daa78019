import asyncio
import functools
import gc
import random
import threading
import time
from asyncio import events, tasks
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spectest.errors import NondeterminismError, TokenError, UsageError
from spectest.exploration.database import Database
from spectest.exploration.results import Failure
from spectest.exploration.search import Search, explore, name_of, replay, run
from spectest.exploration.settings import Settings
from spectest.kernel.plan import Hold, Plan
from spectest.kernel.token import encode

MS = 1_000_000


async def first() -> str:
    await asyncio.sleep(0.010)
    return "first"


async def second() -> str:
    await asyncio.sleep(0.011)
    return "second"


async def racy() -> None:
    """Fails if the second comes first."""
    running = [asyncio.create_task(f()) for f in (first, second)]
    order = [await each for each in asyncio.as_completed(running)]
    assert order == ["first", "second"]


async def healthy() -> str:
    return " ".join(await asyncio.gather(first(), second()))


async def broken() -> None:
    await asyncio.sleep(0.5)
    raise ValueError("always")


async def empty() -> None:
    pass


def test_a_failure_of_stock_order_is_found_first_and_has_no_plan() -> None:
    failure = explore(broken).failure
    assert failure is not None
    assert isinstance(failure.error, ValueError)
    assert failure.found_at <= 2
    assert (len(failure.plan), failure.order_model, failure.shrunk_in) == (0, "strict", 0)
    assert failure.strategy == "stock order"
    assert failure.trace.fingerprint == failure.stock_trace.fingerprint


def test_with_one_run_a_failure_of_stock_order_is_found_at_1() -> None:
    failure = explore(broken, runs=1).failure
    assert failure is not None
    assert failure.found_at == 1


def test_a_race_is_found_shrunk_and_recorded() -> None:
    report = explore(racy)
    failure = report.failure
    assert failure is not None
    assert isinstance(failure.error, AssertionError)
    assert set(failure.plan.holds) == {"first#1"}
    assert 0 < failure.plan.holds["first#1"].by_ns <= MS
    assert failure.order_model == "ties"
    assert failure.found_at == report.executions > 2
    assert not report.complete
    assert failure.trace.fingerprint != failure.stock_trace.fingerprint


def test_what_was_found_is_replayed_by_its_token() -> None:
    failure = explore(racy).failure
    assert failure is not None
    with pytest.raises(AssertionError):
        replay(racy, failure.token)
    with pytest.raises(AssertionError):
        run(racy, plan=failure.plan)
    assert replay(healthy, failure.token) == "first second"


def test_one_seed_is_one_search_and_another_seed_is_another() -> None:
    def found(seed: int) -> tuple[object, ...]:
        failure = explore(racy, seed=seed, strategy="random").failure
        assert failure is not None
        return failure.found_at, failure.token

    assert [found(3), found(4), found(5)] == [found(3), found(4), found(5)]
    assert len({found(seed) for seed in range(6)}) > 1


@pytest.mark.parametrize("strategy", ["portfolio", "dfs", "random"])
def test_a_program_without_choices_is_complete_at_once(strategy: str) -> None:
    report = explore(empty, order="strict", strategy=strategy)
    assert report.complete
    assert report.failure is None
    assert report.executions == 3
    assert report.confidence == ()


@pytest.mark.parametrize("strategy", ["portfolio", "dfs"])
def test_a_small_program_is_searched_completely(strategy: str) -> None:
    assert explore(empty, strategy=strategy).complete
    report = explore(declared, order="strict", strategy=strategy)
    assert report.complete
    assert report.failure is None
    assert 3 < report.executions < 60


async def declared() -> None:
    loop: Any = asyncio.get_running_loop()
    done = loop.create_future()
    loop.schedule_operation(
        0.002,
        lambda handle: loop.scheduler.operation("call", "llm", (MS, 2 * MS, 3 * MS), -1, handle),
        functools.partial(done.set_result, None),
    )
    await asyncio.wait([done], timeout=0.0025)
    await done


def test_a_search_that_ends_at_its_runs_is_not_complete_and_says_what_it_is_worth() -> None:
    report = explore(healthy, runs=10)
    assert (report.executions, report.complete, report.failure) == (10, False, None)
    assert all("would have been found with probability" in line for line in report.confidence)


def test_ties_are_found_under_ties_and_not_under_strict() -> None:
    async def tied() -> None:
        order: list[int] = []

        async def note(n: int) -> None:
            await asyncio.sleep(0.01)
            order.append(n)

        await asyncio.gather(note(1), note(2))
        assert order == [1, 2]

    assert explore(tied, order="strict").failure is None
    failure = explore(tied).failure
    assert failure is not None
    assert failure.order_model == "ties"


def test_an_order_of_steps_that_asyncio_does_not_have_is_found_under_any_only() -> None:
    async def fifo() -> None:
        order: list[int] = []

        async def note(n: int) -> None:
            order.append(n)

        await asyncio.gather(note(1), note(2))
        assert order == [1, 2]

    assert explore(fifo).failure is None
    failure = explore(fifo, order="any").failure
    assert failure is not None
    assert failure.order_model == "any"
    with pytest.raises(AssertionError):
        replay(fifo, failure.token)


class Racing:
    async def method(self) -> None:
        await racy()

    def __call__(self, again: bool = False) -> Any:
        return racy()


@functools.wraps(name_of)
async def knows_the_arguments() -> None:
    await racy()


@pytest.mark.parametrize(
    "program",
    [
        Racing().method,
        Racing(),
        functools.partial(Racing.method, Racing()),
        functools.partial(Racing(), again=True),
        lambda *args, **kwargs: racy(),
        knows_the_arguments,
    ],
)
def test_what_can_do_without_arguments_is_a_program(program: Callable[[], Any]) -> None:
    assert isinstance(explore(program).failure, Failure)


def test_what_tells_no_signature_is_a_program() -> None:
    assert explore(dict).failure is None


def test_what_takes_arguments_is_no_program() -> None:
    def takes(url: str, *, size: int, timeout: float = 1) -> None:
        raise AssertionError("ran")

    fetch: Any = takes
    unnamed: Any = lambda x: x  # noqa: E731
    for program in (fetch, functools.partial(fetch, timeout=3)):
        for use in (explore, run, lambda f: replay(f, encode(Plan()))):
            with pytest.raises(UsageError, match=r"takes arguments \(url, size=...\)"):
                use(program)
    with pytest.raises(UsageError, match=r"Wrap it: lambda: takes\(url, size=...\)"):
        explore(fetch)
    with pytest.raises(UsageError, match="`program` takes arguments"):
        explore(unnamed)


# Saved failures.


def searched(program: Callable[[], Any], root: Path, **settings: Any) -> Any:
    chosen = Settings.of({"database": True, **settings})
    return Search(program, chosen, name="program", root=root).report()


def test_a_saved_failure_is_tried_right_after_stock_order(tmp_path: Path) -> None:
    found = searched(racy, tmp_path)
    assert Database(tmp_path).plans("program") == [found.failure.plan]
    again = searched(racy, tmp_path, seed=99)
    assert again.failure.found_at == 3
    assert again.failure.strategy == "a saved failure"
    assert again.failure.plan == found.failure.plan


def test_a_saved_failure_is_forgotten_once_it_is_fixed(tmp_path: Path) -> None:
    searched(racy, tmp_path)
    report = searched(healthy, tmp_path, runs=5)
    assert report.failure is None
    assert Database(tmp_path).plans("program") == []


def test_the_newest_saved_failure_that_still_fails_counts(tmp_path: Path) -> None:
    database = Database(tmp_path)
    database.save("program", Plan({"first#1": Hold(MS * 2)}))
    database.save("program", Plan({"nobody#1": Hold(5)}))
    report = searched(racy, tmp_path)
    assert report.failure.found_at == 4
    assert Plan({"nobody#1": Hold(5)}) not in database.plans("program")


def test_a_failure_of_stock_order_is_not_saved(tmp_path: Path) -> None:
    assert searched(broken, tmp_path).failure is not None
    assert list(tmp_path.iterdir()) == []


# What a search leaves behind.


def surroundings() -> tuple[object, ...]:
    return (
        events.new_event_loop,
        asyncio._get_running_loop(),
        vars(tasks).get("set"),
        time.sleep,
        random.getstate(),
        gc.isenabled(),
        threading.active_count(),
    )


async def interrupted() -> None:
    background = asyncio.create_task(asyncio.sleep(5))
    await asyncio.to_thread(time.sleep, 0.1)
    await asyncio.sleep(0.1)
    assert not background.done()
    raise KeyboardInterrupt


async def sleeper() -> None:
    random.seed(1)
    await asyncio.to_thread(time.sleep, 0.1)


def test_an_interrupt_passes_through_and_nothing_stays_patched() -> None:
    before = surroundings()
    with pytest.raises(KeyboardInterrupt):
        explore(interrupted)
    assert surroundings() == before


@pytest.mark.parametrize("program", [healthy, racy, broken, sleeper])
def test_nothing_stays_patched_after_a_search(program: Callable[[], Any]) -> None:
    before = surroundings()
    explore(program, runs=20)
    assert surroundings() == before


def test_misuse_passes_through_and_nothing_stays_patched() -> None:
    async def misuse() -> None:
        raise UsageError("wrong")

    before = surroundings()
    with pytest.raises(UsageError, match="wrong"):
        explore(misuse)
    assert surroundings() == before


def test_a_search_works_inside_a_running_loop() -> None:
    async def outside() -> Any:
        report = explore(racy)
        await asyncio.sleep(0)
        return report

    assert asyncio.run(outside()).failure is not None


# The rest.


def test_a_failure_that_does_not_repeat_is_chance_and_not_a_bug() -> None:
    runs: list[int] = []

    async def flaky() -> None:
        runs.append(1)
        if len(runs) % 4 == 3:
            raise ValueError("now and then")
        await asyncio.sleep(0.1)

    failure = explore(flaky).failure
    assert failure is not None
    assert isinstance(failure.error, NondeterminismError)
    assert "ValueError('now and then')" in str(failure.error)


def test_run_is_like_asyncio_run_on_virtual_time() -> None:
    started = time.monotonic()
    assert run(functools.partial(asyncio.sleep, 86_400, "a day later")) == "a day later"
    assert time.monotonic() - started < 60
    with pytest.raises(ValueError, match="always"):
        run(broken)


def test_run_takes_a_token_or_a_plan() -> None:
    plan = Plan({"first#1": Hold(2 * MS)})
    for given in (plan, encode(plan)):
        with pytest.raises(AssertionError):
            run(racy, plan=given)
    with pytest.raises(TokenError):
        run(racy, plan="st1-nonsense")
    with pytest.raises(TokenError, match="3 is not a spectest token"):
        run(racy, plan=3)  # type: ignore[arg-type]
    with pytest.raises(TokenError, match=r"a Plan is run by spectest.run\(program, plan=...\)"):
        replay(racy, plan)  # type: ignore[arg-type]
    with pytest.raises(TokenError):
        replay(racy, "nonsense")


def test_the_seed_is_that_of_random() -> None:
    async def draw() -> float:
        return random.random()

    assert run(draw, seed=5) == run(draw, seed=5) == random.Random(5).random()
    assert run(draw, seed=5) != run(draw, seed=6)


def test_a_program_has_the_same_name_in_every_process() -> None:
    assert name_of(racy) == f"{__name__}:racy"
    partial = functools.update_wrapper(functools.partial(racy), racy)
    assert name_of(partial) == f"{__name__}:racy"
    assert " at 0x" not in name_of(functools.partial(racy))


def test_a_fresh_start_is_made_before_each_execution() -> None:
    state: list[int] = []

    async def program() -> None:
        assert state == []
        state.append(1)
        await racy()

    report = Search(program, Settings(), before_each=state.clear).report()
    plain = explore(racy).failure
    assert report.failure is not None
    assert plain is not None
    assert report.failure.plan == plain.plan, "before those of shrinking too"
