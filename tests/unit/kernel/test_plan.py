from typing import Any

import pytest

from spectest.errors import UsageError
from spectest.kernel.plan import NO_HOLD, ORDER_MODELS, Hold, Plan, check_order


def test_the_empty_plan_is_stock_order() -> None:
    plan = Plan()
    assert len(plan) == 0
    assert (plan.order, plan.seed, plan.holds, plan.picks) == ("ties", 0, {}, {})


def test_what_deviates_nowhere_is_left_out() -> None:
    plan = Plan(holds={"a#1": Hold(), "b#1": Hold(5)}, picks={"x": 0, "y": 2})
    assert plan == Plan(holds={"b#1": Hold(5)}, picks={"y": 2})
    assert len(plan) == 2


def test_equal_plans_are_equal_whatever_order_they_were_written_in() -> None:
    one = Plan(holds={"b#1": Hold(1), "a#1": Hold(2)}, picks={"y": 1, "x": 2})
    other = Plan(holds={"a#1": Hold(2), "b#1": Hold(1)}, picks={"x": 2, "y": 1})
    assert one == other
    assert hash(one) == hash(other)
    assert list(one.holds) == ["a#1", "b#1"]
    assert list(one.picks) == ["x", "y"]


@pytest.mark.parametrize(
    "change",
    [
        {"holds": {"a#1": Hold(2)}},
        {"holds": {"a#2": Hold(1)}},
        {"holds": {"a#1": Hold(1, 1)}},
        {"holds": {"a#1": Hold(1, 0, 1)}},
        {"picks": {"x": 2}},
        {"order": "any"},
        {"seed": 1},
    ],
)
def test_plans_differ_in_every_field(change: dict[str, Any]) -> None:
    fields: dict[str, Any] = {"holds": {"a#1": Hold(1)}, "picks": {"x": 1}}
    assert Plan(**{**fields, **change}) != Plan(**fields)


def test_a_plan_keeps_a_copy_of_what_it_was_given() -> None:
    holds = {"a#1": Hold(1)}
    plan = Plan(holds=holds)
    holds["b#1"] = Hold(1)
    assert len(plan) == 1


@pytest.mark.parametrize("hold", [Hold(1), Hold(-1), Hold(polls=1), Hold(behind=1)])
def test_a_hold_that_does_something_is_true(hold: Hold) -> None:
    assert hold
    assert not NO_HOLD


@pytest.mark.parametrize("hold", [Hold(polls=-1), Hold(behind=-1)])
def test_counts_below_zero_are_refused_by_name(hold: Hold) -> None:
    with pytest.raises(UsageError, match=r"the hold of 'llm#1' counts .* below zero"):
        Plan(holds={"llm#1": hold})


def test_picks_below_zero_are_refused_by_label() -> None:
    with pytest.raises(UsageError, match="the pick at 'set' is -1; choices count from 0"):
        Plan(picks={"set": -1})


def test_an_unknown_order_model_is_refused_with_a_list_of_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"order='tie' .* strict, ties, any"):
        Plan(order="tie")  # type: ignore[arg-type]
    assert [check_order(model) for model in ORDER_MODELS] == ["strict", "ties", "any"]
