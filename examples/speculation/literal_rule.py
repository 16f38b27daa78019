"""One question, three models: two answers are enough, and a seed says which of them is returned.

The seed follows from the question and the run ID, so that a request which is asked again has the
same answer again, and can be explained.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from spectest.patterns import branch, digest_of, literal, seed_of

Model = Callable[[str], Awaitable[str]]
ENOUGH = 2


async def ask(model: Model, question: str) -> str:
    return await model(question)


async def answer(question: str, models: Mapping[str, Model], run_id: str) -> str:
    """The answer of one model: for the same question and run ID the same."""
    seed = seed_of(digest_of(question, run_id))
    branches = [
        asyncio.create_task(branch(name)(ask)(model, question), name=name)
        for name, model in models.items()
    ]
    pending = set(branches)
    while len(branches) - len(pending) < ENOUGH:
        _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
    valid = [index for index, one in enumerate(branches) if one.done()]
    for one in pending:
        one.cancel()
    return branches[literal(seed, valid)].result()
