"""The promise: the same question and run ID, the same answer."""

import pytest

from examples.speculation import literal_rule, literal_rule_fixed
from spectest import FakeService, oracles

QUESTION = "What is the capital of Australia?"
RUN_ID = "request-1"


def models() -> dict[str, FakeService]:
    return {
        "small": FakeService("small server", latency=(0.020, 0.060), answer="Sydney"),
        "medium": FakeService("medium server", latency=(0.040, 0.120), answer="Canberra"),
        "large": FakeService("large server", latency=(0.080, 0.720), answer="Canberra, ACT"),
    }


@pytest.mark.spectest(oracles=oracles.tie_breaking())
async def naive() -> str:
    return await literal_rule.answer(QUESTION, models(), RUN_ID)


@pytest.mark.asyncio
async def test_asked_again_it_answers_the_same() -> None:
    answers = {await literal_rule.answer(QUESTION, models(), RUN_ID) for _ in range(5)}
    assert len(answers) == 1


@pytest.mark.asyncio
async def test_another_run_may_have_another_answer() -> None:
    runs = [f"request-{number}" for number in range(4)]
    assert len({await literal_rule.answer(QUESTION, models(), run) for run in runs}) > 1


@pytest.mark.spectest(oracles=oracles.NAMES)
async def test_fixed_explored() -> None:
    assert await literal_rule_fixed.answer(QUESTION, models(), RUN_ID) == "Canberra"
