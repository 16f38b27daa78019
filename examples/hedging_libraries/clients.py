"""The same job with each: ask a replica, and after 50 ms another one; the first answer counts."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import hedge
import httpx
import httpx_hedged
from hedge.transport import HedgedHttpxTransport

from examples.hedging_libraries.network import Network
from spectest import patterns

__all__ = [
    "FIXED",
    "URL",
    "Ask",
    "Client",
    "by_rank",
    "hedge_python",
    "hedged_httpx",
    "not_hedged",
    "speculate",
]

URL = "https://prices.example/eur"
DELAY_S = 0.050
FIXED: dict[str, Any] = {"warmup_delay": DELAY_S, "warmup_requests": 1000}
"""The delay is not learnt from the requests before: one request is to show all."""

Ask = Callable[..., Awaitable[httpx.Response]]
Client = Callable[[Network], AbstractAsyncContextManager[Ask]]


@contextlib.asynccontextmanager
async def hedge_python(network: Network, **more: Any) -> AsyncIterator[Ask]:
    config = hedge.HedgeConfig(**FIXED, **more)
    async with _client(HedgedHttpxTransport(network.transport, config)) as ask:
        yield ask


@contextlib.asynccontextmanager
async def hedged_httpx(network: Network, **more: Any) -> AsyncIterator[Ask]:
    config = httpx_hedged.HedgeConfig(**FIXED, **more)
    async with _client(httpx_hedged.HedgedTransport(network.transport, config)) as ask:
        yield ask


@contextlib.asynccontextmanager
async def speculate(network: Network) -> AsyncIterator[Ask]:
    async with _speculating(network, patterns.FirstValid()) as ask:
        yield ask


@contextlib.asynccontextmanager
async def by_rank(network: Network) -> AsyncIterator[Ask]:
    """The first replica's answer counts, and the second one's if the first fails."""
    async with _speculating(network, patterns.Ranked()) as ask:
        yield ask


@contextlib.asynccontextmanager
async def not_hedged(network: Network) -> AsyncIterator[Ask]:
    """One request by httpx alone, to compare with."""
    async with _client(network.transport) as ask:
        yield ask


@contextlib.asynccontextmanager
async def _client(transport: httpx.AsyncBaseTransport) -> AsyncIterator[Ask]:
    async with httpx.AsyncClient(transport=transport) as client:

        async def ask(method: str = "GET", **more: Any) -> httpx.Response:
            return await client.request(method, URL, **more)

        yield ask


@contextlib.asynccontextmanager
async def _speculating(network: Network, decision: Any) -> AsyncIterator[Ask]:
    async with _client(network.transport) as plain:

        async def attempt(inputs: dict[str, Any]) -> httpx.Response:
            return await plain(**inputs)

        async def ask(**inputs: Any) -> httpx.Response:
            answer = await patterns.speculate(
                [patterns.Branch("ask first", attempt), patterns.Branch("ask second", attempt)],
                inputs,
                patterns.Hedge(DELAY_S),
                run_id="1",
                decision=decision,
            )
            return answer.value

        yield ask
        await patterns.settled()
