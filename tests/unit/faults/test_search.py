"""Faults as choices of a search: budgets, windows, tokens, shrinking, and what reports say."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

import spectest
from spectest.exploration.execution import execute
from spectest.faults import FaultPlan, Hang, Raise, Reset, SlowStart, WrongAnswer
from spectest.kernel.plan import Plan
from spectest.reporting.records import to_json
from spectest.services import FakeService
from spectest.world import Limits

pytestmark = pytest.mark.usefixtures("one_installation")


EMPTY: dict[str, bool] = {}


def asks(times: int, **options: Any) -> Callable[[], Any]:
    """A program that asks some times, and returns what went wrong with each call."""

    async def program() -> list[str]:
        llm = FakeService("llm", latency=0.010, answer="yes", **options)
        for _ in range(times):
            with suppress(Exception):
                await asyncio.wait_for(llm(), 1.0)
        return [call.fault for call in llm.ledger]

    return program


def all_outcomes(program: Callable[[], Any], **settings: Any) -> set[tuple[str, ...]]:
    seen: set[tuple[str, ...]] = set()

    async def noting() -> None:
        seen.add(tuple(await program()))

    report = spectest.explore(noting, strategy="dfs", order="strict", **settings)
    assert report.failure is None
    assert report.complete
    return seen


def test_a_fault_hits_each_call_once_at_most() -> None:
    assert all_outcomes(asks(2), faults=Hang()) == {("", ""), ("hangs", ""), ("", "hangs")}
    assert ("hangs", "hangs") in all_outcomes(asks(2), faults=Hang(times=2))


def test_a_budget_is_for_all_together() -> None:
    hang, late = Hang(times=None), SlowStart(0.5, times=None)
    seen = all_outcomes(asks(2), faults=FaultPlan(hang, late, budget=1))
    assert seen == {
        ("", ""),
        ("hangs", ""),
        ("starts 0.5 s late", ""),
        ("", "hangs"),
        ("", "starts 0.5 s late"),
    }
    assert all_outcomes(asks(2), faults=FaultPlan(hang, budget=0)) == {("", "")}


def test_a_window_is_of_the_call_s_beginning() -> None:
    assert all_outcomes(asks(3), faults=Hang(after=0.010, before=0.020)) == {
        ("", "", ""),
        ("", "hangs", ""),
    }


def test_those_of_a_search_and_a_service_s_own_meet_one_call() -> None:
    seen = all_outcomes(asks(1, failures=Hang()), faults=SlowStart(0.5))
    assert seen == {("",), ("hangs",), ("starts 0.5 s late",)}


async def trusting() -> None:
    llm = FakeService("llm", failures=[WrongAnswer(1), WrongAnswer(2)])
    assert await llm() != 2


def test_faults_with_the_same_words_are_told_apart() -> None:
    failure = spectest.explore(trusting, faults=WrongAnswer(3)).failure
    assert failure is not None
    assert failure.plan.picks == {"fault llm#1 gives a wrong answer (3)": 1}
    with pytest.raises(AssertionError):
        spectest.replay(trusting, failure.token, faults=WrongAnswer(3))


async def two_services() -> None:
    """Only a hanging `llm` breaks it."""
    llm, rules = FakeService("llm", latency=0.010), FakeService("rules", latency=0.010)
    for _ in range(3):
        with suppress(ConnectionError):
            await rules()
    await asyncio.wait_for(llm(), 1.0)


FAULTS = FaultPlan(Raise(ConnectionError, on="rules", times=3), Hang(on="llm"))


@pytest.mark.parametrize("seed", range(5))
def test_shrinking_keeps_the_fault_that_is_needed(seed: int) -> None:
    report = spectest.explore(two_services, faults=FAULTS, seed=seed)
    failure = report.failure
    assert failure is not None
    assert isinstance(failure.error, TimeoutError)
    assert failure.plan.picks == {"fault llm#1 hangs": 1}
    assert not failure.plan.holds
    assert failure.order_model == "strict"
    with pytest.raises(TimeoutError):
        spectest.replay(two_services, failure.token, faults=FAULTS)
    page = spectest.render(report)
    assert "\n  `llm#1` hangs\n" in page
    assert "possible on CPython, at these durations" in page


def test_any_order_keeps_them() -> None:
    failure = spectest.explore(two_services, faults=FAULTS, order="any").failure
    assert failure is not None
    assert failure.order_model == "strict"
    assert failure.plan.picks == {"fault llm#1 hangs": 1}


def test_it_is_confirmed_on_stock_asyncio() -> None:
    failure = spectest.explore(two_services, faults=FAULTS, confirm=True).failure
    assert failure is not None
    assert failure.confirmation is not None
    assert failure.confirmation.confirmed
    assert failure.confirmation.reason == "it fails in the same way"


def test_a_token_of_another_program_is_refused() -> None:
    failure = spectest.explore(two_services, faults=FAULTS).failure
    assert failure is not None
    with pytest.raises(spectest.UsageError, match="the token is about fault llm#1 hangs"):
        spectest.replay(asks(1), failure.token)
    with pytest.raises(spectest.UsageError, match="a replay has to be given them, too"):
        spectest.replay(two_services, failure.token)


def test_a_fault_that_never_fired_is_told() -> None:
    report = spectest.explore(asks(1, failures=Hang()), faults=Hang(on="vectors"), runs=2)
    never, none_tried = report.notes
    assert never == "the fault `vectors hangs` never fired: there was no call that it may hit"
    assert none_tried.startswith("the fault `llm hangs` never fired: there were calls that it may")


@pytest.mark.parametrize("own", [True, False])
def test_a_when_that_raises_is_the_author_s_to_mend(own: bool) -> None:
    fault = Hang(when=lambda: EMPTY["no"])
    faults: dict[str, Any] = {} if own else {"faults": fault}
    program = asks(1, **({"failures": fault} if own else {}))
    with pytest.raises(spectest.UsageError, match="`when` raised KeyError: 'no'"):
        spectest.explore(program, **faults)


def test_nothing_of_it_depends_on_the_process() -> None:
    program = asks(2, failures=[Raise(KeyError("x")), Reset(), WrongAnswer(object())])
    picks = {"fault llm#1 raises KeyError": 1, "fault llm#2 is reset after partial work": 1}
    first, second = (execute(program, Plan(picks=picks), Limits(), record=True) for _ in range(2))
    assert first.trace is not None
    assert second.trace is not None
    assert first.trace.fingerprint == second.trace.fingerprint
    assert first.result == ["raises KeyError", "is reset after partial work"]


def test_a_record_for_machines_has_them_in_words() -> None:
    report = spectest.explore(asks(1), faults=FaultPlan(Raise(KeyError("x"), on="llm"), budget=2))
    settings = to_json(report)["settings"]
    assert settings["faults"] == ["Raise(on='llm', error=KeyError('x'))"]
    assert settings["faults_budget"] == 2
