"""`speculate` under the search: all latencies, coincidences, and a cancellation at every await."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

import spectest
from spectest import FakeService
from spectest.patterns import (
    AfterFirst,
    AllBranchesFailed,
    Branch,
    EagerRace,
    FirstValid,
    FirstValidOf,
    Hedge,
    Limiter,
    Ranked,
    WaitForAll,
    policies,
    settled,
    speculate,
    stage,
)

NAMES = ("llm", "rules", "cache")


class Pipeline:
    """Three services with the same interval of latencies, raced."""

    def __init__(self, **keywords: Any) -> None:
        self.keywords = {"run_id": "w/1"} | keywords
        self.winners: set[str] = set()
        self.committed: list[str] = []
        self.open = 0

    def branch(self, name: str, timeout: float | None) -> Branch[Awaitable[str]]:
        service = FakeService(name, latency=(0.010, 0.050), answer=name)

        async def call(inputs: Any) -> str:
            self.open += 1
            try:
                stage(self.commit, name)
                return str(await service(inputs))
            finally:
                self.open -= 1

        return Branch(name, call, timeout=timeout)

    async def commit(self, name: str) -> None:
        await asyncio.sleep(0)
        self.committed.append(name)

    async def once(self, timeout: float | None = None) -> None:
        self.committed.clear()
        answer = await speculate(
            [self.branch(name, timeout) for name in NAMES], {"q": 1}, **self.keywords
        )
        assert self.committed == [answer.value]
        self.winners.add(answer.branch)
        await settled()
        assert self.open == 0
        assert self.committed == [answer.value]


POLICIES = [EagerRace(), Hedge(0.02), Hedge(0.03, most=2), FirstValidOf(2)]


@pytest.mark.parametrize(
    "policy, decision",
    [
        *((policy, Ranked()) for policy in POLICIES),
        (EagerRace(), WaitForAll()),
        (EagerRace(), WaitForAll("literal")),
    ],
    ids=repr,
)
def test_the_winner_is_the_same_at_all_latencies(
    policy: policies.Policy, decision: policies.Decision
) -> None:
    pipeline = Pipeline(policy=policy, decision=decision)
    report = spectest.explore(pipeline.once, runs=300)
    assert report.failure is None, spectest.render(report)
    assert len(pipeline.winners) == 1


@pytest.mark.parametrize("decision", [FirstValid(), AfterFirst(0.005)], ids=repr)
def test_a_decision_that_says_that_it_depends_on_latencies_does(
    decision: policies.Decision,
) -> None:
    pipeline = Pipeline(decision=decision)
    report = spectest.explore(pipeline.once, runs=100)
    assert report.failure is None, spectest.render(report)
    assert len(pipeline.winners) > 1


def test_timeouts_that_meet_answers_leave_nothing_behind() -> None:
    pipeline = Pipeline(policy=Hedge(0.02), limiter=Limiter(2))

    async def program() -> None:
        failed = False
        try:
            await pipeline.once(timeout=0.030)
        except AllBranchesFailed:
            failed = True
        await settled()
        assert len(pipeline.committed) == (not failed)

    report = spectest.explore(program, runs=300)
    assert report.failure is None, spectest.render(report)
    assert pipeline.keywords["limiter"].in_use == 0


def test_a_failure_that_meets_an_answer_never_wins() -> None:
    async def program() -> None:
        good = FakeService("good", latency=(0.010, 0.030), answer="good")
        bad = FakeService("bad", latency=(0.010, 0.030))

        async def fails(inputs: Any) -> str:
            await bad(inputs)
            raise OSError

        branches = [Branch("bad", fails), Branch("good", good)]
        answer = await speculate(branches, 1, Hedge(0.0), run_id="w/1", decision=FirstValid())
        assert answer.value == "good"

    report = spectest.explore(program, runs=200)
    assert report.failure is None, spectest.render(report)


Program = Callable[[], tuple[Coroutine[Any, Any, None], Callable[[], None]]]


def cancelled_anywhere(policy: policies.Policy) -> Program:
    """One call, and a check that holds whoever was cancelled when."""

    def program() -> tuple[Coroutine[Any, Any, None], Callable[[], None]]:
        pipeline = Pipeline(policy=policy)

        async def main() -> None:
            answer = await speculate(
                [pipeline.branch(name, None) for name in NAMES], 1, **pipeline.keywords
            )
            assert pipeline.committed == [answer.value]

        def check() -> None:
            assert pipeline.open == 0, "a branch was left running"
            assert len(pipeline.committed) <= 1, "committed more than once"

        return main(), check

    return program


@pytest.mark.parametrize("policy", [EagerRace(), Hedge(0.005)], ids=repr)
def test_a_cancellation_at_any_await_loses_nothing(policy: policies.Policy) -> None:
    sweep = spectest.sweep(cancelled_anywhere(policy))
    assert sweep.failure is None, spectest.render(sweep)
    assert sweep.coverage.reached == sweep.coverage.awaits > 4


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with 3.12")
def test_eager_tasks_make_no_difference() -> None:
    pipeline = Pipeline()

    async def program() -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]
        await pipeline.once()

    report = spectest.explore(program, runs=50)
    assert report.failure is None, spectest.render(report)
    assert len(pipeline.winners) == 1
