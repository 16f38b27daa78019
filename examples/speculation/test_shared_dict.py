"""The promise: the passages in the request are those the answer was taken from."""

from typing import Any

import pytest

from examples.speculation import shared_dict, shared_dict_fixed
from spectest import FakeService, oracles, watch

QUESTION = "May I return shoes that I have worn?"
MEANT = ["Worn goods are not taken back.", "Returns take 14 days."]
WORDS = ["We sell shoes.", "Shoes in size 14."]


def services() -> tuple[FakeService, FakeService, FakeService]:
    """A vector store, a keyword index and a reranker, who knows that the first one is best."""
    return (
        FakeService("vector db", latency=(0.020, 0.060), answer=MEANT),
        FakeService("word index", latency=(0.030, 0.770), answer=WORDS),
        FakeService("reranker", latency=(0.015, 0.025), answer=lambda passages: passages[0]),
    )


@pytest.mark.spectest(oracles=oracles.isolation())
async def naive() -> str:
    request: dict[str, Any] = {"question": QUESTION}
    watch.objects(request=request)
    return await shared_dict.Retrieval(*services()).best(request)


@pytest.mark.asyncio
async def test_the_best_passage_is_found() -> None:
    assert await naive() == MEANT[0]


@pytest.mark.asyncio
async def test_the_request_has_the_passages() -> None:
    request: dict[str, Any] = {"question": QUESTION}
    best = await shared_dict.Retrieval(*services()).best(request)
    assert request["passages"] == MEANT
    assert best in request["passages"]


@pytest.mark.spectest(oracles=oracles.NAMES)
async def test_fixed_explored() -> None:
    request: dict[str, Any] = {"question": QUESTION}
    watch.objects(request=request)
    best = await shared_dict_fixed.Retrieval(*services()).best(request, run_id="request-1")
    assert best in request["passages"]
