"""In a trace no two tasks are called the same, whatever the program calls them."""

import asyncio
from typing import Any

import pytest

import spectest
from spectest.exploration.execution import execute
from spectest.kernel.plan import Plan
from spectest.kernel.trace import Trace
from spectest.patterns import Branch, FirstValid, speculate
from spectest.world import Limits


def traced(program: Any) -> Trace:
    trace = execute(program, Plan(), Limits(), record=True).trace
    assert trace is not None
    return trace


async def three_of_one_name() -> None:
    tasks = [asyncio.create_task(asyncio.sleep(1), name="llm") for _ in range(3)]
    other = asyncio.create_task(asyncio.sleep(1), name="rules")
    await asyncio.sleep(0.5)
    tasks[1].cancel()
    await asyncio.wait([*tasks, other])


def test_the_second_task_of_a_name_has_its_number() -> None:
    trace = traced(three_of_one_name)
    created = [event.subject for event in trace.of_kind("task")]
    assert created[1:] == ["llm", "llm (Task-3)", "llm (Task-4)", "rules"]
    assert [event.subject for event in trace.of_kind("cancel")] == ["llm (Task-3)"]
    steps = [event.subject for event in trace.of_kind("step")]
    assert {label: steps.count(label) for label in created[1:]} == dict.fromkeys(created[1:], 2)


def test_a_task_that_is_renamed_is_called_by_its_new_name() -> None:
    async def main() -> None:
        one = asyncio.create_task(asyncio.sleep(1), name="llm")
        two = asyncio.create_task(asyncio.sleep(1), name="llm")
        two.set_name("rules")
        await asyncio.gather(one, two)

    ends = [event.subject for event in traced(main).of_kind("end")]
    assert ends[:2] == ["llm", "rules"]


@pytest.mark.parametrize("seed", range(2))
def test_requests_whose_branches_have_the_same_names_are_judged_apart(seed: int) -> None:
    """The second request's branch is at work while the first one's is cancelled."""

    async def request(number: int, quick: float, slow: float) -> str:
        async def branch(seconds: float) -> str:
            await asyncio.sleep(seconds)
            return f"answer {number}"

        branches = [
            Branch("quick", lambda _: branch(quick)),
            Branch("slow", lambda _: branch(slow)),
        ]
        answer = await speculate(branches, number, run_id=str(number), decision=FirstValid())
        return answer.value

    async def main() -> list[str]:
        return list(await asyncio.gather(request(1, 0.020, 0.100), request(2, 0.080, 0.060)))

    judges = [spectest.oracles.cancellation(), spectest.oracles.exactly_once()]
    report = spectest.explore(main, oracles=judges, seed=seed, runs=50)
    assert report.failure is None, spectest.render(report)
