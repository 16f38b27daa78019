"""Ties that decide who wins are found, confirmed and named; pipelines that rank are left alone."""

import pytest

import spectest
from spectest import oracles
from spectest.errors import OracleViolation
from tests.detection.oracle_twins_ties import TWINS

pytestmark = pytest.mark.usefixtures("one_installation")

EXECUTIONS = 200
ALL = (oracles.tie_breaking(), oracles.cancellation())


@pytest.mark.parametrize("name", TWINS)
def test_the_broken_twin_passes_in_stock_order(name: str) -> None:
    spectest.run(TWINS[name].broken, oracles=oracles.tie_breaking())


@pytest.mark.parametrize("seeds", [4, pytest.param(20, marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", TWINS)
def test_the_broken_twin_is_found(name: str, seeds: int) -> None:
    twins = TWINS[name]
    found = 0
    for seed in range(seeds):
        report = spectest.explore(
            twins.broken, oracles=oracles.tie_breaking(), runs=EXECUTIONS, seed=seed
        )
        if report.failure is not None:
            error = report.failure.error
            assert isinstance(error, OracleViolation)
            assert error.oracle == "tie_breaking"
            assert error.finding in twins.findings
            found += 1
    assert found >= seeds - 1, f"in {found} of {seeds} seeds"


@pytest.mark.parametrize("name", TWINS)
def test_the_broken_twin_is_confirmed(name: str) -> None:
    report = spectest.explore(TWINS[name].broken, oracles=oracles.tie_breaking(), confirm=True)
    assert report.failure is not None
    confirmation = report.failure.confirmation
    assert confirmation is not None
    assert confirmation.confirmed, confirmation.reason


@pytest.mark.parametrize("name", TWINS)
def test_no_other_oracle_reports_the_broken_twin(name: str) -> None:
    others = [it for it in ALL if it.name != "tie_breaking" and it.name not in TWINS[name].others]
    report = spectest.explore(TWINS[name].broken, oracles=others, runs=EXECUTIONS // 2)
    assert report.failure is None, spectest.render(report)


@pytest.mark.parametrize("name", TWINS)
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in (1, 2))]
)
def test_the_healthy_twin_is_left_in_peace(name: str, seed: int) -> None:
    report = spectest.explore(TWINS[name].healthy, oracles=ALL, runs=EXECUTIONS, seed=seed)
    assert report.failure is None, spectest.render(report)
    assert not report.notes
