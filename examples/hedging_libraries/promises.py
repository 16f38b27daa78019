"""One program for each promise; it is given the client that shall keep it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import httpx

from examples.hedging_libraries.clients import Client
from examples.hedging_libraries.network import Network, replicas

__all__ = [
    "another_answer",
    "answers_at_once",
    "counts_once",
    "gives_connections_back",
    "keeps_attempts_apart",
    "keeps_to_its_budget",
    "one_answer",
    "posts_once",
    "prefers_an_answer_to_an_error",
    "sends_a_stream_once",
    "survives_a_timeout",
    "trips_its_breaker",
]

Check = Callable[[], None]


async def one_answer(client: Client) -> str:
    async with client(Network(*replicas())) as ask:
        return (await ask()).text


async def another_answer(client: Client) -> str:
    first, _ = replicas(answer="41")
    _, second = replicas(answer="42")
    async with client(Network(first, second)) as ask:
        return (await ask()).text


def gives_connections_back(client: Client) -> tuple[Coroutine[Any, Any, None], Check]:
    network = Network(*replicas())

    async def main() -> None:
        async with client(network) as ask:
            await ask()

    def check() -> None:
        assert not network.in_use, f"never given back: the connection to {network.in_use[0]}"

    return main(), check


async def answers_at_once(client: Client) -> None:
    """An attempt that is cancelled takes 300 ms to say goodbye, as over a slow TLS connection."""

    async def goodbye() -> None:
        await asyncio.sleep(0.300)

    first, second = replicas()
    async with client(Network(first, second, goodbye=goodbye)) as ask:
        await ask()
        now = asyncio.get_running_loop().time()
        calls = [*first.ledger, *second.ledger]
        known = min(it.ended or now for it in calls if it.outcome == "answered")
        late_ms = (now - known) * 1000
        assert late_ms < 50, f"the answer was kept for {late_ms:.0f} ms"


async def prefers_an_answer_to_an_error(client: Client) -> object:
    first, _ = replicas(answer=_breaks)
    _, second = replicas()
    async with client(Network(first, second)) as ask:
        try:
            return (await ask()).text
        except httpx.ReadError as error:
            return error


async def survives_a_timeout(client: Client) -> None:
    first, _ = replicas(latency=0.500)
    _, second = replicas(latency=0.100)
    async with client(Network(first, second)) as ask:
        response = await ask(timeout=0.120)
        assert response.text == "42"


async def posts_once(client: Client) -> None:
    first, second = replicas(effect=lambda: "an order")
    async with client(Network(first, second)) as ask:
        await ask(method="POST")
    assert len(first.ledger) + len(second.ledger) == 1, "the order was sent twice"


async def counts_once(client: Client) -> None:
    first, second = replicas(effect=lambda: "a hit")
    async with client(Network(first, second)) as ask:
        await ask()


async def sends_a_stream_once(client: Client) -> None:
    async def slow_upload() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(0.080)
        yield b"}"

    async with client(Network(*replicas())) as ask:
        response = await ask(content=slow_upload())
        assert response.text == "42"


async def keeps_to_its_budget(client: Client) -> None:
    """20 requests, six or seven a second: 10 % are 2, and a burst of 2 more is in order."""
    first, second = replicas()
    async with client(Network(first, second)) as ask:
        for _ in range(20):
            await ask()
    hedges = len(first.ledger) + len(second.ledger) - 20
    assert hedges <= 4, f"{hedges} of 20 requests were sent twice"


async def trips_its_breaker(client: Client) -> None:
    """For a client with a breaker: all fails; soon nothing is sent twice, and all is still sent."""
    first, second = replicas(answer=_breaks)
    async with client(Network(first, second)) as ask:
        for number in range(20):
            if number == 10:
                before = len(first.ledger) + len(second.ledger)
            try:
                await ask()
            except httpx.ReadError:
                continue
            raise AssertionError("an answer came out of nowhere")
    sent = len(first.ledger) + len(second.ledger) - before
    assert before > 10, "nothing was sent twice before the breaker had tripped"
    assert sent == 10, f"the last 10 requests were sent {sent} times"


async def keeps_attempts_apart(client: Client) -> None:
    async with client(Network(*replicas())) as ask:
        response = await ask()
    asked, answers = response.request.headers["x-asked"], response.headers["x-answers"]
    assert asked == answers, f"{answers} has answered a request that was sent to {asked}"


def _breaks() -> str:
    raise httpx.ReadError("the connection broke")
