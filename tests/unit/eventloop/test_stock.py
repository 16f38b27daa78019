"""The loop that confirms: it is CPython's, it keeps every plan in real time, it leaves nothing."""

from __future__ import annotations

import asyncio
import gc
import random
import selectors
import threading
import time
from asyncio import events, tasks
from typing import Any

import pytest

from spectest.exploration.confirmation import confirm_plan
from spectest.exploration.execution import execute
from spectest.exploration.results import Confirmation
from spectest.exploration.settings import Settings
from spectest.kernel.plan import Hold, Plan
from spectest.strategies.base import Profile
from spectest.strategies.random_walk import RandomWalk

STRETCHY = Settings(elasticity=3.0)
LATER = Hold(20_000_000)


def test_the_loop_is_stock_and_the_durations_are_real() -> None:
    seen: list[tuple[type, float]] = []

    async def program() -> None:
        began = time.perf_counter()
        await asyncio.sleep(0.020)
        loop = asyncio.get_running_loop()
        seen.append((type(loop)._run_once, time.perf_counter() - began))  # type: ignore[attr-defined]
        raise ValueError("always")

    answer = confirm_plan(program, Plan({"program#1": LATER}), STRETCHY, expected=None)
    assert answer.confirmed
    run_once, took = seen[-1]
    assert run_once is asyncio.BaseEventLoop._run_once  # type: ignore[attr-defined]
    assert took >= 0.030


def test_every_plan_that_latency_can_bring_about_is_kept_in_real_time() -> None:
    """Plans that nobody chose; the message, which must be the same, is all that happened."""

    async def program() -> None:
        log: list[str] = []
        lock = asyncio.Lock()

        async def worker(name: str, delay: float) -> None:
            try:
                await asyncio.sleep(delay)
                async with lock:
                    log.append(f"{name} in")
                    await asyncio.sleep(0.002)
                log.append(f"{name} out")
            except asyncio.CancelledError:
                log.append(f"{name} cancelled")
                raise

        delays = {"a": 0.001, "b": 0.001, "c": 0.002, "d": 0.003}
        workers = {asyncio.create_task(worker(*item)): item[0] for item in delays.items()}
        done, pending = await asyncio.wait(workers, timeout=0.007)
        log.append("done " + " ".join(workers[task] for task in done))
        for task in pending:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        raise ValueError(", ".join(log))

    logs = set()
    walk = RandomWalk()
    for number in range(8):
        walk.begin(number, Profile())
        found = execute(program, Plan(), STRETCHY.limits, chooser=walk)
        logs.add(str(found.error))
        answer = confirm_plan(program, found.plan, STRETCHY, expected=found.error)
        assert answer.confirmed, (found.plan, answer)
    assert len(logs) > 4


def test_it_works_inside_a_running_loop() -> None:
    async def failing() -> None:
        await asyncio.sleep(0.010)
        raise ValueError("always")

    async def notebook() -> Confirmation:
        loop = asyncio.get_running_loop()
        answer = confirm_plan(failing, Plan(), STRETCHY, expected=None)
        assert asyncio.get_running_loop() is loop
        await asyncio.sleep(0)
        return answer

    assert asyncio.run(notebook()).confirmed


def test_nothing_stays_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    async def program() -> None:
        asyncio.create_task(asyncio.Event().wait())
        await asyncio.to_thread(time.sleep, 0.005)
        seen.append(asyncio.get_running_loop())
        raise ValueError(random.random())

    closed: list[Any] = []
    close = selectors.DefaultSelector.close

    def closing(selector: Any) -> None:
        closed.append(selector)
        close(selector)

    monkeypatch.setattr(selectors.DefaultSelector, "close", closing)
    seen: list[Any] = []
    names = (events.new_event_loop, time.sleep, asyncio.tasks.sleep, vars(tasks).get("set"))
    threads, state, collecting = threading.enumerate(), random.getstate(), gc.isenabled()
    assert confirm_plan(program, Plan(), STRETCHY, expected=None).confirmed
    assert all(loop.is_closed() for loop in seen)
    assert len(closed) == 1
    assert threading.enumerate() == threads
    assert random.getstate() == state
    assert gc.isenabled() == collecting
    assert names == (
        events.new_event_loop,
        time.sleep,
        asyncio.tasks.sleep,
        vars(tasks).get("set"),
    )
    assert asyncio._get_running_loop() is None
