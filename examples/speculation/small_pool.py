"""Two replicas of a model server, a pool of 10 connections: ask both, take the first answer."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

Replica = Callable[[str], Awaitable[str]]


class PoolExhausted(Exception):
    """All connections are in use."""


class Pool:
    def __init__(self, size: int = 10) -> None:
        self.size = size
        self.in_use = self.peak = 0

    @contextmanager
    def connection(self) -> Iterator[None]:
        if self.in_use == self.size:
            raise PoolExhausted(f"all {self.size} connections are in use")
        self.in_use += 1
        self.peak = max(self.peak, self.in_use)
        try:
            yield
        finally:
            self.in_use -= 1


class Server:
    def __init__(self, primary: Replica, backup: Replica, pool: Pool) -> None:
        self._replicas = primary, backup
        self._pool = pool
        self.refused = 0

    async def handle(self, prompt: str) -> str:
        """The first answer; "503" if no replica could be asked."""
        branches = [asyncio.create_task(self._ask(one, prompt)) for one in self._replicas]
        try:
            for first in asyncio.as_completed(branches):
                try:
                    return await first
                except PoolExhausted:
                    continue
            self.refused += 1
            return "503"
        finally:
            for one in branches:
                one.cancel()

    async def _ask(self, replica: Replica, prompt: str) -> str:
        with self._pool.connection():
            return await replica(prompt)
