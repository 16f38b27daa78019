"""Programs that end in unusual ways: by exiting, or by yielding."""

import asyncio
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import spectest


def exits_on_a_timeout() -> None:
    with ThreadPoolExecutor(1) as pool:
        try:
            pool.submit(time.sleep, 0.095).result(timeout=0.100)
        except TimeoutError:
            sys.exit(0)


async def exits_in_a_task() -> None:
    try:
        await asyncio.wait_for(asyncio.sleep(0.095), 0.100)
    except TimeoutError:
        sys.exit("too late")


@pytest.mark.parametrize("program", [exits_on_a_timeout, exits_in_a_task])
def test_an_exit_is_how_a_program_fails(program: Any) -> None:
    failure = spectest.explore(program, confirm=True).failure
    assert failure is not None
    assert isinstance(failure.error, SystemExit)
    assert failure.confirmation is not None
    assert failure.confirmation.confirmed
    with pytest.raises(SystemExit):
        spectest.replay(program, failure.token)


def test_an_interrupt_is_not() -> None:
    async def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        spectest.explore(interrupted)


def yields() -> Any:
    yield


async def yields_too() -> Any:
    yield


@pytest.mark.parametrize("program", [yields, yields_too, lambda: yields()])
def test_a_generator_is_no_program(program: Any) -> None:
    with pytest.raises(spectest.UsageError, match="calling it runs nothing of `yields"):
        spectest.explore(program)
