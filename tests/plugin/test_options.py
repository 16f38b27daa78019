"""Command line before marker before ini before default; what makes no sense is said plainly."""

from dataclasses import fields

import pytest

from spectest.exploration.settings import Settings
from spectest.pytest_plugin import options
from tests.plugin.conftest import Run, Suite, outcomes, properties

FINDS = """
    @pytest.mark.spectest{keywords}
    async def test_it():
        assert await race() == ["first", "second"]
"""
HOLDS = """
    @pytest.mark.spectest{keywords}
    async def test_it():
        await crowd()
"""


def finds(keywords: str = "") -> str:
    return FINDS.format(keywords=keywords)


def holds(keywords: str = "") -> str:
    return HOLDS.format(keywords=keywords)


def test_every_setting_has_an_ini_name() -> None:
    objects = {"faults"}
    assert set(options.INI_TYPES) | objects == {field.name for field in fields(Settings)}


@pytest.mark.parametrize(
    "keywords, ini, arguments, executions",
    [
        ("", "", [], 200),
        ("", "spectest_runs = 7", [], 7),
        ("(runs=5)", "spectest_runs = 7", [], 5),
        ("(runs=5)", "spectest_runs = 7", ["--spectest-runs=3"], 3),
    ],
)
def test_precedence(
    suite: Suite, run: Run, keywords: str, ini: str, arguments: list[str], executions: int
) -> None:
    suite(holds(keywords), ini=ini)
    found = properties(run("--strict-config", *arguments), "test_it")
    assert found["spectest_executions"] == executions


@pytest.mark.parametrize(
    "keywords, ini, arguments",
    [
        ("", "spectest_order = strict", []),
        ("", "spectest_elasticity = 0.04", []),
        ("", "spectest_exact = asyncio test_it", []),
        ("(elasticity=0.04)", "", []),
        ("(exact='test_it')", "", []),
        ("(order='any')", "", ["--spectest-order=strict"]),
        ("", "", ["--spectest-runs=1"]),
        ("", "", ["--spectest=once"]),
    ],
)
def test_what_keeps_the_race_in_order(
    suite: Suite, run: Run, keywords: str, ini: str, arguments: list[str]
) -> None:
    suite(finds(keywords), ini=ini)
    assert outcomes(run("--strict-config", *arguments)) == {"test_it": "passed"}


def test_nothing_keeps_the_race_in_order(suite: Suite, run: Run) -> None:
    suite(finds())
    assert outcomes(run()) == {"test_it": "failed"}


@pytest.mark.parametrize(
    "keywords, complaint",
    [
        ("(rums=5)", "*UsageError: test_it.py::test_it: 'rums' is not a setting*runs*"),
        ("(runs=0)", "*UsageError: test_it.py::test_it: runs=0 must be*"),
        ("(order='chaos')", "*UsageError: test_it.py::test_it: order='chaos'*ties*"),
        ("(500)", "*UsageError: test_it.py::test_it: mark.spectest takes keywords only*500*"),
    ],
)
def test_nonsense_on_a_marker(suite: Suite, run: Run, keywords: str, complaint: str) -> None:
    suite(finds(keywords))
    result = run()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([complaint])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize(
    "ini, complaint",
    [
        (
            "spectest = of",
            "spectest='of' in the ini file is no mode; use one of explore, once, off",
        ),
        ("spectest_elasticity = abc", "spectest_elasticity in the ini file*a number: *'abc'*"),
        ("spectest_runs = 1.5", "spectest_runs in the ini file*a whole number: *'1.5'*"),
        ("spectest_margin = maybe", "spectest_margin in the ini file*true or false: *'maybe'*"),
        ("spectest_asyncio = maybe", "spectest_asyncio in the ini file*true or false: *'maybe'*"),
        ("spectest_lines = 'a", "spectest_lines in the ini file*names separated by spaces: *"),
    ],
)
def test_an_ini_file_that_cannot_be_read(suite: Suite, run: Run, ini: str, complaint: str) -> None:
    suite(finds(), ini=ini)
    result = run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {complaint}"])
    result.stderr.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize(
    "ini, complaint",
    [
        ("spectest_order = chaos", "spectest_order='chaos' is not an order model*ties*"),
        ("spectest_elasticity = -1", "spectest_elasticity=-1.0 must be a number, 0 or more*"),
        ("spectest_lines = hits.py", "spectest_lines=*'hits.py'* must be the dotted name*"),
    ],
)
def test_nonsense_in_an_ini_file(suite: Suite, run: Run, ini: str, complaint: str) -> None:
    suite(finds(), ini=ini)
    result = run()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([f"UsageError: in the ini file: {complaint}"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_nonsense_on_a_decorator(suite: Suite, run: Run) -> None:
    suite("@spectest.explored(rums=5)\nasync def test_it(): pass")
    run().stdout.fnmatch_lines(["*UsageError: 'rums' is not a setting of spectest*"])


def test_methods_of_a_test_case_are_refused(suite: Suite, run: Run) -> None:
    suite(
        """
        import unittest
        class TestIt(unittest.TestCase):
            @pytest.mark.spectest
            def test_it(self): pass
        """
    )
    result = run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*TestIt::test_it*unittest.TestCase cannot be explored*"])


def test_replay(suite: Suite, run: Run) -> None:
    suite(finds())
    token = properties(run(), "test_it")["spectest_token"]

    result = run(f"--spectest-replay={token}")

    assert outcomes(result) == {"test_it": "failed"}
    found = properties(result, "test_it")
    assert found["spectest_token"] == token
    assert found["spectest_executions"] == 1
    result.stdout.fnmatch_lines(["*assert *'second', 'first'* == *'first', 'second'*"])


def test_replay_of_something_else(suite: Suite, run: Run) -> None:
    suite(finds())
    result = run("--spectest-replay=st1-nonsense")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--spectest-replay: 'st1-nonsense' is damaged*"])


@pytest.mark.parametrize("mode", ["explore", "once", "off"])
def test_a_check_of_what_is_left_is_called_in_every_mode(suite: Suite, run: Run, mode: str) -> None:
    suite(
        """
        def with_a_check(expected):
            left = []

            async def main():
                left.append(1)

            async def check():
                assert left == expected

            return main(), check

        @pytest.mark.spectest
        def test_right():
            return with_a_check([1])

        @pytest.mark.spectest
        def test_wrong():
            return with_a_check([2])
        """
    )
    result = run(f"--spectest={mode}", "-W", "error")
    assert outcomes(result) == {"test_right": "passed", "test_wrong": "failed"}


def test_off_is_an_ordinary_test_in_real_time(suite: Suite, run: Run) -> None:
    suite(
        """
        @pytest_asyncio.fixture
        async def value():
            await asyncio.sleep(0)
            yield asyncio.get_running_loop()

        @pytest.mark.spectest
        async def test_async(value):
            assert type(value).__module__.startswith("asyncio")
            assert value is asyncio.get_running_loop()

        @spectest.explored
        def test_sync():
            assert asyncio.run(asyncio.sleep(0, "done")) == "done"

        @pytest.mark.spectest
        @settings(max_examples=3)
        @given(x=st.integers())
        async def test_given(x):
            assert type(asyncio.get_running_loop()).__module__.startswith("asyncio")
        """
    )
    result = run("--spectest=off", "-W", "error")
    assert set(outcomes(result).values()) == {"passed"}
    assert len(outcomes(result)) == 3
    assert properties(result, "test_async") == {}


def test_failures_are_kept_and_tried_first(suite: Suite, run: Run) -> None:
    pytester = suite(finds())
    first = properties(run(), "test_it")
    assert list((pytester.path / ".spectest" / "failures").iterdir())

    second = properties(run("--spectest-seed=99"), "test_it")

    assert second["spectest_token"] == first["spectest_token"]
    assert second["spectest_executions"] == 3


def test_failures_need_not_be_kept(suite: Suite, run: Run) -> None:
    pytester = suite(finds("(database=False)"))
    run()
    assert not (pytester.path / ".spectest").exists()


def test_the_header_speaks_when_spoken_to(suite: Suite, run: Run) -> None:
    pytester = suite(holds())
    pytester.makefile(".ini", pytest="[pytest]\nasyncio_default_fixture_loop_scope = function")
    run().stdout.no_fnmatch_line("spectest: mode*")
    run("--spectest-runs=3").stdout.fnmatch_lines(["spectest: mode=explore, runs=3"])
    run("--spectest=once").stdout.fnmatch_lines(["spectest: mode=once"])


def test_help_lists_options_and_ini(suite: Suite, run: Run) -> None:
    suite("")
    run("--help").stdout.fnmatch_lines(
        ["*--spectest={explore,once,off}*", "*--spectest-replay=TOKEN*", "*spectest_elasticity*"]
    )
    run("--markers").stdout.fnmatch_lines(["@pytest.mark.spectest(runs=200*"])
