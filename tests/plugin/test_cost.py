"""The plugin costs a suite without explored tests two small modules and no engine."""

import os
import subprocess
import sys

import pytest

from tests.plugin.conftest import INSTALLED, Suite

ENGINE = (
    "spectest.exploration",
    "spectest.eventloop",
    "spectest.kernel",
    "spectest.reporting",
    "spectest.testing",
    "spectest.world",
)

LOADED_WITH_THE_PLUGIN = """
import pytest, sys
before = set(sys.modules)
import spectest.pytest_plugin
print(*sorted(set(sys.modules) - before))
"""

LOADED_BY_A_RUN = """
import sys
def test_it():
    found = [name for name in sys.modules if name.startswith("spectest.")]
    print("loaded", *sorted(found))
"""


def python(*arguments: str, **options: str) -> str:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        **options,  # type: ignore[call-overload]
    )
    return str(process.stdout)


def test_loading_the_plugin_loads_no_engine() -> None:
    loaded = python("-c", LOADED_WITH_THE_PLUGIN).split()
    assert "spectest.pytest_plugin" in loaded
    assert [name for name in loaded if name.startswith(ENGINE)] == []
    assert {"asyncio", "hypothesis", "concurrent", "simpy"}.isdisjoint(loaded)


def test_a_run_without_explored_tests_loads_no_engine(
    pytester: pytest.Pytester, suite: Suite
) -> None:
    pytester.makepyfile(test_it=LOADED_BY_A_RUN)
    plugin = [] if INSTALLED else ["-p", "spectest.pytest_plugin"]
    output = python("-m", "pytest", "-s", "-p", "no:asyncio", *plugin, cwd=str(pytester.path))
    (line,) = (line for line in output.splitlines() if "loaded" in line)
    loaded = line.split("loaded")[1].split()
    assert "spectest.pytest_plugin" in loaded
    assert [name for name in loaded if name.startswith(ENGINE)] == []
