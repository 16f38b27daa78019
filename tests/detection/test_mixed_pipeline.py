"""The timeout in a worker meets the completion: found, replayed, confirmed by real threads."""

from __future__ import annotations

import pytest

import spectest
from tests.detection import mixed_pipeline


def test_it_does_its_work() -> None:
    assert spectest.run(mixed_pipeline.hasty) == ["found", "answer", 499_500]


def test_the_coincidence_is_found_replayed_and_confirmed() -> None:
    failure = spectest.explore(mixed_pipeline.hasty, confirm=True).failure
    assert failure is not None
    assert str(failure.error).startswith("billed for no answer")
    assert failure.confirmation is not None
    assert failure.confirmation.confirmed, failure.confirmation
    with pytest.raises(AssertionError, match="billed for no answer"):
        spectest.replay(mixed_pipeline.hasty, failure.token)


def test_it_is_found_whatever_the_seed() -> None:
    found = [
        spectest.explore(mixed_pipeline.hasty, seed=seed).failure is not None for seed in range(4)
    ]
    assert all(found)


def test_the_careful_twin_stays_silent() -> None:
    report = spectest.explore(mixed_pipeline.careful)
    assert report.failure is None, spectest.render(report)
