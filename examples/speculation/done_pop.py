"""Moderation of a text by two models at once: the first one that is sure decides.

The small model is quick and often says "unsure". The large one takes longer and rarely does.
"""

import asyncio
from collections.abc import Awaitable, Callable

from spectest.patterns import branch

Model = Callable[[str], Awaitable[str]]


def sure(label: str) -> bool:
    return label != "unsure"


@branch("small", valid=sure)
async def ask_small(model: Model, text: str) -> str:
    return await model(text)


@branch("large", valid=sure)
async def ask_large(model: Model, text: str) -> str:
    return await model(text)


async def moderate(text: str, small: Model, large: Model) -> str:
    """The label of the first model that is sure; "unsure" if none of them is."""
    label = "unsure"
    pending = {
        asyncio.create_task(ask_small(small, text), name="small"),
        asyncio.create_task(ask_large(large, text), name="large"),
    }
    while pending and not sure(label):
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        label = done.pop().result()
    for loser in pending:
        loser.cancel()
    return label
