"""Pipelines as people write them by hand, on plain asyncio and on a thread pool."""

import asyncio
import contextvars
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from simulators.live import CallFailed, Reply, Service, Services


def answer_among(calls: Iterable[Any]) -> Reply | None:
    """The first valid answer, in the order in which the calls were made."""
    for call in calls:
        if call.done() and not call.cancelled() and call.exception() is None:
            reply: Reply = call.result()
            if reply.valid:
                return reply
    return None


async def hedged(services: Services, request: int) -> Reply | None:
    """A backup after two seconds, or as soon as the primary has failed."""
    calls = [asyncio.create_task(services["a"]())]
    await asyncio.wait(calls, timeout=2.0)
    if (reply := answer_among(calls)) is None:
        calls.append(asyncio.create_task(services["b"]()))
    while reply is None and (running := [call for call in calls if not call.done()]):
        await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        reply = answer_among(calls)
    for call in calls:
        call.cancel()
    return reply


async def leaky(services: Services, request: int) -> Reply | None:
    """The same, but the loser is never cancelled."""
    calls = [asyncio.create_task(services["a"]())]
    await asyncio.wait(calls, timeout=2.0)
    if (reply := answer_among(calls)) is None:
        calls.append(asyncio.create_task(services["b"]()))
    while reply is None and (running := [call for call in calls if not call.done()]):
        await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        reply = answer_among(calls)
    return reply


async def impatient(services: Services, request: int) -> Reply | None:
    """One after the other, each with its timeout."""
    for name in services:
        try:
            reply = await asyncio.wait_for(services[name](), 3.0)
        except (CallFailed, TimeoutError):
            continue
        if reply.valid:
            return reply
    return None


async def racing(services: Services, request: int) -> Reply:
    """All at once; the losers are cancelled and waited for."""
    calls = [asyncio.create_task(services[name]()) for name in services]
    await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    reply = answer_among(calls)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert reply is not None
    return reply


def pooled(services: Services, request: int) -> Reply | None:
    """All at once on a thread pool; nobody can stop the losers."""
    pool = ThreadPoolExecutor(len(services))
    calls = [pool.submit(services[name].blocking) for name in services]
    pool.shutdown(wait=False)
    return first_of(calls)


def hedging_pool(services: Services, request: int) -> Reply | None:
    """A backup when the primary has not answered after two seconds; the clients know no request."""
    pool = ThreadPoolExecutor(2)

    def asked(name: str) -> Future[Reply]:
        return pool.submit(contextvars.copy_context().run, Service(name).blocking)

    calls = [asked("a")]
    wait(calls, timeout=2.0)
    if answer_among(calls) is None:
        calls.append(asked("b"))
    pool.shutdown(wait=False)
    return first_of(calls)


def first_of(calls: list[Future[Reply]]) -> Reply | None:
    reply = answer_among(calls)
    while reply is None and (running := [call for call in calls if not call.done()]):
        wait(running, return_when=FIRST_COMPLETED)
        reply = answer_among(calls)
    return reply
