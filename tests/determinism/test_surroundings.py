"""Dates, identifiers and chance are the same wherever a program runs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import spectest
from tests.determinism.elsewhere import REPOSITORY, VERSIONS, environment, interpreter
from tests.determinism.surroundings import program

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


def seen_by(python: str, hash_seed: str) -> list[str]:
    finished = subprocess.run(
        [python, "-m", "tests.determinism.surroundings"],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
        cwd=REPOSITORY,
        env=environment(hash_seed),
    )
    assert finished.returncode == 0, finished.stderr[-4000:]
    return finished.stdout.splitlines()


def seen_here() -> list[str]:
    return [str(one) for one in spectest.run(program)]


def test_in_one_process() -> None:
    first, second = seen_here(), seen_here()
    assert len(first) > 30
    assert first == second


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_in_another_process(hash_seed: str) -> None:
    assert seen_by(sys.executable, hash_seed) == seen_here()


@pytest.mark.parametrize("version", VERSIONS)
def test_on_another_version_of_python(version: str) -> None:
    assert seen_by(interpreter(version), "random") == seen_here()


def test_another_seed_is_another_world() -> None:
    here = spectest.run(program)
    there = spectest.run(program, seed=1)
    assert here[0] == there[0], "the clocks do not depend on it"
    assert not set(map(str, here[10:15])) & set(map(str, there[10:15]))


def test_an_exploration_finds_no_difference() -> None:
    assert spectest.explore(program, runs=5).failure is None
