"""Two replicas of a model server, a pool of 10 connections: ask both, take the first answer.

This is small_pool.py without its bug. At most 8 requests are handled at once, and each needs a
connection for its primary. So 2 of the 10 are left to speculate with: a limiter of 4 lets a backup
go out only while fewer than 4 connections are in use, which 2 requests with their backups are.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from spectest.patterns import AllBranchesFailed, Branch, FirstValid, Limiter, speculate

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
        self._branches = [
            Branch(name, self._asking(one))
            for name, one in (("primary", primary), ("backup", backup))
        ]
        self._pool = pool
        self.limiter = Limiter(4)
        self.refused = 0

    async def handle(self, prompt: str, run_id: str) -> str:
        """The first answer; "503" if no replica could be asked."""
        try:
            answer = await speculate(
                self._branches,
                prompt,
                run_id=run_id,
                decision=FirstValid(),
                limiter=self.limiter,
            )
        except AllBranchesFailed:
            self.refused += 1
            return "503"
        return answer.value

    def _asking(self, replica: Replica) -> Callable[[str], Awaitable[str]]:
        async def ask(prompt: str) -> str:
            with self._pool.connection():
                return await replica(prompt)

        return ask
