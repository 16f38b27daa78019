"""One request is cancelled, and no later one gets a connection: the pool is full for ever.

httpcore 1.0.9 gives a request its place in the pool before it connects. A request that is cancelled
in between leaves there a connection that was never opened, which nobody closes or reuses; see
https://github.com/encode/httpcore/issues/1093. In httpcore2, which goes on from there, the pool
drops it.

    python -m pip install -r examples/cancellation_sweep/requirements.txt
    python -m examples.cancellation_sweep.full_pool
"""

import asyncio
from collections.abc import Callable, Coroutine
from types import ModuleType
from typing import Any

import httpcore
import httpcore2

import spectest

URL = "http://example.org/"
PATIENCE = {"timeout": {"pool": 5.0}}
ANSWER = [
    b"HTTP/1.1 200 OK\r\n",
    b"Content-Length: 5\r\n",
    b"Connection: close\r\n",
    b"\r\n",
    b"hello",
]

Check = Callable[[], Coroutine[Any, Any, None]]


def two_downloads(library: ModuleType) -> tuple[Coroutine[Any, Any, None], Check]:
    """Two downloads that share one connection; and the promise that the pool serves a third."""
    pool = library.AsyncConnectionPool(
        max_connections=1, network_backend=library.AsyncMockBackend(ANSWER)
    )

    async def download() -> None:
        async with pool.stream("GET", URL, extensions=PATIENCE) as response:
            async for _ in response.aiter_stream():
                await asyncio.sleep(0.010)

    async def both() -> None:
        await asyncio.gather(download(), download())

    async def still_serves() -> None:
        response = await pool.request("GET", URL, extensions=PATIENCE)
        assert response.status == 200

    return both(), still_serves


def broken() -> Any:
    return two_downloads(httpcore)


def fixed() -> Any:
    return two_downloads(httpcore2)


def main() -> None:
    for program in (broken, fixed):
        print(spectest.render(spectest.sweep(program, confirm=True)), end="\n\n")


if __name__ == "__main__":
    main()
