"""The lost connections once more, with httpx's own pool and a server on this machine.

The coincidence is made by hand: responses of the pool wait for each other, or for their caller to
be cancelled. No clock decides, so that it happens each time.

    python -m examples.hedging_libraries.real_pool
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import hedge
import httpx
import httpx_hedged
from hedge.transport import HedgedHttpxTransport

from examples.hedging_libraries.clients import FIXED

__all__ = ["TRANSPORTS", "after_a_cancelled_caller", "after_two_answers_at_once"]

Transport = Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport]

TRANSPORTS: dict[str, Transport] = {
    "hedge-python": lambda inner: HedgedHttpxTransport(inner, hedge.HedgeConfig(**FIXED)),
    "httpx-hedged": lambda inner: httpx_hedged.HedgedTransport(
        inner, httpx_hedged.HedgeConfig(**FIXED)
    ),
}


class _Together(httpx.AsyncBaseTransport):
    """Holds GET responses back until `several` are there; then calls `then`, and lets them go."""

    def __init__(
        self, inner: httpx.AsyncBaseTransport, several: int, then: Callable[[], object]
    ) -> None:
        self._inner = inner
        self._missing = several
        self._then = then
        self._there = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        if request.method == "GET":
            self._missing -= 1
            if not self._missing:
                self._then()
                self._there.set()
            await self._there.wait()
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


async def after_two_answers_at_once(transport: Transport) -> bool:
    """Whether both connections of a pool of two can be used when two answers came together."""
    pool = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=2))
    async with _server() as url, _client(transport(_Together(pool, 2, lambda: None))) as client:
        await client.get(url)
        return await _both(client, url)


async def after_a_cancelled_caller(transport: Transport) -> bool:
    """Whether both connections can be used when a caller left in the instant of his answer."""
    pool = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=2))

    def leave() -> None:
        caller.cancel()

    async with _server() as url, _client(transport(_Together(pool, 1, leave))) as client:
        caller = asyncio.create_task(client.get(url))
        with contextlib.suppress(asyncio.CancelledError):
            await caller
        return await _both(client, url)


async def _both(client: httpx.AsyncClient, url: str) -> bool:
    try:
        async with client.stream("POST", url), client.stream("POST", url):
            return True
    except httpx.PoolTimeout:
        return False


def _client(transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=transport, timeout=httpx.Timeout(5.0, pool=0.3))


class _Answering(asyncio.Protocol):
    """The server's side of a connection: it answers after 100 ms, later than a hedge is sent."""

    def __init__(self, connections: set[asyncio.Transport]) -> None:
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(transport)

    def data_received(self, data: bytes) -> None:
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n42"
        if data.endswith(b"\r\n\r\n"):
            asyncio.get_running_loop().call_later(0.100, self._transport.write, answer)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._connections.discard(self._transport)


@contextlib.asynccontextmanager
async def _server() -> AsyncIterator[str]:
    connections: set[asyncio.Transport] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Answering(connections), "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        for connection in [*connections]:
            connection.abort()
        while connections:
            await asyncio.sleep(0)


def main() -> None:
    for name, transport in TRANSPORTS.items():
        for lose in (after_two_answers_at_once, after_a_cancelled_caller):
            usable = "can be used" if asyncio.run(lose(transport)) else "are not both to be had"
            print(f"{name}, {lose.__name__.replace('_', ' ')}: its two connections {usable}")


if __name__ == "__main__":
    main()
