"""An answer from two model servers, whose clients block, on a thread pool; one of them counts.

This is cancel_alone.py without its bug: each branch has a client of its own, which is closed as
soon as the branch has lost. That ends the call in which its thread waits. The winner's answer is
kept by the code that knows who has won.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Protocol

from spectest.patterns import Branch, FirstValid
from spectest.patterns.threads import speculate


class Client(Protocol):
    """The connection to a model server, for one question."""

    def ask(self, question: str) -> str: ...

    def close(self) -> None: ...


def ask(question: str, client: Client) -> str:
    return client.ask(question)


class Answers:
    def __init__(self, servers: Mapping[str, Callable[[], Client]], pool: Executor) -> None:
        self._servers = servers
        self._pool = pool
        self.kept: dict[str, str] = {}

    def answer(self, question: str, run_id: str) -> str:
        """The answer that is kept, or that of one of the servers."""
        if question not in self.kept:
            branches = [Branch(name, ask, client=client) for name, client in self._servers.items()]
            answer = speculate(
                branches, question, executor=self._pool, run_id=run_id, decision=FirstValid()
            )
            self.kept[question] = answer.value
        return self.kept[question]
