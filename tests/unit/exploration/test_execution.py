import asyncio
import functools
from collections.abc import Callable
from typing import Any

import pytest

from spectest.errors import Deadlock, InternalError, TaskLeaked, UsageError
from spectest.exploration.execution import Outcome, execute, raised_at
from spectest.kernel.plan import Plan
from spectest.world import Limits


def outcome_of(program: Callable[[], Any], **options: Any) -> Outcome:
    return execute(program, Plan(), Limits(), **options)


async def compares(value: object, other: bool = False) -> None:
    await asyncio.sleep(0)
    if other:
        assert value == "right", f"got {value}"
    assert value == "right", f"got {value}"


async def raises(error: BaseException) -> None:
    await asyncio.sleep(0)
    raise error


def signature(function: Callable[..., Any], *args: Any) -> tuple[object, ...]:
    return outcome_of(functools.partial(function, *args)).signature


def test_no_failure_has_no_signature() -> None:
    outcome = outcome_of(functools.partial(compares, "right"))
    assert (outcome.failed, outcome.signature, outcome.result) == (False, (), None)


@pytest.mark.parametrize("value", [1, 2.5, "[3, 4]", "(a)", "'quoted'", "{x: 1}", "<object>"])
def test_one_assertion_with_other_values_is_the_same_bug(value: object) -> None:
    assert signature(compares, value) == signature(compares, 77)


def test_an_assertion_of_another_line_is_another_bug() -> None:
    assert signature(compares, 1) != signature(compares, 1, True)


def test_another_kind_of_error_or_another_message_is_another_bug() -> None:
    signatures = {
        signature(raises, ValueError("no branch")),
        signature(raises, ValueError("no winner")),
        signature(raises, KeyError("no winner")),
    }
    assert len(signatures) == 3


def test_the_line_is_the_innermost_of_the_users_own() -> None:
    async def deep() -> None:
        await asyncio.wait_for(raises(ValueError("x")), 5)

    outcome = outcome_of(deep)
    assert outcome.error is not None
    assert raised_at(outcome.error).function == "raises"


def test_an_error_without_a_traceback_has_no_line() -> None:
    assert not raised_at(ValueError())


def test_a_broken_promise_is_known_by_its_kind() -> None:
    async def stuck() -> None:
        await asyncio.Event().wait()

    async def also_stuck() -> None:
        await asyncio.Queue[int]().get()

    async def leaks() -> None:
        asyncio.get_running_loop().leaked = asyncio.create_task(  # type: ignore[attr-defined]
            asyncio.Event().wait()
        )

    assert isinstance(outcome_of(stuck).error, Deadlock)
    assert outcome_of(stuck).signature == outcome_of(also_stuck).signature
    assert isinstance(outcome_of(leaks).error, TaskLeaked)
    assert outcome_of(leaks).signature != outcome_of(stuck).signature


@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit, UsageError])
def test_interrupts_and_misuse_pass_through(error: type[BaseException]) -> None:
    with pytest.raises(error):
        outcome_of(functools.partial(raises, error("x")))


@pytest.mark.parametrize(
    "error", [AssertionError, Exception, BaseException, SystemExit, asyncio.CancelledError]
)
def test_whatever_else_the_program_raises_is_its_outcome(error: type[BaseException]) -> None:
    outcome = outcome_of(functools.partial(raises, error("x")))
    assert isinstance(outcome.error, error)


def test_an_error_of_ours_is_never_hidden_as_a_success() -> None:
    outcome = outcome_of(functools.partial(raises, InternalError("broken")))
    assert isinstance(outcome.error, InternalError)


def test_how_long_it_was() -> None:
    async def program() -> str:
        await asyncio.sleep(1.5)
        return "done"

    outcome = outcome_of(program)
    assert (outcome.result, outcome.virtual_ns) == ("done", 1_500_000_000)
    assert outcome.steps > 0
    assert outcome.contested == 0
    assert outcome.trace is None
    assert outcome_of(program, record=True).trace is not None


def test_a_plain_function_that_does_its_own_waiting() -> None:
    async def main() -> int:
        await asyncio.sleep(2)
        return 7

    outcome = outcome_of(lambda: asyncio.run(main()))
    assert (outcome.result, outcome.virtual_ns) == (7, 2_000_000_000)


def test_a_program_that_is_no_program_is_told_what_one_is() -> None:
    async def generator() -> Any:
        yield 1

    loop = asyncio.new_event_loop()
    try:
        future = loop.create_future()
        with pytest.raises(UsageError, match="must be a coroutine function"):
            outcome_of(lambda: future)
    finally:
        loop.close()
