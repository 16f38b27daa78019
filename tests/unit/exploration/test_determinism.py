import asyncio
import itertools
import random
import time
from collections.abc import Callable
from typing import Any

from spectest.errors import NondeterminismError
from spectest.exploration.determinism import difference, same
from spectest.exploration.execution import Outcome, execute
from spectest.kernel.plan import Plan
from spectest.world import Limits


def run(program: Callable[[], Any]) -> Outcome:
    return execute(program, Plan(), Limits(), record=True)


def verdict(program: Callable[[], Any]) -> NondeterminismError | None:
    return difference(run(program), run(program), lambda: run(program))


def test_a_program_that_is_the_same_twice_is_left_alone() -> None:
    async def program() -> float:
        await asyncio.gather(asyncio.sleep(random.random()), asyncio.sleep(0.5))
        return random.random()

    assert verdict(program) is None


def test_state_that_was_kept_is_named_as_the_likely_source() -> None:
    cache: list[int] = []

    async def program() -> None:
        if not cache:
            await asyncio.sleep(0.1)
            cache.append(1)
        await asyncio.sleep(0.2)

    error = verdict(program)
    assert error is not None
    assert "A third execution was like the second" in str(error)
    assert "module global" in str(error)
    assert "Create it inside, or reset it." in str(error)


def test_chance_is_named_as_the_likely_source() -> None:
    dice = itertools.count(1)

    async def program() -> None:
        await asyncio.sleep(next(dice))

    error = verdict(program)
    assert error is not None
    assert "Every execution was different" in str(error)
    assert "Pass the value in, or seed it." in str(error)


def test_the_first_event_that_differs_is_shown_with_the_users_line() -> None:
    flips = itertools.cycle([0.25, 0.5])

    async def program() -> None:
        await asyncio.sleep(0.125)
        await asyncio.sleep(next(flips))

    first, second = run(program), run(program)
    error = difference(first, second, lambda: run(program))
    assert error is not None
    assert first.trace is not None
    assert second.trace is not None
    assert [event.key for event in first.trace[: error.index]] == [
        event.key for event in second.trace[: error.index]
    ]
    assert first.trace[error.index].key != second.trace[error.index].key
    assert error.first is not None
    assert error.second is not None
    assert "sleep 250.000000" in error.first
    assert "sleep 500.000000" in error.second
    assert "test_determinism.py:" in error.first
    assert error.first in str(error)
    assert error.second in str(error)


def test_an_execution_that_ended_before_the_other_one_says_how() -> None:
    runs = itertools.count()

    async def program() -> None:
        await asyncio.sleep(0.1)
        if next(runs) > 0:
            raise ValueError("only the first time is free")

    error = verdict(program)
    assert error is not None
    assert "ended with ValueError('only the first time is free')" in str(error) or (
        error.second is not None and "raised ValueError" in error.second
    )


def test_another_error_at_the_same_events_is_a_difference_too() -> None:
    messages = itertools.cycle(["one", "two"])

    async def program() -> None:
        raise ValueError(next(messages))

    first, second = run(program), run(program)
    assert not same(first, second)
    error = difference(first, second, lambda: run(program))
    assert error is not None
    assert "ValueError('one')" in str(error)
    assert "ValueError('two')" in str(error)


def test_real_time_that_decides_nothing_is_no_difference() -> None:
    async def program() -> float:
        started = time.perf_counter()
        await asyncio.sleep(0.1)
        return time.perf_counter() - started

    assert verdict(program) is None
