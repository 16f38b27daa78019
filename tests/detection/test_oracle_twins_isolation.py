"""What losers leave behind is found and confirmed; races that leave nothing are left in peace."""

from pathlib import Path

import pytest

import spectest
from spectest.errors import OracleViolation
from spectest.oracles import determinism, exactly_once, isolation, log_fidelity, tie_breaking
from tests.detection.oracle_twins_isolation import HEALTHY, TWINS

pytestmark = pytest.mark.usefixtures("one_installation")

EXECUTIONS = 200
OTHERS = [tie_breaking(), determinism(), exactly_once(), log_fidelity()]
ALSO_WRONG = {"an input"}
"""Whoever sorts the input of another branch changes its answer, too."""


@pytest.mark.parametrize("seeds", [4, pytest.param(20, marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", TWINS)
def test_the_broken_twin_is_found(name: str, seeds: int) -> None:
    twins = TWINS[name]
    found = 0
    for seed in range(seeds):
        failure = spectest.explore(
            twins.broken, oracles=isolation(), runs=EXECUTIONS, seed=seed
        ).failure
        if failure is not None:
            assert isinstance(failure.error, OracleViolation)
            assert failure.error.finding in twins.findings
            file = failure.error.verdicts[0].where.file
            assert not file or Path(file).parent == Path(__file__).parent
            found += 1
    assert found >= seeds - 1, f"in {found} of {seeds} seeds"


@pytest.mark.parametrize("name", TWINS)
def test_the_broken_twin_is_confirmed_in_real_time(name: str) -> None:
    failure = spectest.explore(TWINS[name].broken, oracles=isolation(), confirm=True).failure
    assert failure is not None
    assert failure.confirmation is not None
    assert failure.confirmation.confirmed, failure.confirmation
    with pytest.raises(OracleViolation):
        spectest.replay(TWINS[name].broken, failure.token, oracles=isolation())


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in (1, 2))]
)
@pytest.mark.parametrize("name", HEALTHY)
def test_the_healthy_twin_is_left_in_peace(name: str, seed: int) -> None:
    report = spectest.explore(HEALTHY[name], oracles=isolation(), runs=EXECUTIONS, seed=seed)
    assert report.failure is None, report.failure.error
    assert not report.notes


@pytest.mark.parametrize("name", HEALTHY)
def test_no_other_oracle_complains(name: str) -> None:
    programs = [HEALTHY[name]]
    if name in TWINS and name not in ALSO_WRONG:
        programs.append(TWINS[name].broken)
    for program in programs:
        report = spectest.explore(program, oracles=OTHERS, runs=60)
        assert report.failure is None, report.failure.error
