"""A task that outlives the program is found; one that ends by itself is not."""

import asyncio
from typing import Literal

import pytest

import spectest


def leaving(seconds: float) -> spectest.Report:
    async def program() -> None:
        asyncio.create_task(asyncio.sleep(seconds), name="left behind")

    return spectest.explore(program, runs=5, elasticity=0)


@pytest.mark.parametrize("seconds", [61, 3600])
def test_a_task_that_outlives_the_drain_is_found(seconds: float) -> None:
    failure = leaving(seconds).failure
    assert failure is not None
    assert isinstance(failure.error, spectest.TaskLeaked)
    assert "left behind" in str(failure.error)


@pytest.mark.parametrize("seconds", [0, 1, 59])
def test_a_task_that_ends_by_itself_is_no_leak(seconds: float) -> None:
    assert leaving(seconds).failure is None


@pytest.mark.parametrize("leaks, found", [("error", True), ("ignore", False)])
def test_leaks_can_be_ignored(leaks: Literal["error", "ignore"], found: bool) -> None:
    async def program() -> None:
        asyncio.create_task(asyncio.Event().wait())

    assert (spectest.explore(program, runs=5, leaks=leaks).failure is not None) is found


def test_what_happens_in_the_drain_is_judged_although_leaks_are_ignored() -> None:
    async def fails_late() -> None:
        await asyncio.sleep(1)
        raise LookupError

    async def program() -> None:
        asyncio.create_task(fails_late())

    failure = spectest.explore(program, runs=5, leaks="ignore").failure
    assert failure is not None
    assert isinstance(failure.error, spectest.UnretrievedException)
