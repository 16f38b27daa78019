"""Threads that draw run IDs, preempted at every line."""

import contextlib
import tempfile
import threading
from collections.abc import Callable

import pytest

import spectest
from spectest.patterns.run_ids import RunIds


def drawing(lock: Callable[[], object]) -> Callable[[], None]:
    """Two threads that draw from one `RunIds` under that lock."""

    def program() -> None:
        with tempfile.TemporaryDirectory() as folder:
            ids = RunIds(folder)
        ids._lock = lock()  # type: ignore[assignment]
        drawn: list[int] = []

        def draw() -> None:
            drawn.extend(ids.next().number for _ in range(2))

        threads = [threading.Thread(target=draw) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(drawn) == [0, 1, 2, 3]

    return program


@pytest.mark.parametrize("seed", range(2))
def test_without_the_lock_a_number_comes_twice(seed: int) -> None:
    program = drawing(contextlib.nullcontext)
    report = spectest.explore(program, runs=100, seed=seed, lines="spectest.patterns.run_ids")
    assert report.failure is not None


@pytest.mark.parametrize("seed", range(2))
def test_with_it_none_does(seed: int) -> None:
    program = drawing(lambda: threading.Lock())
    report = spectest.explore(program, runs=100, seed=seed, lines="spectest.patterns.run_ids")
    assert report.failure is None
