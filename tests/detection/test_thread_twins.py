"""Bugs of threads are found by default settings, confirmed by real threads, and not invented."""

from __future__ import annotations

import threading

import pytest

import spectest
from tests.detection.thread_twins import TWINS

EXECUTIONS = 200

# A thread that outlives its program does so at every timing.
ALWAYS = ("forgotten_thread",)


@pytest.mark.parametrize("name", [name for name in TWINS if name not in ALWAYS])
def test_the_broken_twin_passes_in_stock_order(name: str) -> None:
    spectest.run(TWINS[name].broken)


@pytest.mark.parametrize("seeds", [4, pytest.param(20, marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", TWINS)
def test_the_broken_twin_is_found(name: str, seeds: int) -> None:
    found = 0
    for seed in range(seeds):
        failure = spectest.explore(TWINS[name].broken, runs=EXECUTIONS, seed=seed).failure
        if failure is not None:
            assert type(failure.error) is TWINS[name].error
            found += 1
    assert found >= seeds - 1, f"in {found} of {seeds} seeds"


@pytest.mark.parametrize("name", [name for name in TWINS if name not in ALWAYS])
def test_what_is_found_fails_on_real_threads_and_by_its_token(name: str) -> None:
    twins = TWINS[name]
    failure = spectest.explore(twins.broken, runs=EXECUTIONS, confirm=True).failure
    assert failure is not None
    assert failure.confirmation is not None
    assert failure.confirmation.confirmed, failure.confirmation
    with pytest.raises(twins.error):
        spectest.replay(twins.broken, failure.token)


@pytest.mark.parametrize("name", TWINS)
def test_the_healthy_twin_stays_silent(name: str) -> None:
    report = spectest.explore(TWINS[name].healthy, runs=400)
    assert report.failure is None, spectest.render(report)
    assert report.notes == ()


def test_a_data_race_between_lines_is_suggested_and_found() -> None:

    def program() -> None:
        total = [0]

        def add() -> None:
            before = total[0]
            total[0] = before + 1

        threads = [threading.Thread(target=add) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert total == [2]

    report = spectest.explore(program)
    assert report.failure is None
    [note] = report.notes
    assert "data race" in note
    assert "test_thread_twins" in note or "lines='*'" in note
    failure = spectest.explore(program, lines="*", confirm=True).failure
    assert failure is not None
    assert failure.confirmation is not None
    assert failure.confirmation.confirmed, failure.confirmation
