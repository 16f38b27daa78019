"""The section on coverage, and the contexts of a measurement that goes on around pytest."""

import os
import subprocess
import sys
from pathlib import Path

import coverage
import pytest

from tests.plugin.conftest import INSTALLED, QUIET, ROOT, Run, Suite

SUITE = """
    import answers

    @pytest.mark.spectest{keywords}
    async def test_it():
        assert await answers.answer()

    def test_plain():
        assert asyncio.run(answers.answer(0)) == "quick"
"""
ANSWERS = """\
import asyncio


async def ask(seconds):
    await asyncio.sleep(seconds)
    return "quick"


async def answer(seconds=0.095):
    try:
        async with asyncio.timeout(0.100):
            return await ask(seconds)
    except TimeoutError:
        return "late"
"""
MODULE, IN_TIME, HANDLER = 4, 6, 13
SECTION = [
    "spectest: 1 test, * executions",
    "coverage of test_it.py::test_it",
    "  Only under an unusual order (* executions):",
    "    answers.py:13-14  except TimeoutError:  in * executions, first in *, with `ask#1` 5 ms l*",
]


def write(suite: Suite, keywords: str = "(coverage=True)", **options: str) -> pytest.Pytester:
    pytester = suite(SUITE.format(keywords=keywords), **options)
    (pytester.path / "answers.py").write_text(ANSWERS)
    return pytester


def test_the_section_follows_the_summary(suite: Suite, run: Run) -> None:
    write(suite)
    run().stdout.fnmatch_lines(SECTION, consecutive=True)


def test_the_ini_file_asks_for_it(suite: Suite, run: Run) -> None:
    write(suite, "", ini="spectest_coverage = true")
    run().stdout.fnmatch_lines(SECTION, consecutive=True)


def test_nobody_asks_for_it(suite: Suite, run: Run) -> None:
    write(suite, "")
    run().stdout.no_fnmatch_line("*unusual order*")


def test_workers_send_it(suite: Suite, run: Run) -> None:
    write(suite)
    result = run("-n", "2", subprocess=True)
    result.stdout.fnmatch_lines(SECTION, consecutive=True)


def test_the_report_of_a_failure_has_it(suite: Suite, run: Run) -> None:
    pytester = write(suite)
    source = pytester.path / "test_it.py"
    source.write_text(
        source.read_text().replace(
            "await answers.answer()\n", 'await answers.answer() == "quick"\n'
        )
    )
    result = run()
    result.stdout.fnmatch_lines(["found * in execution *", "Only under an unusual order*"])
    result.assert_outcomes(failed=1, passed=1)


# Under a measurement by coverage.py.


def measured(pytester: pytest.Pytester, *arguments: str, core: str = "ctrace", rc: str = "") -> str:
    """Run the suite under `coverage run`; what pytest printed."""
    (pytester.path / ".coveragerc").write_text(f"[run]\nsource = .\n{rc}")
    plugin = () if INSTALLED else ("-p", "spectest.pytest_plugin")
    command = ["coverage", "run", "-m", "pytest", *plugin, *QUIET, "-p", "no:cacheprovider"]
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-m", *command, "-W", "error", *arguments],
        cwd=pytester.path,
        env=os.environ | {"PYTHONPATH": ROOT, "COVERAGE_CORE": core},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def contexts_of(pytester: pytest.Pytester, line: int) -> set[str]:
    """The contexts in which a line of answers.py ran; executions without their number."""
    data = coverage.CoverageData(str(pytester.path / ".coverage"))
    data.read()
    found = data.contexts_by_lineno(str(Path(pytester.path / "answers.py").resolve()))
    data.close()
    return {"execution" if "|execution " in name else name for name in found.get(line, ())}


STOCK = "spectest|test_it.py::test_it|stock"


def test_each_execution_has_a_context(suite: Suite) -> None:
    pytester = write(suite)
    printed = measured(pytester)
    assert "Only under an unusual order" in printed
    assert "No contexts" not in printed
    assert contexts_of(pytester, MODULE) == {""}
    assert contexts_of(pytester, HANDLER) == {"execution"}
    assert contexts_of(pytester, IN_TIME) == {STOCK, "execution", ""}


def test_lines_as_choice_points_and_contexts_at_once(suite: Suite) -> None:
    pytester = write(suite, "(coverage=True, lines='*')")
    assert "Only under an unusual order" in measured(pytester)
    assert contexts_of(pytester, HANDLER) == {"execution"}
    assert contexts_of(pytester, IN_TIME) == {STOCK, "execution", ""}


def test_a_static_context_stays(suite: Suite) -> None:
    pytester = write(suite)
    measured(pytester, rc="context = ci\n")
    assert contexts_of(pytester, IN_TIME) == {f"ci|{STOCK}", "execution", "ci"}


def test_contexts_that_coverage_switches_itself_stay(suite: Suite) -> None:
    pytester = write(suite)
    printed = measured(pytester, rc="dynamic_context = test_function\n")
    assert "No contexts: coverage.py switches them itself" in printed
    assert "Only under an unusual order" in printed
    assert "test_it.test_plain" in contexts_of(pytester, IN_TIME)
    assert "execution" not in contexts_of(pytester, HANDLER)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="CPython 3.11 has no sys.monitoring")
def test_a_core_that_cannot_switch_contexts(suite: Suite) -> None:
    pytester = write(suite)
    printed = measured(pytester, core="sysmon")
    assert 'set core = "ctrace"' in printed
    assert "Only under an unusual order" in printed
    assert contexts_of(pytester, HANDLER) == {""}


def test_nobody_s_contexts_change_unless_asked_for(suite: Suite) -> None:
    pytester = write(suite, "")
    measured(pytester)
    assert contexts_of(pytester, HANDLER) == {""}


OF_EACH_TEST = """
import coverage, pytest

@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    measuring = coverage.Coverage.current()
    measuring.switch_context(f"{item.nodeid}|run")
    yield
    assert measuring.switch_context("") == f"{item.nodeid}|run"
"""


def test_the_context_of_the_test_comes_back(suite: Suite) -> None:
    """As pytest-cov switches them with --cov-context=test."""
    pytester = write(suite)
    pytester.makeconftest(OF_EACH_TEST)
    measured(pytester)
    assert contexts_of(pytester, HANDLER) == {"execution"}
    expected = {STOCK, "execution", "test_it.py::test_plain|run"}
    assert contexts_of(pytester, IN_TIME) == expected


IN_WORKERS = """
patch = subprocess
parallel = true
disable_warnings = no-data-collected
"""


def test_workers_are_measured(suite: Suite) -> None:
    pytester = write(suite)
    measured(pytester, "-n", "2", rc=IN_WORKERS)
    subprocess.run(
        [sys.executable, "-m", "coverage", "combine", "-q"], cwd=pytester.path, check=True
    )
    assert contexts_of(pytester, HANDLER) == {"execution"}
    assert contexts_of(pytester, IN_TIME) == {STOCK, "execution", ""}
