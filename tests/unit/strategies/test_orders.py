"""`orders` makes each order of completions once, coincidences among them, and says "all"."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from typing import Any

import pytest

import spectest
from spectest import oracles
from spectest.exploration.execution import execute
from spectest.kernel.plan import Plan
from spectest.kernel.trace import Trace
from spectest.strategies.base import Profile
from spectest.strategies.orders import Orders
from spectest.world import Limits

Program = Callable[[], Any]
Blocks = tuple[frozenset[str], ...]


class Watching:
    """An oracle that finds nothing, and keeps what it has seen."""

    name = "watching"

    def __init__(self) -> None:
        self.traces: list[Trace] = []

    def judge(self, trace: Trace, reference: Trace | None) -> Iterable[oracles.Verdict]:
        self.traces.append(trace)
        return ()


def together(*latencies: tuple[float, float], timeout: float | None = None) -> Program:
    """Waits for all of so many services, each with a timeout of its own if there is one."""

    async def one(number: int, latency: tuple[float, float]) -> None:
        service = spectest.FakeService("abcde"[number], latency=latency)
        try:
            async with asyncio.timeout(timeout):
                await service()
        except TimeoutError:
            pass

    async def main() -> None:
        await asyncio.gather(*(one(number, it) for number, it in enumerate(latencies)))

    return main


def polls_of(trace: Trace) -> list[list[str]]:
    """What completed, in order, by polls."""
    polls: list[list[str]] = [[]]
    for event in trace:
        if event.kind == "complete":
            polls[-1].append(event.subject)
        elif polls[-1]:
            polls.append([])
    return [poll for poll in polls if poll]


def explored(program: Program, strategy: str = "orders") -> list[list[list[str]]]:
    watching = Watching()
    report = spectest.explore(program, strategy=strategy, oracles=watching, runs=30_000)
    assert report.complete
    assert report.failure is None
    # The first is stock order, too. Behind them there may be a look for data races.
    return [polls_of(trace) for trace in watching.traces[1 : report.executions]]


def blocks(polls: list[list[str]]) -> Blocks:
    return tuple(frozenset(poll) for poll in polls)


def flat(polls: list[list[str]]) -> tuple[str, ...]:
    return tuple(name for poll in polls for name in poll)


SAME = (0.010, 0.050)


@pytest.mark.parametrize("branches, weak_orders", [(1, 1), (2, 3), (3, 13), (4, 75)])
def test_every_weak_order_is_made(branches: int, weak_orders: int) -> None:
    seen = explored(together(*[SAME] * branches))
    assert len({blocks(polls) for polls in seen}) == weak_orders
    assert {flat(polls) for polls in seen} == set(permutations(flat(seen[0])))


@pytest.mark.soak
def test_every_weak_order_of_five_is_made() -> None:
    assert len({blocks(polls) for polls in explored(together(*[SAME] * 5))}) == 541


def test_no_order_is_made_twice_but_that_of_stock() -> None:
    seen = [tuple(map(tuple, polls)) for polls in explored(together(*[SAME] * 3))]
    assert len(seen) == 1 + len(set(seen))
    assert len(set(seen)) == 6 * 4  # Each permutation, cut into polls in four ways.


@pytest.mark.parametrize("other", [SAME, (0.020, 0.060), (0.045, 0.090), (0.050, 0.050)])
def test_nothing_is_lost_but_moments(other: tuple[float, float]) -> None:
    program = together(SAME, other)
    assert set(map(flat, explored(program))) == set(map(flat, explored(program, "dfs")))


def test_an_answer_comes_before_with_or_after_its_timeout() -> None:
    seen = explored(together(SAME, timeout=0.030))
    answer, timer = "a#1", "one timeout#1"
    assert sorted(seen[1:]) == sorted([[[answer]], [[answer, timer]], [[timer, answer]], [[timer]]])


@pytest.mark.parametrize("branches, orders", [(1, 4), (2, 21), (3, 142)])
def test_with_timeouts_there_are_more(branches: int, orders: int) -> None:
    seen = explored(together(*[SAME] * branches, timeout=0.030))
    assert len({str(polls) for polls in seen}) == orders


@pytest.mark.parametrize("timeout", [None, 0.030])
def test_each_execution_is_replayed_by_its_plan(timeout: float | None) -> None:
    program, strategy = together(SAME, SAME, timeout=timeout), Orders()
    while not strategy.exhausted:
        strategy.begin(1, Profile())
        made = execute(program, Plan(), Limits(), chooser=strategy, record=True)
        strategy.end(made.contested)
        again = execute(program, made.plan, Limits(), record=True)
        assert again.trace is not None
        assert made.trace is not None
        assert again.trace.fingerprint == made.trace.fingerprint


def test_sets_of_tasks_are_seen_in_both_orders() -> None:
    popped = set()

    async def main() -> None:
        tasks = [asyncio.create_task(asyncio.sleep(0.01, name)) for name in "ab"]
        done, _ = await asyncio.wait(tasks)
        popped.add(done.pop().result())

    report = spectest.explore(main, strategy="orders", elasticity=0)
    assert report.complete
    assert popped == {"a", "b"}


def test_what_is_left_is_said() -> None:
    report = spectest.explore(together(*[SAME] * 4), strategy="orders", runs=50)
    assert not report.complete
    (note,) = report.notes
    assert note.startswith("orders of completions were sampled: ")
    complete = spectest.explore(together(SAME), strategy="orders")
    assert not complete.notes
    assert "all orders of completions were tried" in spectest.render(complete)


def test_threads_take_turns_as_in_stock_order() -> None:
    def main() -> None:
        services = [spectest.FakeService(name, latency=SAME) for name in "ab"]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda service: service.blocking(), services))

    seen = explored(main)
    assert {flat(polls) for polls in seen} == {("a#1", "b#1"), ("b#1", "a#1")}
    assert len(seen) == 1 + 4
