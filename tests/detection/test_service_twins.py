"""Bugs around services are found by default settings, and programs without are left in peace."""

import pytest

import spectest
from tests.detection.service_twins import TWINS

pytestmark = pytest.mark.usefixtures("one_installation")

SEEDS = range(20)
EXECUTIONS = 200


@pytest.mark.parametrize("name", TWINS)
def test_the_broken_twin_passes_in_stock_order(name: str) -> None:
    spectest.run(TWINS[name].broken, faults=TWINS[name].faults)


@pytest.mark.parametrize("name", TWINS)
def test_the_broken_twin_is_found(name: str) -> None:
    twins = TWINS[name]
    found = 0
    for seed in SEEDS:
        report = spectest.explore(
            twins.broken, faults=twins.faults, runs=EXECUTIONS, seed=seed, max_steps=1_000
        )
        failure = report.failure
        if failure is not None:
            assert type(failure.error).__name__ == twins.error
            assert failure.order_model == "strict"
            found += 1
    assert found >= 19, f"in {found} of {len(SEEDS)} seeds"


@pytest.mark.parametrize("name", TWINS)
def test_the_healthy_twin_is_left_in_peace(name: str) -> None:
    twins = TWINS[name]
    for seed in SEEDS:
        report = spectest.explore(twins.healthy, faults=twins.faults, runs=EXECUTIONS, seed=seed)
        assert report.failure is None
        assert not report.notes
