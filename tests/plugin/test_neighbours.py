"""Other people's plugins and options work beside this one."""

import os
import signal
import subprocess
import sys

import pytest

from tests.plugin.conftest import INSTALLED, QUIET, Run, Suite, outcomes, properties

MANY = """
    @pytest.mark.spectest(runs=20)
    @pytest.mark.parametrize("winner", ["first", "second", "third", "fourth"])
    async def test_it(winner):
        assert (await race())[0] != winner
"""


def test_xdist(suite: Suite, run: Run, pytester: pytest.Pytester) -> None:
    suite(MANY)
    result = run("-n", "2", "--spectest-report=report.txt", subprocess=True)
    result.assert_outcomes(failed=2, passed=2)
    result.stdout.fnmatch_lines(["*-- spectest --*", "spectest: 4 tests, *, 2 failed*"])
    text = (pytester.path / "report.txt").read_text()
    names = [line.split("]")[0] for line in text.splitlines() if line.startswith("test_it.py::")]
    ordinals = ("first", "second", "third", "fourth")
    assert names == sorted(f"test_it.py::test_it[{ordinal}" for ordinal in ordinals)
    assert text.count("--spectest-replay=") == 2


def test_randomly(suite: Suite, run: Run) -> None:
    suite(MANY)
    first, second = (run("-p", "no:anyio", f"--randomly-seed={seed}", quiet=()) for seed in (1, 5))
    assert outcomes(first) == outcomes(second)
    assert list(outcomes(first)) != list(outcomes(second))
    tokens = [properties(one, "[second]")["spectest_token"] for one in (first, second)]
    assert tokens[0] == tokens[1]


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="the signal method needs SIGALRM")
def test_timeout_is_no_finding(suite: Suite, run: Run) -> None:
    suite(
        """
        @pytest.mark.timeout(0.3, method="signal")
        @pytest.mark.spectest(runs=1_000_000)
        async def test_many():
            await crowd()

        @pytest.mark.timeout(0.3, method="signal", func_only=True)
        @pytest.mark.spectest
        async def test_one():
            while True:
                pass

        @pytest.mark.timeout(30)
        @pytest.mark.spectest(runs=5)
        async def test_enough():
            await race()
        """
    )
    result = run(subprocess=True)
    result.assert_outcomes(failed=2, passed=1)
    assert sum("Failed: Timeout" in line and line[0] == "E" for line in result.outlines) == 2
    result.stdout.no_fnmatch_line("*-- spectest --*")


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="the signal method needs SIGALRM")
def test_timeout_in_the_callback_of_a_weak_reference_is_not_lost(suite: Suite, run: Run) -> None:
    suite(
        """
        import weakref

        class Thing:
            pass

        def spin(_):
            while True:
                pass

        @pytest.mark.timeout(0.3, method="signal")
        @pytest.mark.spectest(runs=1)
        async def test_lost():
            thing = Thing()
            reference = weakref.ref(thing, spin)
            del thing
            while True:
                await asyncio.sleep(1)
        """
    )
    result = run("-W", "error", "--timeout=20", subprocess=True)
    result.assert_outcomes(failed=1)
    errors = [line[1:].strip() for line in result.outlines if line[:1] == "E"]
    assert errors == ["Failed: Timeout (>0.3s) from pytest-timeout."]


def test_first_failure_ends_and_last_failed_comes_back(suite: Suite, run: Run) -> None:
    suite(MANY)
    assert outcomes(run("-x")) == {"test_it[first]": "failed"}
    assert outcomes(run()) == {
        "test_it[first]": "failed",
        "test_it[second]": "failed",
        "test_it[third]": "passed",
        "test_it[fourth]": "passed",
    }
    assert list(outcomes(run("--lf"))) == ["test_it[first]", "test_it[second]"]
    assert list(outcomes(run("-k", "third"))) == ["test_it[third]"]
    assert list(outcomes(run("test_it.py::test_it[second]"))) == ["test_it[second]"]
    assert outcomes(run("--co", "-q")) == {}


def test_pdb_stops_in_the_users_frame(suite: Suite, pytester: pytest.Pytester) -> None:
    suite(
        """
        @pytest.mark.spectest(runs=20)
        async def test_it():
            order = await race()
            assert order == ["first", "second"]
        """
    )
    plugin = [] if INSTALLED else ["-p", "spectest.pytest_plugin"]
    process = subprocess.run(
        [sys.executable, "-m", "pytest", "--pdb", *plugin, *QUIET],
        cwd=pytester.path,
        input="print('the order is', order)\ncontinue\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert "the order is ['second', 'first']" in process.stdout
    assert "1 failed" in process.stdout


def test_quitting_a_debugger_ends_the_run(suite: Suite, run: Run) -> None:
    suite(
        """
        @pytest.mark.spectest
        async def test_it():
            await asyncio.sleep(1)
            pytest.exit("enough")

        def test_never(): pass
        """
    )
    result = run()
    assert outcomes(result) == {}
    result.stdout.fnmatch_lines(["*Exit: enough*"])


def test_a_run_leaves_the_process_as_it_was(suite: Suite, run: Run) -> None:
    suite(
        """
        import gc, random
        from asyncio import events
        BEFORE = events.new_event_loop, gc.isenabled()

        @pytest.fixture(autouse=True)
        def seeded():
            random.seed(7)
            expected = random.Random(7).random()
            yield
            assert random.random() == expected

        @pytest.mark.spectest(runs=5)
        async def test_it():
            random.random()
            await race()

        def test_afterwards():
            random.seed(7)
            assert (events.new_event_loop, gc.isenabled()) == BEFORE
        """
    )
    assert outcomes(run()) == {"test_it": "passed", "test_afterwards": "passed"}


def test_what_is_named_in_pytest_has_the_same_name_elsewhere(suite: Suite, run: Run) -> None:
    suite(
        """
        @pytest.mark.spectest
        async def test_it():
            done = []

            def work(number):
                done.append(number)

            await asyncio.gather(*(asyncio.to_thread(work, number) for number in range(2)))
            assert done == [0, 1]
        """
    )
    result = run()
    assert outcomes(result) == {"test_it": "failed"}
    result.stdout.fnmatch_lines(["*work (asyncio_0)*"])
    result.stdout.no_fnmatch_line("*asyncio_2*")
