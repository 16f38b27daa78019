"""Programs around services, in pairs: one breaks at some latency or fault, the other at none.

None of the broken ones fails in stock order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from spectest.faults import NO_FAULTS, Duplicate, FaultPlan, RateLimit, RateLimited, Reset
from spectest.services import FakeService

__all__ = ["TWINS", "Twins"]

Program = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Twins:
    """`error`: what the broken one ends with."""

    broken: Program
    healthy: Program
    error: str
    faults: FaultPlan = NO_FAULTS


# A loser writes after it was cancelled.


async def first_answer(on_cancel: Any) -> None:
    """A bid is withdrawn with its call; the server of `rules` does not notice."""
    rules = FakeService("rules", latency=(0.010, 0.040), effect=lambda: "bid", on_cancel=on_cancel)
    llm = FakeService("llm", latency=(0.020, 0.080))
    calls = [asyncio.create_task(rules()), asyncio.create_task(llm())]
    _, losers = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    for loser in losers:
        loser.cancel()
    await asyncio.gather(*losers, return_exceptions=True)
    await asyncio.sleep(1)
    assert not rules.ledger.late_effects, "a loser has written"


async def loser_writes() -> None:
    await first_answer("ignores")


async def loser_stops() -> None:
    await first_answer("stops")


# A retry doubles a write.


async def order(key: str | None) -> None:
    orders: dict[str, int] = {}

    def write(request: str) -> str:
        orders[request if key else f"{request}, row {len(orders) + 1}"] = 1
        return request

    shop = FakeService("shop", latency=0.020, effect=write)
    for _ in range(3):
        with suppress(ConnectionResetError):
            await shop("a book")
            break
    assert len(orders) == 1, "ordered twice"


async def retries_a_write() -> None:
    await order(None)


async def retries_with_a_key() -> None:
    await order("idempotency key")


# Dead handles fill a pool.


async def asks_until_answered(patience: float) -> None:
    llm = FakeService("llm", latency=(0.010, 0.060), connections=2, on_cancel="ignores")
    for _ in range(3):
        with suppress(TimeoutError):
            await asyncio.wait_for(llm(), patience)


async def impatient() -> None:
    await asks_until_answered(0.025)


async def patient() -> None:
    await asks_until_answered(0.061)


# A rate limit is never over.


async def asks_again(part: float) -> None:
    """Whoever comes back before the time is refused anew, for as long again."""
    loop = asyncio.get_running_loop()
    banned_until = 0.0

    async def ask() -> None:
        nonlocal banned_until
        if loop.time() < banned_until:
            banned_until = loop.time() + 0.050
            raise RateLimited(retry_after=0.050)
        try:
            await llm()
        except RateLimited as limited:
            banned_until = loop.time() + limited.retry_after
            raise

    llm = FakeService("llm", latency=0.010)
    while True:
        try:
            await ask()
            break
        except RateLimited as limited:
            await asyncio.sleep(part * limited.retry_after)


async def comes_back_too_soon() -> None:
    await asks_again(0.5)


async def comes_back_in_time() -> None:
    await asks_again(1.0)


# A duplicate arrives late, and undoes what came after it.


async def two_writes(versioned: bool) -> None:
    stored: dict[str, tuple[int, str]] = {}

    def write(version: int, value: str) -> None:
        if not versioned or version > stored.get("price", (0, ""))[0]:
            stored["price"] = version, value

    db = FakeService("db", latency=0.010, effect=write)
    await db(1, "old")
    await db(2, "new")
    await asyncio.sleep(1)
    assert stored["price"][1] == "new", "a stale write has won"


async def last_write_wins() -> None:
    await two_writes(versioned=False)


async def newest_version_wins() -> None:
    await two_writes(versioned=True)


TWINS = {
    "a loser writes": Twins(loser_writes, loser_stops, "AssertionError"),
    "a doubled write": Twins(
        retries_a_write, retries_with_a_key, "AssertionError", FaultPlan(Reset(on="shop"))
    ),
    "a full pool": Twins(impatient, patient, "ConnectionRefusedError"),
    "a rate limit": Twins(
        comes_back_too_soon, comes_back_in_time, "Livelock", FaultPlan(RateLimit(0.050, on="llm"))
    ),
    "a stale duplicate": Twins(
        last_write_wins, newest_version_wins, "AssertionError", FaultPlan(Duplicate(0.015, on="db"))
    ),
}
