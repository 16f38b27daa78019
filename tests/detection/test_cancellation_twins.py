from collections.abc import Callable
from typing import Any

import pytest

import spectest
from tests.detection import cancellation_twins as twins

BROKEN = {
    twins.keeps_the_connection: AssertionError,
    twins.leaves_the_lock_held: TimeoutError,
    twins.retries_whatever_happens: spectest.CancellationSwallowed,
    twins.cleans_up_unless_cancelled_there: AssertionError,
    twins.releases_what_it_has_not: AssertionError,
}
HEALTHY = [
    twins.returns_the_connection,
    twins.releases_the_lock,
    twins.retries_errors,
    twins.releases_what_it_has,
]


@pytest.mark.parametrize("program", BROKEN)
def test_the_broken_twin_is_found_replayed_and_confirmed(program: Callable[[], Any]) -> None:
    sweep = spectest.sweep(program)
    failure = sweep.failure
    assert failure is not None
    assert type(failure.error) is BROKEN[program]
    assert failure.order_model == "strict"
    assert len(failure.plan.picks) == 1
    with pytest.raises(BROKEN[program]) as replayed:
        spectest.replay(program, failure.token)
    assert str(replayed.value) == str(failure.error)
    assert spectest.confirm(program, failure.token).confirmed
    assert spectest.explore(program, runs=50).failure is None


@pytest.mark.parametrize("program", HEALTHY)
def test_the_healthy_twin_is_left_alone(program: Callable[[], Any]) -> None:
    sweep = spectest.sweep(program)
    assert sweep.failure is None
    assert sweep.coverage.reached == sweep.coverage.awaits
    assert {one.outcome for one in sweep.points} == {"cancelled"}


def test_a_shield_saves_the_cleanup_from_whoever_cancels_the_request() -> None:
    sweep = spectest.sweep(twins.shields_its_cleanup, tasks="request")
    assert sweep.failure is None
    assert [one.number for one in sweep.points if one.by == "caller"] == [1, 1, 1, 2, 2]


@pytest.mark.parametrize("program", BROKEN)
def test_every_token_of_a_matrix_repeats_its_failure(program: Callable[[], Any]) -> None:
    for one in spectest.sweep(program).points:
        if one.outcome == "failed":
            assert one.error is not None
            with pytest.raises(type(one.error)):
                spectest.replay(program, one.token)
        else:
            spectest.replay(program, one.token)
