"""Importing spectest costs a suite that never uses it next to nothing, counted in modules."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"anyio", "freezegun", "httpx", "hypothesis", "matplotlib", "numpy", "simpy"}
HEAVY |= {"pytest", "_pytest"}

PROGRAM = """
import importlib, sys
before = set(sys.modules)
importlib.import_module(sys.argv[1])
print(*(set(sys.modules) - before))
"""


def heavy_imports(module: str, *, path: Path | None = None) -> set[str]:
    """The heavy packages that a fresh interpreter loads with `module`."""
    environment = os.environ | ({"PYTHONPATH": str(path)} if path else {})
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, module],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return {name.partition(".")[0] for name in result.stdout.split()} & HEAVY


def test_importing_spectest_loads_nothing_heavy() -> None:
    assert heavy_imports("spectest") == set()


@pytest.mark.parametrize("module", ["", ".scenario", ".files", ".cli"])
def test_a_scenario_or_a_word_of_help_loads_nothing_heavy(module: str) -> None:
    assert heavy_imports(f"simulators{module}") == set()


def test_the_pytest_plugin_loads_only_pytest() -> None:
    assert heavy_imports("spectest.pytest_plugin") <= {"pytest", "_pytest"}


@pytest.mark.parametrize("package", ["hypothesis", "simpy", "freezegun"])
def test_a_heavy_import_is_found(tmp_path: Path, package: str) -> None:
    (tmp_path / "dirty.py").write_text(f"import {package}\n")
    assert package in heavy_imports("dirty", path=tmp_path)
