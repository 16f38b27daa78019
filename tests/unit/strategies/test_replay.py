"""Replay answers as recorded, and strictly says where a recording does not fit."""

import pytest

from spectest.errors import UsageError
from spectest.strategies.base import Profile
from spectest.strategies.replay import Replay


def begun(answers: list[int], *, strict: bool) -> Replay:
    strategy = Replay(answers, strict=strict)
    strategy.begin(1, Profile())
    return strategy


def test_answers_in_order_and_then_stock() -> None:
    strategy = begun([1, 0, 2], strict=False)
    assert [strategy.choose(3, "next", ()) for _ in range(5)] == [1, 0, 2, 0, 0]
    assert strategy.sizes == [3] * 5
    strategy.end(5)
    assert not strategy.exhausted  # there are executions it did not make


def test_lenient_answers_stay_in_range() -> None:
    strategy = begun([7, -2], strict=False)
    assert [strategy.choose(2, "next", ()), strategy.choose(2, "next", ())] == [1, 0]


def test_strict_accepts_what_fits() -> None:
    strategy = begun([1], strict=True)
    assert strategy.choose(2, "next", ()) == 1
    strategy.end(1)


def test_strict_refuses_an_answer_out_of_range() -> None:
    with pytest.raises(UsageError, match="answer 0 of the recording is 2"):
        begun([2], strict=True).choose(2, "next", ())


def test_strict_refuses_a_question_too_many() -> None:
    with pytest.raises(UsageError, match="one more than the 0 answers"):
        begun([], strict=True).choose(2, "next", ())


def test_strict_refuses_a_question_too_few() -> None:
    with pytest.raises(UsageError, match="asked 0 questions, the recording has 1"):
        begun([1], strict=True).end(0)
