"""What losers leave behind is found, confirmed and named; who cleans up is left alone."""

import pytest

import spectest
from spectest import oracles
from tests.detection.oracle_twins_cancellation import TWINS

pytestmark = pytest.mark.usefixtures("one_installation")

EXECUTIONS = 200
OTHERS = (oracles.tie_breaking(),)


@pytest.mark.parametrize("seeds", [4, pytest.param(20, marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", TWINS)
def test_the_broken_twin_is_found(name: str, seeds: int) -> None:
    twins = TWINS[name]
    found = 0
    for seed in range(seeds):
        report = spectest.explore(twins.broken, oracles=twins.oracle, runs=EXECUTIONS, seed=seed)
        if report.failure is not None:
            error = report.failure.error
            assert getattr(error, "finding", type(error).__name__) == twins.finding
            assert getattr(error, "oracle", "") in ("", "cancellation")
            found += 1
    assert found >= seeds - 1, f"in {found} of {seeds} seeds"


@pytest.mark.parametrize("name", TWINS)
def test_the_broken_twin_is_confirmed(name: str) -> None:
    report = spectest.explore(TWINS[name].broken, oracles=TWINS[name].oracle, confirm=True)
    assert report.failure is not None
    confirmation = report.failure.confirmation
    assert confirmation is not None
    assert confirmation.confirmed, confirmation.reason


@pytest.mark.parametrize("name", TWINS)
def test_no_other_oracle_reports_the_broken_twin(name: str) -> None:
    twins = TWINS[name]
    others = [it for it in OTHERS if it.name not in twins.others]
    report = spectest.explore(twins.broken, oracles=others, runs=EXECUTIONS // 2)
    failure = report.failure
    assert failure is None or type(failure.error).__name__ == twins.finding, spectest.render(report)


@pytest.mark.parametrize("name", TWINS)
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in (1, 2))]
)
def test_the_healthy_twin_is_left_in_peace(name: str, seed: int) -> None:
    judges = (*OTHERS, TWINS[name].oracle)
    report = spectest.explore(TWINS[name].healthy, oracles=judges, runs=EXECUTIONS, seed=seed)
    assert report.failure is None, spectest.render(report)
    assert not [note for note in report.notes if "cancellation" in note]
