"""An answer from two model servers, whose clients block, on a thread pool; the first one counts.

Answers are kept: who asks the same question again gets the same answer, and at once.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, wait
from typing import Protocol

from spectest.patterns import branch


class Client(Protocol):
    """The connection to a model server, for one question."""

    def ask(self, question: str) -> str: ...

    def close(self) -> None: ...


class Answers:
    def __init__(self, servers: Mapping[str, Callable[[], Client]], pool: Executor) -> None:
        self._servers = servers
        self._pool = pool
        self.kept: dict[str, str] = {}

    def answer(self, question: str) -> str:
        """The answer that is kept, or that of the first server to have one."""
        if question in self.kept:
            return self.kept[question]
        branches = [
            self._pool.submit(branch(server)(self._ask), server, question)
            for server in self._servers
        ]
        wait(branches, return_when=FIRST_COMPLETED)
        winner = next(one for one in branches if one.done())
        for one in branches:
            one.cancel()
        return winner.result()

    def _ask(self, server: str, question: str) -> str:
        client = self._servers[server]()
        try:
            answer = client.ask(question)
        finally:
            client.close()
        self.kept[question] = answer
        return answer
