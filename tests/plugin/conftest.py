"""Runs pytest inside pytest, on a folder of its own, and tells what became of each test."""

import importlib.metadata
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

import spectest.pytest_plugin

RACE = """
    import asyncio
    import pytest
    import pytest_asyncio
    import spectest
    from hypothesis import assume, given, settings, strategies as st


    async def race():
        order = []

        async def finish(name, seconds):
            await asyncio.sleep(seconds)
            order.append(name)

        await asyncio.gather(finish("first", 0.100), finish("second", 0.105))
        return order


    async def crowd():
        # More schedules than can be tried.
        await asyncio.gather(*(asyncio.sleep(0.1 + number / 1000) for number in range(8)))
"""

# Inner runs forget what they import; what is loaded here they need not load again.
# The plugin's own rooms must not be forgotten: the package would keep the old ones as attributes.
for module in (
    "hypothesis",
    "pytest_asyncio",
    "spectest.pytest_plugin.fixtures",
    "spectest.pytest_plugin.items",
    "spectest.pytest_plugin.virtual_asyncio",
    "spectest.reporting.text",
    "spectest.testing",
):
    importlib.import_module(module)

INSTALLED = bool(importlib.metadata.entry_points(group="pytest11", name="spectest"))
ROOT = str(Path(__file__).parents[2])
QUIET = ("-p", "no:randomly", "-p", "no:anyio")
INI = """
    [pytest]
    asyncio_mode = {mode}
    asyncio_default_fixture_loop_scope = function
    spectest_confirm = false
    {lines}
"""

Suite = Callable[..., pytest.Pytester]
Run = Callable[..., pytest.RunResult]


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Suite:
    """Write a test file that begins with a race, and an ini file."""

    def write(source: str, *, mode: str = "strict", ini: str = "") -> pytest.Pytester:
        pytester.makefile(".ini", pytest=textwrap.dedent(INI).format(mode=mode, lines=ini))
        text = textwrap.dedent(RACE) + "\n\n" + textwrap.dedent(source)
        pytester.makepyfile(test_it=text)
        return pytester

    return write


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run pytest there; plugins of no concern stay out unless `quiet` says otherwise."""

    def run_pytest(
        *arguments: str, subprocess: bool = False, quiet: tuple[str, ...] = QUIET
    ) -> pytest.RunResult:
        if subprocess:
            monkeypatch.setenv("PYTHONPATH", ROOT)
            named = () if INSTALLED else ("-p", "spectest.pytest_plugin")
            return pytester.runpytest_subprocess(*named, *quiet, *arguments)
        plugins = () if INSTALLED else (spectest.pytest_plugin,)
        return pytester.runpytest_inprocess(*quiet, *arguments, plugins=plugins)

    return run_pytest


def outcomes(result: pytest.RunResult) -> dict[str, str]:
    """Name of the test -> passed, failed, skipped, xfailed, or the phase in which it failed."""
    found: dict[str, str] = {}
    reports = result.reprec.getreports("pytest_runtest_logreport")  # type: ignore[attr-defined]
    for report in reports:
        name = report.nodeid.partition("::")[2]
        if report.when == "call" or report.outcome != "passed":
            outcome = "xfailed" if hasattr(report, "wasxfail") else report.outcome
            phase = "" if report.when == "call" or outcome == "skipped" else f" in {report.when}"
            found[name] = outcome + phase
    return found


def properties(result: pytest.RunResult, name: str) -> dict[str, object]:
    """The properties of the call of one test."""
    reports = result.reprec.getreports("pytest_runtest_logreport")  # type: ignore[attr-defined]
    (report,) = (one for one in reports if one.when == "call" and one.nodeid.endswith(name))
    return dict(report.user_properties)
