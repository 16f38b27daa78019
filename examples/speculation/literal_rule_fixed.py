"""One question, three models: a seed says which of their answers is returned.

This is literal_rule.py without its bug: the seed ranks all three models before any has answered.
The first of the ranking is returned as soon as it has answered; the others matter if it fails.
"""

from collections.abc import Awaitable, Callable, Mapping

from spectest.patterns import Branch, Ranked, speculate

Model = Callable[[str], Awaitable[str]]


async def answer(question: str, models: Mapping[str, Model], run_id: str) -> str:
    """The answer of one model: for the same question and run ID the same."""
    branches = [Branch(name, model) for name, model in models.items()]
    return (await speculate(branches, question, run_id=run_id, decision=Ranked())).value
