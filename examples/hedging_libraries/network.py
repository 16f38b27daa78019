"""A network of two replicas, for `httpx.MockTransport`, that counts the connections in use."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx

from spectest import patterns
from spectest.services import FakeService

__all__ = ["Network", "replicas"]


def replicas(**options: Any) -> tuple[FakeService, FakeService]:
    """The first answers after 100 to 200 ms, the second after 60 to 160 ms."""
    first = FakeService("first", **{"latency": (0.100, 0.200), "answer": "42", **options})
    second = FakeService("second", **{"latency": (0.060, 0.160), "answer": "42", **options})
    return first, second


class Network:
    """Sends each request to the next replica, as a load balancer does.

    A connection is in use from the request until its response is closed, as in httpx's own pool,
    and the read timeout of the request holds. `goodbye`: what an attempt that fails or is cancelled
    does before it gives its connection back.
    """

    def __init__(
        self, *replicas: FakeService, goodbye: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self.in_use: list[str] = []
        self.transport = httpx.MockTransport(self._sent)
        self._turns = itertools.cycle(replicas)
        self._goodbye = goodbye

    async def _sent(self, request: httpx.Request) -> httpx.Response:
        replica = next(self._turns)
        attempt = patterns.branch(f"to {replica.name}")(self._attempt)  # It lasts to its goodbye.
        return await attempt(replica, request)

    async def _attempt(self, replica: FakeService, request: httpx.Request) -> httpx.Response:
        request.headers["x-asked"] = replica.name
        self.in_use.append(replica.name)
        try:
            async with asyncio.timeout(request.extensions["timeout"]["read"]):
                answer = await replica()
        except BaseException as error:
            if self._goodbye is not None:
                await self._goodbye()
            self.in_use.remove(replica.name)
            if isinstance(error, TimeoutError):
                raise httpx.ReadTimeout(f"{replica.name} is late", request=request) from error
            raise
        body = _Body(answer, self, replica.name)
        return httpx.Response(200, headers={"x-answers": replica.name}, stream=body)


class _Body(httpx.AsyncByteStream):
    def __init__(self, text: str, network: Network, replica: str) -> None:
        self._text = text
        self._network = network
        self._replica = replica

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._text.encode()

    async def aclose(self) -> None:
        if self._replica in self._network.in_use:
            self._network.in_use.remove(self._replica)
