"""Dask changes how exceptions are pickled for the whole process, so its cases have their own."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
CASES = Path(__file__).with_name("cases_on_dask.py")


@pytest.mark.skipif(not find_spec("distributed"), reason="distributed is not installed")
def test_sweeps_on_dask() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(CASES)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "3 passed" in ran.stdout
