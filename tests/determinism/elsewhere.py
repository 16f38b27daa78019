"""Other processes, and other versions of Python, for what has to be the same there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
VERSIONS = ("3.11", "3.12", "3.13")


def environment(hash_seed: str) -> dict[str, str]:
    """That of a process with another hash seed."""
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONHASHSEED": hash_seed}


def interpreter(version: str) -> str:
    """Where this version of Python is; without it the test is skipped, and says so."""
    found = subprocess.run(
        [str(REPOSITORY / ".ci" / "interpreter"), version],
        capture_output=True,
        check=False,
        text=True,
    )
    if found.returncode != 0:
        pytest.skip(f"Python {version} is absent from this machine")
    return found.stdout.strip()
