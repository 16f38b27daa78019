"""The promise: no request is refused."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from examples.speculation import small_pool, small_pool_fixed
from spectest import FakeService, oracles, watch
from spectest.latency import LogNormal

BATCH = 4
EVERY = 0.250
LATENCY = LogNormal.from_percentiles(p50=0.060, p99=0.300)
ORACLES = [
    oracles.never("a request was refused"),
    oracles.tie_breaking(compare=("value",)),  # Replicas: who of them answers does not matter.
    *(name for name in oracles.NAMES if name != "tie_breaking"),
]


def replicas() -> tuple[FakeService, FakeService]:
    return (
        FakeService("replica a", latency=LATENCY, answer="yes"),
        FakeService("replica b", latency=LATENCY, answer="yes"),
    )


async def load(handle: Callable[[str], Awaitable[str]]) -> list[str]:
    """Four requests, and 250 ms later four more."""
    requests = [asyncio.create_task(handle(f"question {number}")) for number in range(BATCH)]
    await asyncio.sleep(EVERY)
    requests += [asyncio.create_task(handle(f"question {4 + number}")) for number in range(BATCH)]
    return await asyncio.gather(*requests)


@pytest.mark.spectest(oracles=ORACLES[0])
async def naive() -> list[str]:
    server = small_pool.Server(*replicas(), small_pool.Pool())
    watch.fact("a request was refused", lambda: server.refused > 0)
    return await load(server.handle)


@pytest.mark.asyncio
async def test_every_request_is_answered() -> None:
    pool = small_pool.Pool()
    assert await load(small_pool.Server(*replicas(), pool).handle) == ["yes"] * 2 * BATCH
    assert pool.peak <= 8, "two connections to spare"


@pytest.mark.spectest(oracles=ORACLES)
async def test_fixed_explored() -> None:
    pool = small_pool_fixed.Pool()
    server = small_pool_fixed.Server(*replicas(), pool)
    watch.fact("a request was refused", lambda: server.refused > 0)
    answers = await load(lambda prompt: server.handle(prompt, run_id=prompt))
    assert answers == ["yes"] * 2 * BATCH
    assert pool.peak <= pool.size
