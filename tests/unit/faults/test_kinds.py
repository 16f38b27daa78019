"""Kinds of faults: what they say, whom they may hit, and what is refused."""

import asyncio
from typing import Any

import pytest

import spectest
from spectest.faults import (
    Duplicate,
    FaultPlan,
    Hang,
    Raise,
    RateLimit,
    RateLimited,
    Reset,
    SlowStart,
    WrongAnswer,
)


@pytest.mark.parametrize(
    "fault, says",
    [
        (Raise(ConnectionError), "raises ConnectionError"),
        (Raise(KeyError("x")), "raises KeyError"),
        (Hang(), "hangs"),
        (Reset(at=0.25), "is reset after partial work"),
        (SlowStart(2), "starts 2 s late"),
        (WrongAnswer(1), "gives a wrong answer"),
        (Duplicate(), "is delivered twice"),
        (RateLimit(0.5), "is rate limited, retry after 0.5 s"),
    ],
)
def test_what_it_says(fault: Any, says: str) -> None:
    assert fault.says == says
    assert fault.label == f"* {says}"


def is_long(text: str) -> bool:
    return len(text) > 3


def test_a_repr_shows_what_was_said_and_no_address() -> None:
    fault = Raise(ConnectionError, on="llm", when=is_long, times=None)
    assert repr(fault) == "Raise(on='llm', times=None, when=is_long, error=ConnectionError)"
    assert repr(Hang()) == "Hang()"


def test_whom_it_may_hit() -> None:
    fault = Hang(on="llm*", after=1.0, before=2.0, when=is_long)
    assert fault.hits("llm-eu", 1.0, ("long",), {})
    assert not fault.hits("vectors", 1.0, ("long",), {})
    assert not fault.hits("llm", 0.999, ("long",), {})
    assert not fault.hits("llm", 2.0, ("long",), {})
    assert not fault.hits("llm", 1.0, ("no",), {})


def test_each_hit_raises_an_exception_of_its_own() -> None:
    error = KeyError("x")
    fault = Raise(error)
    first, second = fault.make(), fault.make()
    assert first.args == second.args == ("x",)
    assert error is not first is not second


class Fussy(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def test_an_exception_that_cannot_be_copied_is_raised_clean() -> None:
    error = Fussy(1, 2)
    error.__context__ = KeyError()
    assert Raise(error).make() is error
    assert error.__context__ is None


def test_what_a_rate_limit_says() -> None:
    assert str(RateLimited(retry_after=0.5)) == "too many requests, retry after 0.5 s"


async def coroutine_function(_: str) -> bool:
    return True


waits: Any = coroutine_function


@pytest.mark.parametrize(
    "make, complaint",
    [
        (lambda: Hang(on=""), "on='' must be the name of a service"),
        (lambda: Hang(times=0), "times=0 must be a whole number"),
        (lambda: Hang(times=True), "times=True"),
        (lambda: Hang(after=-1), "after=-1 must be a number of seconds"),
        (lambda: Hang(after=2, before=1), "greater than after=2"),
        (lambda: Hang(rate=2), "must be a probability"),
        (lambda: Hang(when=True), "when=True must be a plain function"),  # type: ignore[arg-type]
        (lambda: Hang(when=waits), "when=coroutine_function must be a plain function"),
        (lambda: Raise("no"), "must be an exception"),  # type: ignore[arg-type]
        (lambda: Raise(int), "must be an exception"),  # type: ignore[arg-type]
        (lambda: Raise(KeyboardInterrupt), "would end the search itself"),
        (lambda: Raise(UnicodeDecodeError), "cannot be made without arguments"),
        (lambda: Reset(at=2), "a part of the latency"),
        (lambda: SlowStart(float("inf")), "extra=inf"),
        (lambda: FaultPlan("hang"), "'hang' is no fault"),  # type: ignore[arg-type]
        (lambda: FaultPlan(budget=-1), "budget=-1"),
        (lambda: FaultPlan.of(3), "faults=3 must be"),
        (lambda: spectest.explore(coroutine_function, faults="all"), "'a' is no fault"),  # type: ignore[arg-type]
    ],
)
def test_what_means_nothing_is_refused(make: Any, complaint: str) -> None:
    with pytest.raises(spectest.UsageError, match=complaint):
        make()


def test_a_cancelled_answer_is_allowed() -> None:
    assert Raise(asyncio.CancelledError).says == "raises CancelledError"
