"""Pipelines in pairs: who wins in one depends on who is first, in the other it does not.

All of them cancel and await their losers, or wait for everybody; none fails in stock order.
"""

from __future__ import annotations

import asyncio
import concurrent.futures as pools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from spectest.services import FakeService
from tests.detection.telling import Told

__all__ = ["TWINS", "Twins"]

Program = Callable[[], Any]


@dataclass(frozen=True)
class Twins:
    """`findings`: what the oracle may say of the broken one.

    `others`: oracles that find something in the broken one, too, and why they may.
    """

    broken: Program
    healthy: Program
    findings: tuple[str, ...]
    others: dict[str, str] = field(default_factory=dict)


def services() -> tuple[FakeService, FakeService]:
    """The second one is usually the first to answer."""
    return (
        FakeService("llm", latency=(0.010, 0.060), answer="A"),
        FakeService("rules", latency=(0.010, 0.050), answer="B"),
    )


async def gone(tasks: Iterable[asyncio.Task[Any]]) -> None:
    losers = [task for task in tasks if not task.done()]
    for loser in losers:
        loser.cancel()
    await asyncio.gather(*losers, return_exceptions=True)


async def in_order(tasks: list[asyncio.Task[Any]]) -> Any:
    """The answer of the first of them that has one, however long the others take."""
    for task in tasks:
        await asyncio.wait([task])
        if task.exception() is None:
            break
    await gone(tasks)
    return task.result()


async def ranked() -> str:
    answer: str = await in_order([asyncio.create_task(service()) for service in services()])
    return answer


async def all_then_ranked() -> str:
    tasks = [asyncio.create_task(service()) for service in services()]
    await asyncio.wait(tasks)
    return str(tasks[0].result())


# Any of a set.


async def pops_from_done() -> str:
    tasks = [asyncio.create_task(service()) for service in services()]
    done, _ = await asyncio.wait(tasks)
    return str(done.pop().result())


async def first_of_done() -> str:
    tasks = [asyncio.create_task(service()) for service in services()]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    await gone(tasks)
    return str(next(iter(done)).result())


# The literal rule, among those that are there.


async def literal(return_when: str) -> str:
    race, seed = Told("literal"), 3
    calls = [race.branch(service.name)(service) for service in services()]
    tasks = [asyncio.create_task(call()) for call in calls]
    done, _ = await asyncio.wait(tasks, return_when=return_when)
    valid = [index for index, task in enumerate(tasks) if task in done]
    winner = valid[seed % len(valid)]
    race.decides(("llm", "rules")[winner], tasks[winner].result())
    await gone(tasks)
    return str(tasks[winner].result())


async def literal_of_the_first() -> str:
    return await literal(asyncio.FIRST_COMPLETED)


async def literal_of_all() -> str:
    return await literal(asyncio.ALL_COMPLETED)


# A window after the first answer.


async def best_within(window: float) -> str:
    tasks = [asyncio.create_task(service()) for service in services()]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    done, _ = await asyncio.wait(tasks, timeout=window)
    await gone(tasks)
    return str(next(task for task in tasks if task in done).result())


async def short_window() -> str:
    return await best_within(0.005)


async def long_window() -> str:
    return await best_within(0.060)


# The first to be done, valid or not.


async def by_completion(*, check: bool) -> str:
    good = FakeService("good", latency=(0.010, 0.030), answer="A", valid=bool)
    hasty = FakeService("hasty", latency=(0.020, 0.040), answer="", valid=bool)
    answers: list[str] = []

    async def ask(service: FakeService) -> None:
        answers.append(await service())

    await asyncio.gather(ask(good), ask(hasty))
    return next(answer for answer in answers if answer or not check)


async def first_done() -> str:
    return await by_completion(check=False)


async def first_valid() -> str:
    return await by_completion(check=True)


# An error that ties with an answer.


def fails() -> str:
    raise ConnectionError("no route")


async def error_or_answer(*, patient: bool) -> Any:
    broken = FakeService("broken", latency=(0.020, 0.060), answer=fails)
    sound = FakeService("sound", latency=(0.010, 0.050), answer="A")
    tasks = [asyncio.create_task(service()) for service in (broken, sound)]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    if patient and tasks[1] not in done:
        await asyncio.wait(tasks)
    if patient:
        tasks.reverse()
    await gone(tasks)
    ended = [task for task in tasks if task.done() and not task.cancelled()]
    outcomes = [task.exception() or task.result() for task in ended]
    return outcomes[0]


async def error_ties() -> Any:
    return await error_or_answer(patient=False)


async def error_is_passed_over() -> Any:
    return await error_or_answer(patient=True)


# All have failed, says the first to fail.


async def gives_up(*, early: bool) -> str | None:
    race = Told("give up")
    hasty = FakeService("hasty", latency=(0.020, 0.060), answer="")
    good = FakeService("good", latency=(0.010, 0.050), answer="A")
    tasks = [asyncio.create_task(race.branch(it.name)(it)()) for it in (hasty, good)]
    await asyncio.wait(tasks)
    ends = [it.ledger.calls[0].ended or 0.0 for it in (hasty, good)]
    answer = None if early and ends[0] <= ends[1] else tasks[1].result()
    race.decides(None if answer is None else "good", answer)
    return answer


async def gives_up_early() -> str | None:
    return await gives_up(early=True)


async def gives_up_never() -> str | None:
    return await gives_up(early=False)


# The same winner with another value.


async def counts_answers(*, all_of_them: bool) -> dict[str, Any]:
    tasks = [asyncio.create_task(service()) for service in services()]
    answer = await tasks[0]
    if all_of_them:
        await asyncio.wait(tasks)
    answered = sum(task.done() for task in tasks)
    await gone(tasks)
    return {"answer": answer, "of": answered}


async def says_how_many_answered() -> dict[str, Any]:
    return await counts_answers(all_of_them=False)


async def waits_and_counts() -> dict[str, Any]:
    return await counts_answers(all_of_them=True)


# The same winner and value with another record.


async def recorded(*, timing: bool) -> str:
    race = Told("recorded")
    ended: list[str] = []

    async def ask(service: FakeService) -> str:
        answer = await service()
        ended.append(service.name)
        return str(answer)

    both = services()
    tasks = [asyncio.create_task(race.branch(it.name)(ask)(it)) for it in both]
    await asyncio.wait(tasks)
    race.decides("llm", tasks[0].result())
    latencies = [(it.ledger.calls[0].ended or 0.0) * 1e3 for it in both]
    order = {"finished": list(ended)} if timing else {}
    race.records(winning_branch_index=0, branch_latencies_ms=latencies, **order)
    return str(tasks[0].result())


async def records_the_order() -> str:
    return await recorded(timing=True)


async def records_times() -> str:
    return await recorded(timing=False)


# The same with threads.


def threads_first_of_done() -> str:
    with pools.ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(service.blocking) for service in services()]
        pools.wait(futures)
        done = next(iter(pools.as_completed(futures)))
    return str(done.result())


def threads_as_completed() -> str:
    pool = pools.ThreadPoolExecutor(2)
    futures = [pool.submit(service.blocking) for service in services()]
    answers = [future.result() for future in pools.as_completed(futures)]
    pool.shutdown()
    return str(answers[0])


def threads_ranked() -> str:
    pool = pools.ThreadPoolExecutor(2)
    futures = [pool.submit(service.blocking) for service in services()]
    answers = [future.result() for future in futures]
    pool.shutdown()
    return str(answers[0])


OTHER = ("another winner",)

TWINS = {
    "pops from done": Twins(pops_from_done, all_then_ranked, OTHER),
    "first of done": Twins(first_of_done, ranked, OTHER),
    "literal under early return": Twins(literal_of_the_first, literal_of_all, OTHER),
    "short window": Twins(short_window, long_window, OTHER),
    "first done": Twins(first_done, first_valid, ("an invalid answer won",)),
    "error ties": Twins(error_ties, error_is_passed_over, ("an error won", "another value")),
    "gives up early": Twins(gives_up_early, gives_up_never, ("nobody won",)),
    "counts answers": Twins(says_how_many_answered, waits_and_counts, ("another value",)),
    "records the order": Twins(records_the_order, records_times, ("another record",)),
    "threads, first of done": Twins(threads_first_of_done, threads_ranked, OTHER),
    "threads, as completed": Twins(threads_as_completed, threads_ranked, OTHER),
}
