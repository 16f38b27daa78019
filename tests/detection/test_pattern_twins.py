"""Our patterns with one clause broken: the oracle named finds it, and no other misreports."""

import logging
import sys
from collections.abc import Iterator

import pytest

import spectest
from spectest import OracleViolation
from tests.detection import finds
from tests.detection.pattern_twins import TWINS

pytestmark = pytest.mark.usefixtures("one_installation", "silence")


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """Warnings of losers that stay are what is provoked here."""
    loggers = [logging.getLogger(name) for name in ("spectest.patterns", "asyncio")]
    before = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.CRITICAL)
    yield
    for one, level in zip(loggers, before, strict=True):
        one.setLevel(level)


@pytest.mark.parametrize("seeds", [4, pytest.param(len(finds.SEEDS), marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", TWINS)
def test_the_broken_twin_is_found_by_its_oracle_and_by_no_other(name: str, seeds: int) -> None:
    twin, times = TWINS[name], 0
    reports = finds.found_by(twin, finds.SEEDS[:seeds])
    for failure in (it.failure for it in reports if it.failure is not None):
        assert isinstance(failure.error, OracleViolation), failure.error
        verdicts = {(it.oracle, it.finding) for it in failure.error.verdicts}
        others = {it for it in verdicts if it[0] not in twin.others}
        assert others <= {(twin.oracle, finding) for finding in twin.findings}
        times += bool(others)
    assert times >= seeds - 1, f"in {times} of {seeds} seeds"
    if sys.version_info[:2] == (3, 11) and seeds == len(finds.SEEDS):
        expected = finds.row(name, twin, finds.worst(reports))
        assert finds.rows()[name] == expected, "python -m tests.detection.finds"


def test_the_page_has_all_of_them() -> None:
    assert list(finds.rows()) == list(TWINS)


@pytest.mark.parametrize("name", TWINS)
def test_the_broken_twin_breaks_in_real_time(name: str) -> None:
    failure = finds.explored(TWINS[name], confirm=True).failure
    assert failure is not None
    assert failure.confirmation is not None
    assert failure.confirmation.confirmed, failure.confirmation.reason


@pytest.mark.parametrize("name", TWINS)
def test_the_healthy_twin_is_left_in_peace(name: str) -> None:
    twin = TWINS[name]
    report = spectest.explore(twin.program, oracles=twin.judges, runs=40, **twin.settings)
    assert report.failure is None, report.failure.error
