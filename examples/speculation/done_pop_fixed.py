"""Moderation of a text by two models at once: the first one that is sure decides.

This is done_pop.py without its bug: `speculate` looks at every answer that has come, and a branch
that is not sure loses to one that is.
"""

from collections.abc import Awaitable, Callable

from spectest.patterns import AllBranchesFailed, Branch, speculate

Model = Callable[[str], Awaitable[str]]


def sure(label: str) -> bool:
    return label != "unsure"


async def moderate(text: str, small: Model, large: Model, run_id: str) -> str:
    """The label of a model that is sure; "unsure" if none of them is."""
    branches = [Branch("small", small, valid=sure), Branch("large", large, valid=sure)]
    try:
        answer = await speculate(branches, text, run_id=run_id)
    except AllBranchesFailed:
        return "unsure"
    return answer.value
