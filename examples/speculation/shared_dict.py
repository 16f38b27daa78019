"""Passages for a prompt, from a vector store and a keyword index at once; the first answer counts.

Each branch notes in the request what it found, so that the answer can cite it later, and has the
passages put in order by a reranker.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from spectest.patterns import branch

Search = Callable[[str], Awaitable[list[str]]]
Rerank = Callable[[list[str]], Awaitable[str]]


class Retrieval:
    def __init__(self, vector_store: Search, keyword_index: Search, rerank: Rerank) -> None:
        self._vector_store = vector_store
        self._keyword_index = keyword_index
        self._rerank = rerank

    async def best(self, request: dict[str, Any]) -> str:
        """The best passage for `request["question"]`; it is one of `request["passages"]`."""
        branches = [
            asyncio.create_task(self._by_meaning(request), name="vector store"),
            asyncio.create_task(self._by_words(request), name="keyword index"),
        ]
        await asyncio.wait(branches, return_when=asyncio.FIRST_COMPLETED)
        winner = next(one for one in branches if one.done())
        for one in branches:
            one.cancel()
        return winner.result()

    @branch("vector store")
    async def _by_meaning(self, request: dict[str, Any]) -> str:
        request["passages"] = await self._vector_store(request["question"])
        return await self._rerank(request["passages"])

    @branch("keyword index")
    async def _by_words(self, request: dict[str, Any]) -> str:
        request["passages"] = await self._keyword_index(request["question"])
        return await self._rerank(request["passages"])
