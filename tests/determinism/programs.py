"""Programs whose executions differ from plan to plan, by way of everything that could differ."""

from __future__ import annotations

import asyncio
import gc
import queue
import random
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, as_completed, wait
from typing import Any

from spectest.faults import (
    Duplicate,
    Fault,
    FaultPlan,
    Hang,
    Raise,
    RateLimit,
    Reset,
    SlowStart,
    WrongAnswer,
)
from spectest.services import FakeService, sometimes

__all__ = ["PROGRAMS", "SAME_ON_ALL_VERSIONS"]


async def reply(name: str, ms: float) -> str:
    await asyncio.sleep(ms / 1000)
    return name


async def first_of_a_set() -> str:
    """The idiom: the set of those that are done has an order of its own."""
    branches = [asyncio.create_task(reply(name, 5)) for name in ("llm", "rules", "cache")]
    done, pending = await asyncio.wait(branches, return_when=asyncio.FIRST_COMPLETED)
    winner = done.pop().result()
    for task in pending:
        task.cancel()
    if pending:
        await asyncio.wait(pending)
    return winner


async def answer_and_timeout() -> list[str]:
    outcomes = []
    for ms in (9.5, 10, 10.5):
        try:
            async with asyncio.timeout(0.01):
                outcomes.append(await reply("answer", ms))
        except TimeoutError:
            outcomes.append("timeout")
    return outcomes


async def group_that_fails() -> list[str]:
    log: list[str] = []

    async def branch(name: str, ms: float, fails: bool) -> None:
        try:
            await reply(name, ms)
            if fails:
                raise ValueError(name)
            log.append(name)
        except asyncio.CancelledError:
            log.append(f"{name} cancelled")
            raise

    try:
        async with asyncio.TaskGroup() as group:
            for number in range(5):
                group.create_task(branch(f"branch {number}", 3, fails=number == 2))
    except* ValueError as errors:
        log.append(f"{len(errors.exceptions)} failed")
    return log


async def hedge_with_dice() -> tuple[str, float]:
    """Random numbers of the program's own, and a hedge after a delay."""
    first = asyncio.create_task(reply("first", random.uniform(2, 6)))
    done, _ = await asyncio.wait({first}, timeout=0.004)
    attempts = [first]
    if not done:
        attempts.append(asyncio.create_task(reply("hedge", random.uniform(2, 6))))
    async for answer in _in_order_of_completion(attempts):
        for attempt in attempts:
            attempt.cancel()
        await asyncio.gather(*attempts, return_exceptions=True)
        return answer, random.random()
    raise AssertionError


async def _in_order_of_completion(attempts: list[asyncio.Task[str]]) -> Any:
    for attempt in asyncio.as_completed(attempts):
        yield await attempt


async def bare_coroutines() -> list[str]:
    answers = [reply(name, 4) for name in ("c", "a", "b")]
    return [await answer for answer in asyncio.as_completed(answers)]


async def queue_of_work() -> list[tuple[str, int]]:
    queue: asyncio.Queue[int] = asyncio.Queue(2)
    log: list[tuple[str, int]] = []

    async def worker(name: str) -> None:
        while True:
            number = await queue.get()
            await asyncio.sleep(0.001 * (number % 3))
            log.append((name, number))
            queue.task_done()

    workers = [asyncio.create_task(worker(name)) for name in "ab"]
    for number in range(6):
        await queue.put(number)
    await queue.join()
    for task in workers:
        task.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    return log


async def shut_down_all_tasks() -> list[str]:
    """Cancels whatever `all_tasks` names, in its order; sets of strings have one of their own."""
    log: list[str] = []

    async def service(name: str) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            log.append(name)

    services = [asyncio.create_task(service(name), name=name) for name in ("db", "cache", "web")]
    await asyncio.sleep(0.001)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await asyncio.gather(*services, return_exceptions=True)
    return log


async def jobs() -> list[int]:
    async def job(number: int) -> int:
        return await asyncio.to_thread(pow, number, 2)

    return [await first for first in asyncio.as_completed([job(2), job(3), job(4)])]


async def fails_sometimes() -> str:
    """A race of the usual kind: two branches and one shared cell."""
    cell: list[str] = []

    async def branch(name: str, ms: float) -> None:
        await reply(name, ms)
        seen = list(cell)
        await asyncio.sleep(0)
        cell[:] = [*seen, name]

    await asyncio.gather(branch("a", 3), branch("b", 3.1))
    assert len(cell) == 2, f"lost update: {cell}"
    return cell[0]


def threads_and_locks() -> list[str]:
    """Two threads, a lock and a queue, and who was first."""
    log: list[str] = []
    lock = threading.Lock()
    names: queue.Queue[str] = queue.Queue(2)

    def work(name: str, ms: float) -> None:
        time.sleep(ms / 1000)
        with lock:
            log.append(name)
        names.put(name)

    threads = [
        threading.Thread(target=work, args=(name, ms)) for name, ms in (("a", 3), ("b", 3.1))
    ]
    for thread in threads:
        thread.start()
    log += [names.get(timeout=1) for _ in threads]
    for thread in threads:
        thread.join()
    return log


def first_of_a_pool() -> list[str]:
    """The set of futures that are done has an order of its own, and so have the pool's threads."""
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(time.sleep, ms / 1000) for ms in (5, 5, 5.2)]
        done, _ = wait(futures, return_when=FIRST_COMPLETED)
        order = [futures.index(future) for future in (*done, *as_completed(futures))]
    return [str(number) for number in order]


async def loop_and_threads() -> list[str]:
    """An event loop, a worker that calls back, and a timeout that may meet the answer."""
    log: list[str] = []
    loop = asyncio.get_running_loop()

    async def note(name: str) -> None:
        log.append(name)

    def work() -> None:
        time.sleep(0.0095)
        asyncio.run_coroutine_threadsafe(note("called back"), loop).result(timeout=0.005)
        log.append("worker")

    try:
        async with asyncio.timeout(0.010):
            await asyncio.to_thread(work)
    except TimeoutError:
        log.append("timeout")
    await asyncio.sleep(0.005)
    return log


def anything_goes_wrong() -> list[Fault]:
    return [
        Raise(ConnectionError),
        Hang(),
        Reset(),
        SlowStart(0.010),
        WrongAnswer("no"),
        Duplicate(0.010),
        RateLimit(0.010),
    ]


async def calls_of_services() -> list[str]:
    log: list[str] = []
    llm = FakeService(
        "llm",
        latency=(0.005, 0.040),
        answer="yes",
        effect=lambda number: log.append(f"effect {number}"),
        failures=FaultPlan(*anything_goes_wrong(), budget=2),
        capacity=2,
        on_cancel=0.010,
    )

    async def ask(number: int) -> None:
        if sometimes("tired"):
            await asyncio.sleep(0.010)
        try:
            async with asyncio.timeout(0.030):
                log.append(f"{number}: {await llm(number)}")
        except OSError as error:
            log.append(f"{number}: {error}")

    await asyncio.gather(*(ask(number) for number in range(4)))
    await asyncio.sleep(1)
    return [*log, *(f"{call.name} {call.outcome} {call.fault}" for call in llm.ledger)]


async def services_and_threads() -> list[str]:
    llm = FakeService(
        "llm", latency=(0.005, 0.040), failures=[Reset(), Duplicate(0.010)], capacity=1
    )
    calls = (llm(1), asyncio.to_thread(llm.blocking, 2), asyncio.to_thread(llm.blocking, 3))
    await asyncio.gather(*calls, return_exceptions=True)
    return [f"{call.args} {call.outcome} {call.fault} {call.ended}" for call in llm.ledger]


PROGRAMS: dict[str, Callable[[], Any]] = {
    program.__name__: program
    for program in (
        first_of_a_set,
        answer_and_timeout,
        group_that_fails,
        hedge_with_dice,
        bare_coroutines,
        queue_of_work,
        shut_down_all_tasks,
        jobs,
        fails_sometimes,
        threads_and_locks,
        first_of_a_pool,
        loop_and_threads,
        calls_of_services,
        services_and_threads,
    )
}

SAME_ON_ALL_VERSIONS = (
    "first_of_a_set",
    "answer_and_timeout",
    "queue_of_work",
    "shut_down_all_tasks",
    "fails_sometimes",
    "calls_of_services",
)
"""What these use of the standard library is the same code on 3.11, 3.12 and 3.13."""


def litter(amount: int) -> None:
    """Move the heap about, so that addresses fall otherwise."""
    kept = [object() for _ in range(amount)] + [bytes(n % 513) for n in range(amount)]
    sys.intern(f"litter {amount}")
    del kept[::2]
    gc.collect(0)
