"""Six naive speculations: green on stock asyncio, broken by spectest, and silent when corrected."""

import importlib
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import spectest
from spectest import oracles
from tests.examples.pages import ROOT, environment

FOLDER = ROOT / "examples" / "speculation"
FOUND = {
    "shared_dict": ("isolation", "a loser wrote"),
    "done_pop": ("tie_breaking", "an invalid answer won"),
    "literal_rule": ("tie_breaking", "another winner"),
    "cancel_alone": ("cancellation", "a loser outlived the grace"),
    "small_pool": ("never(a request was refused)", "was true"),
    "early_write": ("isolation", "a loser wrote"),
}
WORDS = {
    "shared_dict": (
        "keyword index lost to vector store, and it wrote",
        "request['passages'][0]: 'Worn goods are not taken back.' -> 'We sell shoes.'",
    ),
    "done_pop": ("`small` won, which was invalid at", "`large` was valid at"),
    "literal_rule": ("won with 'Canberra', in stock order `small` won with",),
    "cancel_alone": ("`large` lost to `small` and stayed for 450 ms more",),
    "small_pool": ("'a request was refused' was true from", "begins: raises PoolExhausted"),
    "early_write": (
        "classifier lost to rules, and it wrote audit.sqlite3: table audit row",
        "absent -> ('request-1', 'classifier', 'allow') at early_write.py:",
    ),
}


def program(name: str, which: str) -> tuple[Callable[[], Any], Any]:
    """The function of the example's tests, and the oracles of its marker."""
    found = getattr(importlib.import_module(f"examples.speculation.test_{name}"), which)
    (mark,) = found.pytestmark
    return found, mark.kwargs["oracles"]


def finding(report: spectest.Report) -> tuple[str, str] | None:
    if report.failure is None:
        return None
    error = report.failure.error
    assert isinstance(error, spectest.errors.OracleViolation)
    return error.oracle, error.finding


def test_every_example_is_here() -> None:
    naive = {path.stem.removesuffix("_fixed") for path in FOLDER.glob("*_fixed.py")}
    assert naive == FOUND.keys() == WORDS.keys()


def test_they_pass_their_own_tests() -> None:
    """On stock asyncio and real threads: marked tests are run once, as ordinary ones."""
    arguments = ["-q", "--spectest=off", "-p", "no:randomly", "-o", "addopts=", str(FOLDER)]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    assert "17 passed" in run.stdout


@pytest.mark.parametrize("name", FOUND)
@pytest.mark.parametrize("seed", range(5))
def test_the_naive_one_is_found(name: str, seed: int) -> None:
    naive, judges = program(name, "naive")
    assert finding(spectest.explore(naive, oracles=judges, seed=seed)) == FOUND[name]


@pytest.mark.parametrize("name", FOUND)
def test_it_is_confirmed_and_explained(name: str) -> None:
    naive, judges = program(name, "naive")
    report = spectest.explore(naive, oracles=judges, confirm=True)
    assert report.failure is not None
    assert report.failure.confirmation is not None
    assert report.failure.confirmation.confirmed
    page = " ".join(spectest.render(report).split())
    assert [words for words in WORDS[name] if words not in page] == []


@pytest.mark.parametrize("name", FOUND)
def test_the_corrected_one_is_silent(name: str) -> None:
    fixed, judges = program(name, "test_fixed_explored")
    report = spectest.explore(fixed, oracles=judges)
    assert report.failure is None, spectest.render(report)


def test_the_corrected_ones_are_judged_by_all() -> None:
    """But for threads, whose first valid answer is returned; which that is depends on timing."""
    for name in FOUND:
        judges = {
            judge if isinstance(judge, str) else judge.name
            for judge in program(name, "test_fixed_explored")[1]
        }
        missing = {"tie_breaking", "determinism"} if name == "cancel_alone" else set()
        assert set(oracles.NAMES) - judges == missing
