"""Each oracle finds its broken twins by default settings, and leaves everybody else in peace."""

import pytest

import spectest
from spectest import OracleViolation
from tests.detection.oracle_twins_invariants import ALL, TWINS, Program

pytestmark = pytest.mark.usefixtures("one_installation")

EXECUTIONS = 200


@pytest.mark.parametrize("seeds", [4, pytest.param(20, marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", TWINS)
def test_the_broken_twin_is_found_by_its_oracle_and_by_no_other(
    name: str, seeds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # To make each of the twenty small would take most of the time.
    monkeypatch.setattr("spectest.exploration.shrinking._TRIES", 0)
    twins = TWINS[name]
    found = 0
    for seed in range(seeds):
        report = spectest.explore(twins.broken, oracles=ALL, runs=EXECUTIONS, seed=seed)
        failure = report.failure
        if failure is None:
            continue
        assert isinstance(failure.error, OracleViolation), failure.error
        assert len(failure.plan), "it fails in stock order"
        verdicts = [it for it in failure.error.verdicts if it.oracle not in twins.besides]
        assert {(it.oracle, it.finding) for it in verdicts} == {(twins.oracle, twins.finding)}
        found += 1
    assert found >= seeds - 1, f"in {found} of {seeds} seeds"


@pytest.mark.parametrize("name", TWINS)
def test_the_broken_twin_breaks_in_real_time(name: str) -> None:
    twins = TWINS[name]
    (oracle,) = [it for it in ALL if it.name == twins.oracle]
    failure = spectest.explore(twins.broken, oracles=oracle, confirm=True).failure
    assert failure is not None
    assert failure.confirmation is not None
    assert failure.confirmation.confirmed, failure.confirmation.reason


@pytest.mark.parametrize("program", {it.healthy: None for it in TWINS.values()})
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in (1, 2))]
)
def test_the_healthy_twin_is_left_in_peace(program: Program, seed: int) -> None:
    report = spectest.explore(program, oracles=ALL, runs=EXECUTIONS, seed=seed)
    assert report.failure is None, report.failure.error
