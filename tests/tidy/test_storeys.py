"""The import contracts of `pyproject.toml` hold, and each of them can break."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

STOREYS = "The storeys of spectest, top to bottom"
FACADE = "No room goes through the facade"
KERNEL = "The kernel knows no clock, thread, socket or dice"
PATTERNS = "Reference patterns never import the harness"
COMMAND = "The command does without the other fronts"
FRONTS = "Only the fronts know pytest and Hypothesis, and nothing knows the simulators"
SIMULATORS = "Simulators share chance and policies with spectest, and live alone runs it"
CYCLES = "No cycles between siblings"

UNDER_TYPE_CHECKING = """
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import spectest.exploration
"""
INSIDE_A_FUNCTION = """
def function() -> None:
    import spectest.reporting
"""

# What is planted (file: appended text), and the contract that has to notice.
VIOLATIONS: dict[str, tuple[dict[str, str], str]] = {
    "a room without a storey": ({"spectest/utils.py": ""}, STOREYS),
    "looking up": ({"spectest/strategies/planted.py": "import spectest.world"}, STOREYS),
    "looking up for types": ({"spectest/errors.py": UNDER_TYPE_CHECKING}, STOREYS),
    "looking up late": ({"spectest/kernel/planted.py": INSIDE_A_FUNCTION}, STOREYS),
    "neighbours": ({"spectest/source/planted.py": "import spectest.ambient"}, STOREYS),
    "the facade": ({"spectest/kernel/planted.py": "from spectest import explore"}, FACADE),
    "a clock": ({"spectest/kernel/planted.py": "import time"}, KERNEL),
    "dice": ({"spectest/kernel/planted.py": "from random import Random"}, KERNEL),
    "simpy": ({"spectest/reporting/planted.py": "import simpy"}, FRONTS),
    "hypothesis": ({"spectest/exploration/planted.py": "import hypothesis"}, FRONTS),
    "a pattern": ({"spectest/patterns/planted.py": "import spectest.errors"}, PATTERNS),
    "who uses a pattern": (
        {"spectest/pytest_plugin/planted.py": "import spectest.patterns"},
        STOREYS,
    ),
    "judging our own": ({"spectest/exploration/planted.py": "import spectest.patterns"}, STOREYS),
    "the other fronts": ({"spectest/cli/planted.py": "import spectest.hypothesis"}, COMMAND),
    "a simulator": ({"simulators/planted.py": "import spectest.patterns.racing"}, SIMULATORS),
    "a simulator that reads": (
        {"simulators/fit/planted.py": "import spectest.patterns.records"},
        SIMULATORS,
    ),
    "a simulator that runs code": ({"simulators/planted.py": "import spectest"}, SIMULATORS),
    "a cycle": (
        {
            "spectest/kernel/planted.py": "import spectest.kernel.planted_too",
            "spectest/kernel/planted_too.py": "import spectest.kernel.planted",
        },
        CYCLES,
    ),
}


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    call = "lint_imports(no_cache=True, no_logo=True)"
    program = f"import sys; from importlinter.cli import lint_imports; sys.exit({call})"
    return subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(repository: Path, tmp_path: Path) -> Path:
    shutil.copy(repository / "pyproject.toml", tmp_path)
    for package in ("spectest", "simulators"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(repository / package, tmp_path / package, ignore=ignore)
    return tmp_path


def test_the_contracts_hold(repository: Path) -> None:
    result = lint_imports(repository)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("planted, contract", VIOLATIONS.values(), ids=VIOLATIONS)
def test_a_planted_violation_breaks_its_contract(
    copy: Path, planted: dict[str, str], contract: str
) -> None:
    for path, text in planted.items():
        target = copy / path
        target.parent.mkdir(exist_ok=True)
        (target.parent / "__init__.py").touch()
        with target.open("a") as file:
            file.write(f"\n{text}\n")

    result = lint_imports(copy)

    assert result.returncode != 0
    assert f"{contract} BROKEN" in " ".join(result.stdout.split()), result.stdout + result.stderr
