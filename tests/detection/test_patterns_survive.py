"""Our own patterns survive every oracle, in each form, under each policy and decision."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

import spectest
from spectest import oracles
from spectest.patterns import AllBranchesFailed, Limiter, Ranked, Tied, policies, speculate
from tests.detection import defendants
from tests.detection.defendants import (
    CLOSES_IN,
    DECISIONS,
    FORMS,
    POLICIES,
    STALL,
    AsyncClient,
    Pipeline,
    asks,
    oracles_for,
)

pytestmark = pytest.mark.usefixtures("one_installation")

PIPELINES = [
    Pipeline(form, policy, decision, rough)
    for form in FORMS
    for policy in POLICIES
    for decision in DECISIONS
    for rough in (False, True)
    if not (form == "processes" and isinstance(policy, Tied))
]
SOME = [one for number, one in enumerate(PIPELINES) if number % 11 == 0]
"""Of each form several, with all policies, all decisions, steady and rough ones among them."""


def survives(pipeline: Pipeline, executions: int) -> None:
    report = spectest.explore(
        pipeline.program, oracles=oracles_for(pipeline), runs=executions, stall_s=STALL
    )
    assert report.failure is None, spectest.render(report)
    blind = [note for note in report.notes if " saw no" in note]
    # In stock order a rough one may have no valid answer, so no winner and no commit.
    assert pipeline.rough or not blind, blind
    assert report.executions == executions


def test_some_are_of_every_kind() -> None:
    for field in ("form", "policy", "decision", "rough"):
        all_of_them = {repr(getattr(one, field)) for one in PIPELINES}
        assert {repr(getattr(one, field)) for one in SOME} == all_of_them


@pytest.mark.parametrize("pipeline", PIPELINES, ids=str)
def test_a_pipeline_survives_a_few_executions(pipeline: Pipeline) -> None:
    survives(pipeline, 12)


@pytest.mark.parametrize("pipeline", SOME, ids=str)
def test_a_pipeline_survives_many_executions(pipeline: Pipeline) -> None:
    survives(pipeline, 60)


@pytest.mark.soak(reason="takes an hour")
@pytest.mark.parametrize("pipeline", PIPELINES, ids=str)
def test_a_pipeline_survives_two_thousand_executions(pipeline: Pipeline) -> None:
    survives(pipeline, 2_000)


Program = Callable[[], tuple[Coroutine[Any, Any, str], Callable[[], None]]]


def cancelled_anywhere(pipeline: Pipeline) -> Program:
    """One call, and a check that holds whoever was cancelled when."""

    def program() -> tuple[Coroutine[Any, Any, str], Callable[[], None]]:
        limiter = Limiter(2)

        async def main() -> str:
            inputs, terms = pipeline.arranged()
            branches = pipeline.branches(asks, AsyncClient)
            try:
                answer = await speculate(branches, inputs, **{**terms, "limiter": limiter})
            except AllBranchesFailed:
                return "all have failed"
            return str(answer.value)

        def check() -> None:
            assert limiter.in_use == 0, "a permit was not given back"
            assert len(defendants.written) in (0, 2), "half of the effects were committed"

        return main(), check

    return program


@pytest.mark.parametrize("rough", [False, True], ids=["steady", "rough"])
@pytest.mark.parametrize("policy", POLICIES, ids=repr)
def test_a_cancellation_at_any_await_breaks_no_promise(
    policy: policies.Policy, rough: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("ERROR", "spectest.patterns")
    pipeline = Pipeline("coroutines", policy, Ranked(), rough)
    judges = [
        oracles.cancellation(grace=CLOSES_IN),
        oracles.isolation(),
        oracles.exactly_once(),
        oracles.log_fidelity(),
    ]
    sweep = spectest.sweep(cancelled_anywhere(pipeline), oracles=judges)
    assert sweep.failure is None, spectest.render(sweep)
    assert sweep.coverage.reached == sweep.coverage.awaits >= 5
