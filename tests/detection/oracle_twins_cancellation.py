"""Pipelines in pairs: of one, something stays behind or is late at some latency, of the other not.

`llm` always wins, whatever the latencies: nobody depends on who is first.
"""

from __future__ import annotations

import asyncio
import concurrent.futures as pools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from spectest import oracles
from spectest.oracles import Oracle
from spectest.services import FakeService
from tests.detection.telling import Told, branch

__all__ = ["TWINS", "Twins"]

Program = Callable[[], Any]


@dataclass(frozen=True)
class Twins:
    """`finding`: what the oracle says of the broken one; or the promise that it breaks.

    `others`: oracles that find something in the broken one, too, and why they may.
    """

    broken: Program
    healthy: Program
    finding: str
    oracle: Oracle = field(default_factory=oracles.cancellation)
    others: dict[str, str] = field(default_factory=dict)


def winner() -> FakeService:
    return FakeService("llm", latency=(0.010, 0.040), answer="A")


def loser(latency: tuple[float, float] = (0.050, 0.090), **options: Any) -> FakeService:
    return FakeService("rules", latency=latency, answer="B", **options)


Going = Callable[[asyncio.Task[Any]], Any]


async def cancelled_and_awaited(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def race(slow: Callable[[], Any], going: Going = cancelled_and_awaited) -> str:
    """The answer of `llm`; `going`: what is done about the loser."""
    llm = asyncio.create_task(winner()())
    rules = asyncio.create_task(slow())
    await asyncio.wait([llm, rules], return_when=asyncio.FIRST_COMPLETED)
    left = going(rules)
    if left is not None:
        await left
    return str(llm.result())


async def clean() -> str:
    return await race(loser())


# Nobody asks the loser to go, or somebody does and does not look whether it went.


async def forgets_the_loser() -> str:
    return await race(loser(), lambda task: None)


async def cleans_up_slowly(going: Going) -> str:
    async def slow() -> Any:
        try:
            return await loser()()
        finally:
            await asyncio.sleep(0.020)

    return await race(branch("rules")(slow), going)


def only_cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()


async def cancels_and_leaves() -> str:
    return await cleans_up_slowly(only_cancel)


async def cancels_what_goes_at_once() -> str:
    return await race(branch("rules")(loser()), only_cancel)


# The loser does not go.


async def passes_over_cancellation() -> str:
    async def deaf() -> str:
        try:
            return str(await loser()())
        except asyncio.CancelledError:
            pass
        return "B, from the cache"

    return await race(branch("rules")(deaf))


async def goes_on_after_cancellation() -> str:
    async def stubborn() -> str:
        service = loser()
        while True:
            with suppress(asyncio.CancelledError):
                return str(await service())

    return await race(branch("rules")(stubborn), only_cancel)


async def shields_and_awaits() -> str:
    async def shielded() -> str:
        inner = asyncio.ensure_future(loser()())
        try:
            return str(await asyncio.shield(inner))
        except asyncio.CancelledError:
            return str(await inner)

    return await race(branch("rules")(shielded), only_cancel)


async def cleans_up_and_raises() -> str:
    async def heard() -> str:
        try:
            return str(await loser()())
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            raise

    return await race(branch("rules")(heard))


async def shields() -> str:
    async def shielded() -> Any:
        return await asyncio.shield(asyncio.ensure_future(loser()()))

    return await race(branch("rules")(shielded))


# The service works on.


async def not_heard_by_the_service() -> str:
    return await race(loser(on_cancel="ignores"))


async def heard_late_by_the_service() -> str:
    return await race(loser(on_cancel=0.030))


async def heard_soon_by_the_service() -> str:
    return await race(loser(on_cancel=0.005))


# The caller leaves.


async def impatient(*, passed_on: bool) -> str:
    async def both() -> str:
        tasks = [asyncio.create_task(it()) for it in (winner(), loser())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if passed_on:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks[1:]:
            task.cancel()
        return str(tasks[0].result())

    try:
        async with asyncio.timeout(0.035):
            return await both()
    except TimeoutError:
        return "too late"


async def timeout_reaches_nobody() -> str:
    return await impatient(passed_on=False)


async def timeout_reaches_all() -> str:
    return await impatient(passed_on=True)


async def withdrawn(*, passed_on: bool) -> str:
    """The user goes away: the task of the request is cancelled."""

    async def request() -> str:
        told = Told()
        calls = [told.branch(it.name)(it) for it in (winner(), loser())]
        tasks = [asyncio.create_task(call()) for call in calls]
        try:
            return str(await tasks[0])
        finally:
            for task in tasks:
                if passed_on or task is tasks[0]:
                    task.cancel()

    asking = asyncio.create_task(request())
    await asyncio.sleep(0.005)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    return "withdrawn"


async def withdrawn_in_part() -> str:
    return await withdrawn(passed_on=False)


async def withdrawn_wholly() -> str:
    return await withdrawn(passed_on=True)


# The answer is late.


async def waits_for_the_cleanup() -> str:
    return await cleans_up_slowly(cancelled_and_awaited)


async def decided_in_a_group(*, stays: bool) -> str:
    told = Told()
    answer = ""
    async with asyncio.TaskGroup() as group:
        llm = group.create_task(told.branch("llm")(winner())())
        rules = group.create_task(told.branch("rules")(loser())())
        answer = await llm
        told.decides("llm", answer)
        if not stays:
            rules.cancel()
    return str(answer)


async def group_waits() -> str:
    return await decided_in_a_group(stays=True)


async def group_is_told() -> str:
    return await decided_in_a_group(stays=False)


# A permit is not given back.


async def two_requests(*, given_back: bool) -> str:
    permit = asyncio.Semaphore(1)

    async def guarded() -> Any:
        await permit.acquire()
        try:
            answer = await loser()()
        except asyncio.CancelledError:
            if given_back:
                permit.release()
            raise
        permit.release()
        return answer

    await race(branch("rules")(guarded))
    async with permit:
        return await clean()


async def keeps_the_permit() -> str:
    return await two_requests(given_back=False)


async def gives_the_permit_back() -> str:
    return await two_requests(given_back=True)


# Threads.


def started(pool: pools.Executor) -> list[pools.Future[Any]]:
    return [pool.submit(service.blocking) for service in (winner(), loser())]


def thread_is_only_cancelled() -> str:
    pool = pools.ThreadPoolExecutor(2)
    llm, rules = started(pool)
    pools.wait([llm, rules], return_when=pools.FIRST_COMPLETED)
    rules.cancel()
    pool.shutdown(wait=False, cancel_futures=True)
    return str(llm.result())


def pool_is_left_with_a_loser() -> str:
    with pools.ThreadPoolExecutor(2) as pool:
        llm, _ = started(pool)
        return str(llm.result())


def threads_are_awaited() -> str:
    pool = pools.ThreadPoolExecutor(2)
    llm, rules = started(pool)
    pools.wait([llm, rules])
    pool.shutdown()
    return str(llm.result())


def threads_that_are_told(*, decide_first: bool) -> str:
    told, pool = Told(), pools.ThreadPoolExecutor(2)
    services = (winner(), loser())
    futures = [pool.submit(told.branch(it.name)(it.blocking)) for it in services]
    answer = str(futures[0].result())
    if decide_first:
        told.decides("llm", answer)
        told.dismisses("rules")
    pools.wait(futures)
    if not decide_first:
        told.decides("llm", answer)
    pool.shutdown()
    return answer


def decides_and_waits_for_a_thread() -> str:
    return threads_that_are_told(decide_first=True)


def waits_for_threads_and_decides() -> str:
    return threads_that_are_told(decide_first=False)


OUTLIVED, SWALLOWED = "a loser outlived the grace", "a loser swallowed its cancellation"
HANDLE, ORPHAN = "a dead handle", "a branch outlived its caller"
WAITED = "the answer waited for a loser"
LATE = {"tie_breaking": "whether the deadline is met is what the answer says"}

TWINS = {
    "forgotten": Twins(forgets_the_loser, clean, OUTLIVED),
    "cancelled, not awaited": Twins(cancels_and_leaves, cancels_what_goes_at_once, OUTLIVED),
    "thread, only cancelled": Twins(thread_is_only_cancelled, threads_are_awaited, OUTLIVED),
    "passes over it": Twins(passes_over_cancellation, cleans_up_and_raises, SWALLOWED),
    "goes on after it": Twins(goes_on_after_cancellation, cleans_up_and_raises, SWALLOWED),
    "shields and awaits": Twins(shields_and_awaits, cleans_up_and_raises, SWALLOWED),
    "shields": Twins(shields, cleans_up_and_raises, ORPHAN),
    "timeout of the caller": Twins(timeout_reaches_nobody, timeout_reaches_all, ORPHAN),
    "caller is cancelled": Twins(withdrawn_in_part, withdrawn_wholly, ORPHAN),
    "service ignores it": Twins(not_heard_by_the_service, clean, HANDLE),
    "service hears it late": Twins(
        heard_late_by_the_service, heard_soon_by_the_service, HANDLE, oracles.cancellation(0.010)
    ),
    "waits for the cleanup": Twins(waits_for_the_cleanup, cleans_up_and_raises, WAITED),
    "group waits": Twins(group_waits, group_is_told, WAITED, oracles.cancellation(grace=0.1)),
    "pool waits": Twins(pool_is_left_with_a_loser, threads_are_awaited, WAITED),
    "waits for a thread": Twins(
        decides_and_waits_for_a_thread,
        waits_for_threads_and_decides,
        WAITED,
        oracles.cancellation(grace=0.1),
    ),
    "keeps the permit": Twins(keeps_the_permit, gives_the_permit_back, "Deadlock"),
}
