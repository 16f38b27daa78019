"""Examples of threads: each passes on stock threads, fails under spectest, and has a cure."""

import subprocess
import sys
from collections.abc import Callable

import pytest

import spectest
from examples.threads import first_answer_pool, lost_update
from tests.examples.pages import ROOT, environment

Program = Callable[[], None]


@pytest.mark.parametrize(
    "program, times", [(first_answer_pool.broken, 1), (lost_update.broken, 50)]
)
def test_it_passes_on_stock_threads(program: Program, times: int) -> None:
    for _ in range(times):
        program()


@pytest.mark.parametrize("program", [first_answer_pool.broken, lost_update.broken])
@pytest.mark.parametrize("seed", range(3))
def test_it_fails_under_spectest(program: Program, seed: int) -> None:
    failure = spectest.explore(program, seed=seed).failure
    assert failure is not None
    assert type(failure.error) is AssertionError


@pytest.mark.parametrize("program", [first_answer_pool.fixed, lost_update.fixed])
def test_the_cure_holds(program: Program) -> None:
    assert spectest.explore(program).failure is None


@pytest.mark.parametrize(
    "example, words",
    [
        (
            "first_answer_pool",
            (
                "Held up by a pool: main was ready to go on at 100 ms and went on at 5",
                "    at its end waited for llm, submitted at first_answer_pool.py:29",
                "fixed: no failure in 200 executions",
            ),
        ),
        (
            "lost_update",
            (
                "AssertionError: overdrawn by ",
                " lost the processor ",
                "fixed: no failure in 200 executions",
            ),
        ),
    ],
)
def test_what_it_prints(example: str, words: tuple[str, ...]) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", f"examples.threads.{example}"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert [each for each in words if each not in shown.stdout] == []
