"""Chance: one seed, the same draws; what threads of others draw is their own."""

from __future__ import annotations

import asyncio
import functools
import os
import random
import secrets
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

import spectest
from spectest import ambient


def draws() -> list[Any]:
    return [
        random.random(),
        os.urandom(4),
        uuid.uuid4(),
        secrets.token_hex(3),
        random.Random().random(),
    ]


def test_a_run_draws_what_a_seeded_generator_draws() -> None:
    """So it was before there was more than `random`, and tokens depend on it."""
    expected = random.Random(7)
    assert spectest.run(lambda: [random.random(), random.randrange(99)], seed=7) == [
        expected.random(),
        expected.randrange(99),
    ]


def test_sources_do_not_disturb_each_other() -> None:
    def program(more: bool) -> list[Any]:
        if more:
            os.urandom(100)
            random.Random()
        return [random.random(), uuid.getnode()]

    assert spectest.run(lambda: program(True)) == spectest.run(lambda: program(False))


def test_a_seed_of_the_programs_own_is_respected() -> None:
    def program() -> list[float]:
        random.seed(3)
        return [random.random(), random.Random(4).random()]

    assert spectest.run(program) == [random.Random(3).random(), random.Random(4).random()]


def test_state_may_be_kept_and_put_back() -> None:
    def program() -> bool:
        state = random.getstate()
        first = random.random()
        random.setstate(state)
        return first == random.random()

    assert spectest.run(program)


def test_a_reference_that_nobody_finds_is_seeded_nevertheless() -> None:
    hidden = (functools.partial(random.uniform, 0, 1),)
    assert spectest.run(lambda: hidden[0]()) == spectest.run(lambda: hidden[0]())


@pytest.mark.parametrize("size", [-1, "4", None])
def test_misuse_is_refused_as_ever(size: Any) -> None:
    with pytest.raises((TypeError, ValueError)) as real:
        os.urandom(size)
    with pytest.raises(real.type):
        spectest.run(lambda: os.urandom(size))


def answers_during_two_runs(question: Callable[[], Any]) -> list[Any]:
    """What a real thread that was there before gets, asked in the middle of each run."""
    asked: list[bool] = []
    answers: list[Any] = []

    def other() -> None:
        for number in range(2):
            while len(asked) <= number:
                time.sleep(0.001)
            answers.append(question())

    thread = threading.Thread(target=other, daemon=True)
    thread.start()

    def program() -> list[Any]:
        asked.append(True)
        while len(answers) < len(asked):
            pass
        return draws()

    assert spectest.run(program) == spectest.run(program)
    thread.join()
    return answers


@pytest.mark.parametrize(
    "question", [lambda: random.random(), lambda: os.urandom(8), uuid.uuid4, uuid.uuid1, draws]
)
def test_another_thread_gets_the_real_thing(question: Callable[[], Any]) -> None:
    first, second = answers_during_two_runs(question)
    assert first != second


def test_what_another_thread_draws_goes_on_afterwards() -> None:
    random.seed(5)
    expected = random.Random(5)
    answers = answers_during_two_runs(lambda: random.random())
    assert [*answers, random.random()] == [expected.random() for _ in range(3)]


def test_a_confirmation_draws_the_same() -> None:
    """Whether it fails is decided by chance, and in real time chance decides the same."""

    async def fails_by_chance() -> None:
        await asyncio.sleep(0.01)
        if uuid.uuid4().int + secrets.randbits(9) != lucky:
            raise LookupError("unlucky")

    lucky = spectest.run(lambda: uuid.uuid4().int + secrets.randbits(9))
    assert spectest.explore(fails_by_chance, runs=5).failure is None
    lucky += 1
    failure = spectest.explore(fails_by_chance, runs=5, confirm=True).failure
    assert failure is not None
    assert failure.confirmation is not None
    assert failure.confirmation.confirmed


def test_lending_gives_the_generator_back_after_an_error() -> None:
    state = random.getstate()
    with pytest.raises(LookupError), ambient.lent():
        ambient.seed(1)
        raise LookupError
    assert random.getstate() == state
