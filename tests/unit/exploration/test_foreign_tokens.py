"""A token that is about another program says so, instead of passing."""

import asyncio

import pytest

import spectest
from spectest.kernel import token
from spectest.kernel.plan import Hold, Plan

FOREIGN = token.encode(Plan(holds={"call#1": Hold(5_000_000)}))
OWN = token.encode(Plan(holds={"waits#1": Hold(5_000_000), "call#1": Hold(5_000_000)}))


async def waits() -> str:
    await asyncio.sleep(0.1)
    return "done"


async def fails() -> None:
    await asyncio.sleep(0.1)
    raise ValueError("always")


def test_a_replay_that_meets_nothing_of_its_token_is_an_error() -> None:
    with pytest.raises(spectest.UsageError, match=r"about call#1, which .*waits never came to"):
        spectest.replay(waits, FOREIGN)
    with pytest.raises(spectest.UsageError, match="Explore it again"):
        spectest.confirm(waits, FOREIGN)


def test_a_replay_that_meets_something_of_it_is_none() -> None:
    assert spectest.replay(waits, OWN) == "done"
    assert spectest.replay(waits, token.encode(Plan())) == "done"


def test_a_failure_is_shown_whatever_the_token_is_about() -> None:
    with pytest.raises(ValueError, match="always"):
        spectest.replay(fails, FOREIGN)


def test_a_coroutine_is_not_a_program() -> None:
    with pytest.raises(spectest.UsageError, match=r"coroutine waits\(\); pass the function waits"):
        spectest.explore(waits())  # type: ignore[arg-type]
    with pytest.raises(spectest.UsageError, match="not 3"):
        spectest.run(3)  # type: ignore[arg-type]
