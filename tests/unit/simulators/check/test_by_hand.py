"""A program that shares nothing with the engines: right, or with one mistake, which is named."""

import json

import pytest

from simulators import check
from tests.unit.simulators.check.hand_written import HEDGED, Pipeline

AGAIN = "a failed attempt is launched again on its branch"
BOTH = "losers and those who time out"
NAMES = {
    "never cancels": f"cancelling has no effect: {BOTH} are served to their end",
    "cancels late": f"cancelling takes effect late, after 0.3 s, on {BOTH}",
    "timer from service": "timer counts from the start of service",
    "server leaked": "server leaked by an attempt that is cancelled or times out",
    "permit leaked": "permit of the limiter leaked by an attempt that is cancelled or times out",
    "retries": f"{AGAIN}, twice more, at the end of the line",
    "limiter queues": "limiter queues, at 6 attempts",
    "limiter absent": "limiter absent",
    "invalid wins": "invalid answer wins",
    "first done wins": "first done wins: an attempt that fails ends its request",
    "timeout missing": "timeout missing",
}


def test_a_program_that_does_what_the_scenario_says() -> None:
    report = check.code(HEDGED, Pipeline(), 500, [0, 1, 2])
    assert report.agrees
    assert str(report).startswith("model and code agree: 500 requests of seeds 0, 1, 2")
    assert json.loads(json.dumps(report.to_data()))["agrees"] is True


@pytest.mark.parametrize("mistake, name", NAMES.items(), ids=NAMES)
def test_a_mistake_is_named(mistake: str, name: str) -> None:
    report = check.code(HEDGED, Pipeline(mistake), 200, [0, 1])
    assert not report.agrees
    assert report.explanation is not None
    assert report.explanation.matches[0] == (name,)
    assert f"your code behaves as: {name}" in str(report)
    json.dumps(report.to_data(), allow_nan=False)


def test_what_cannot_be_told_apart_is_said() -> None:
    report = check.code(HEDGED, Pipeline("retries"), 400, [0])
    assert report.explanation is not None
    assert [
        f"{AGAIN}, {times}, at the end of the line" for times in ("twice more", "again and again")
    ] == [match[0] for match in report.explanation.matches]
    assert report.explanation.apart == (669,)
    assert "cannot be told apart here; 669 requests would do" in str(report)
    longer = check.code(HEDGED, Pipeline("retries"), 669, [0])
    assert longer.explanation is not None
    assert len(longer.explanation.matches) == 1
