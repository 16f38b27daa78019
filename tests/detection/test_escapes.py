"""A program that swallows the refusal of the real world does not pass for that."""

import asyncio
from contextlib import suppress

import pytest

import spectest


async def swallows_it() -> None:
    with suppress(Exception):
        await asyncio.open_connection("localhost", 1)


async def makes_another_error_of_it() -> None:
    try:
        await asyncio.open_connection("localhost", 1)
    except Exception:
        raise ValueError("could not connect") from None


async def stays_inside() -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(1):
            await asyncio.sleep(2)


@pytest.mark.parametrize("program", [swallows_it, makes_another_error_of_it])
def test_an_escape_is_reported_whatever_the_program_makes_of_it(program: object) -> None:
    failure = spectest.explore(program).failure  # type: ignore[arg-type]
    assert failure is not None
    assert isinstance(failure.error, spectest.RealWorldError)
    assert failure.error.call == "create_connection"
    assert "test_escapes.py" in str(failure.error)


def test_a_program_that_stays_inside_is_left_alone() -> None:
    assert spectest.explore(stays_inside, runs=20).failure is None
