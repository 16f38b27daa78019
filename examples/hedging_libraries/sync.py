"""httpx-hedged's `SyncHedgedTransport`: its losers are threads, which nobody can cancel."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import httpx
import httpx_hedged

from examples.hedging_libraries.clients import FIXED, URL
from examples.hedging_libraries.network import replicas

__all__ = ["gives_connections_back"]


class _Body(httpx.SyncByteStream):
    def __init__(self, text: str, in_use: set[str], replica: str) -> None:
        self._text = text
        self._in_use = in_use
        self._replica = replica

    def __iter__(self) -> Iterator[bytes]:
        yield self._text.encode()

    def close(self) -> None:
        self._in_use.discard(self._replica)


def gives_connections_back() -> None:
    """Closing the client waits for the loser, and its connection is free."""
    first, second = replicas()
    turns, lock = itertools.cycle((first, second)), threading.Lock()
    in_use: set[str] = set()

    def handle(request: httpx.Request) -> httpx.Response:  # noqa: ARG001
        with lock:
            replica = next(turns)
        in_use.add(replica.name)
        return httpx.Response(200, stream=_Body(replica.blocking(), in_use, replica.name))

    transport = httpx_hedged.SyncHedgedTransport(
        httpx.MockTransport(handle), httpx_hedged.HedgeConfig(**FIXED), max_workers=4
    )
    with httpx.Client(transport=transport) as client:
        assert client.get(URL).text == "42"
    assert not in_use, f"never given back: {in_use}"
    assert all(call.outcome == "answered" for call in (*first.ledger, *second.ledger))
