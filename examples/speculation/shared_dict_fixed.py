"""Passages for a prompt, from a vector store and a keyword index at once; one answer counts.

This is shared_dict.py without its bug: a branch returns all it found, and the request is written by
the code that knows who has won. A branch that tried to write it would be told that it is frozen.
"""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from spectest.patterns import Branch, speculate

Search = Callable[[str], Awaitable[list[str]]]
Rerank = Callable[[list[str]], Awaitable[str]]


class Found(NamedTuple):
    passages: list[str]
    best: str


class Retrieval:
    def __init__(self, vector_store: Search, keyword_index: Search, rerank: Rerank) -> None:
        self._vector_store = vector_store
        self._keyword_index = keyword_index
        self._rerank = rerank

    async def best(self, request: dict[str, Any], run_id: str) -> str:
        """The best passage for `request["question"]`; it is one of `request["passages"]`."""
        branches = [
            Branch("vector store", self._by_meaning),
            Branch("keyword index", self._by_words),
        ]
        answer = await speculate(branches, request, run_id=run_id)
        request["passages"] = answer.value.passages
        return answer.value.best

    async def _by_meaning(self, request: dict[str, Any]) -> Found:
        passages = await self._vector_store(request["question"])
        return Found(passages, await self._rerank(passages))

    async def _by_words(self, request: dict[str, Any]) -> Found:
        passages = await self._keyword_index(request["question"])
        return Found(passages, await self._rerank(passages))
