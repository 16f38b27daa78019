"""The promise: "unsure" is the answer only if no model is sure."""

import pytest

from examples.speculation import done_pop, done_pop_fixed
from spectest import FakeService, oracles

TEXT = "Cheap watches, no questions asked"


def models(small_says: str = "unsure", large_says: str = "spam") -> tuple[FakeService, FakeService]:
    return (
        FakeService("small server", latency=(0.020, 0.100), answer=small_says),
        FakeService("large server", latency=(0.080, 0.520), answer=large_says),
    )


@pytest.mark.spectest(oracles=oracles.tie_breaking())
async def naive() -> str:
    return await done_pop.moderate(TEXT, *models())


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "small_says, large_says, label",
    [
        ("fine", "spam", "fine"),
        ("unsure", "spam", "spam"),
        ("unsure", "unsure", "unsure"),
    ],
)
async def test_the_first_that_is_sure_decides(small_says: str, large_says: str, label: str) -> None:
    assert await done_pop.moderate(TEXT, *models(small_says, large_says)) == label


@pytest.mark.spectest(oracles=oracles.NAMES)
async def test_fixed_explored() -> None:
    assert await done_pop_fixed.moderate(TEXT, *models(), run_id="request-1") == "spam"
