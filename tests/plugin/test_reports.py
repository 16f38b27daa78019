"""The user's own assertion and lines first, then our section, each exactly once."""

from pathlib import Path

import pytest

from tests.plugin.conftest import Run, Suite, outcomes, properties

FINDS = """
    @pytest.mark.spectest(runs=30)
    async def test_it():
        order = await race()
        print("the order was", order)
        assert order == ["first", "second"]
"""


def test_the_assertion_keeps_its_introspection(suite: Suite, run: Run) -> None:
    suite(FINDS)
    result = run()
    result.stdout.fnmatch_lines(
        [
            '>*assert order == *"first", "second"]',  # a [ would begin a character class
            "E*AssertionError: assert *'second', 'first'* == *'first', 'second'*",
            "E*At index 0 diff: 'second' != 'first'",
            "test_it.py:*: AssertionError",
            "*-- spectest --*",
            "*pytest test_it.py::test_it --spectest-replay=st1-*",
            "spectest: 1 test, * executions, 1 failed*",
        ]
    )
    lines = result.outlines
    assert sum("-- spectest --" in line for line in lines) == 1
    assert sum("--spectest-replay=" in line for line in lines) == 1


@pytest.mark.parametrize("style", ["auto", "long", "short"])
def test_no_frame_of_ours_is_shown(suite: Suite, run: Run, style: str) -> None:
    suite(
        FINDS
        + """
    @pytest.mark.spectest
    async def test_refused():
        await asyncio.open_connection("localhost", 80)

    @pytest.mark.spectest
    async def test_nested():
        async def child():
            raise ValueError("inner")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(child())
        except* ValueError as caught:
            raise RuntimeError("outer") from caught

    @pytest.mark.spectest
    def test_blocked():
        async def main():
            await asyncio.Event().wait()
        asyncio.run(main())

    @pytest.mark.spectest
    async def test_lost():
        async def child():
            raise ValueError("nobody asks")
        task = asyncio.create_task(child())
        await asyncio.sleep(1)
        """
    )
    result = run(f"--tb={style}")
    assert set(outcomes(result).values()) == {"failed"}
    files = {line.split(":")[0] for line in result.outlines if ".py:" in line}
    assert not [file for file in files if "spectest/" in file and "pytest-of" not in file]
    result.stdout.no_fnmatch_line("*_run_once*")
    result.stdout.fnmatch_lines(["*test_it.py:*", "*RealWorldError*"])
    result.stdout.fnmatch_lines(["*RuntimeError: outer*"])
    result.stdout.fnmatch_lines(["*Deadlock: nothing can run*"])
    result.stdout.fnmatch_lines(["*ValueError: nobody asks*", "*UnretrievedException*"])


@pytest.mark.parametrize("captured", ["no", "stdout", "log"])
def test_the_report_is_not_captured_output(suite: Suite, run: Run, captured: str) -> None:
    suite(FINDS)
    result = run(f"--show-capture={captured}")
    result.stdout.fnmatch_lines(["*-- spectest --*", "*--spectest-replay=st1-*"])


def test_only_the_last_execution_is_heard(suite: Suite, run: Run) -> None:
    suite(
        """
        import logging

        @pytest.mark.spectest(runs=30)
        async def test_it(caplog):
            order = await race()
            print("the order was", order)
            logging.warning("logged %s", order)
            assert len(caplog.records) == 1
            assert order == ["first", "second"]
        """
    )
    lines = run().outlines
    assert [line for line in lines if line.startswith("the order")] == [
        "the order was ['second', 'first']"
    ]
    assert sum("logged ['second', 'first']" in line for line in lines) == 1


def test_properties(suite: Suite, run: Run) -> None:
    suite(FINDS + "\n    @spectest.explored(runs=4)\n    def test_clean(): asyncio.run(race())")
    result = run()
    found = properties(result, "test_it")
    assert str(found.pop("spectest_token")).startswith("st1-")
    assert isinstance(found.pop("spectest_executions"), int)
    assert found == {"spectest_order_model": "ties", "spectest_confirmed": "not tried"}
    assert properties(result, "test_clean") == {"spectest_executions": 4}
    result.stdout.fnmatch_lines(["spectest: 2 tests, *"])


def test_the_junit_file_has_the_token(suite: Suite, run: Run, pytester: pytest.Pytester) -> None:
    suite(FINDS)
    result = run("--junit-xml=junit.xml", "-o", "junit_family=xunit1")
    token = properties(result, "test_it")["spectest_token"]
    assert f'name="spectest_token" value="{token}"' in (pytester.path / "junit.xml").read_text()


def test_silence_without_explored_tests(suite: Suite, run: Run) -> None:
    suite("def test_it(): assert False")
    result = run()
    result.stdout.no_fnmatch_line("spectest: * test*")
    result.stdout.no_fnmatch_line("*-- spectest --*")


def test_a_report_on_a_clean_test_is_one_line(suite: Suite, run: Run) -> None:
    suite("@pytest.mark.spectest(runs=4)\ndef test_it(): asyncio.run(race())")
    result = run("-rP")
    (report,) = result.reprec.getreports("pytest_runtest_logreport")[1:2]  # type: ignore[attr-defined]
    ((_, text),) = [section for section in report.sections if section[0] == "spectest"]
    assert text.count("\n") <= 3


def test_the_report_file(suite: Suite, run: Run, pytester: pytest.Pytester) -> None:
    suite(FINDS + "\n    @pytest.mark.spectest(runs=4)\n    def test_clean(): pass")
    path = pytester.path / "deep" / "report.txt"
    run("--spectest-report=deep/report.txt")
    text = path.read_text()
    assert "test_it.py::test_it" in text
    assert "--spectest-replay=st1-" in text
    assert "test_it.py::test_clean" in text

    run("--spectest-report=deep/report.txt", "-k", "nothing_of_this_name")
    assert path.read_text() == "no test was explored\n"
    assert [child.name for child in path.parent.iterdir()] == ["report.txt"]


def test_a_report_file_is_whole_or_untouched(tmp_path: Path) -> None:
    from spectest.pytest_plugin.results import write_whole

    path = tmp_path / "report.txt"
    write_whole(path, "first")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "second \udc80")
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("report.txt", "first")]


def test_without_the_plugin_the_report_is_a_note(suite: Suite, pytester: pytest.Pytester) -> None:
    suite(
        """
        @spectest.explored(runs=30)
        async def test_it():
            assert await race() == ["first", "second"]
        """
    )
    pytester.makefile(".ini", pytest="[pytest]\nasyncio_default_fixture_loop_scope = function")
    result = pytester.runpytest_inprocess("-p", "no:spectest", "-p", "no:randomly")
    assert outcomes(result) == {"test_it": "failed"}
    lines = [line for line in result.outlines if "st1-" in line]
    assert len(lines) == 1
    assert lines[0].startswith("E ")


def test_confirmed_on_stock_asyncio(suite: Suite, run: Run) -> None:
    suite(
        FINDS
        + """
    @pytest.mark.spectest(runs=10)
    @settings(max_examples=5)
    @given(x=st.integers(0, 9))
    async def test_given(x):
        assert await race() == ["first", "second"]
        """,
        ini="spectest_database = false",
    )
    result = run("-o", "spectest_confirm=true")
    assert properties(result, "test_it")["spectest_confirmed"] is True
    assert properties(result, "test_given")["spectest_confirmed"] is True
    result.stdout.fnmatch_lines(["*2 failed (2 confirmed in real time)"])


def test_what_ended_a_thread_before_is_in_the_traceback(suite: Suite, run: Run) -> None:
    suite(
        """
        import queue
        import threading

        def start(target):
            thread = threading.Thread(target=target)
            thread.start()
            return thread

        @pytest.mark.spectest(runs=4)
        def test_missing():
            out = []
            def work():
                out.append(int("seven"))
            start(work).join()
            assert out == [7]

        @pytest.mark.spectest(runs=4)
        def test_blocked():
            numbers = queue.Queue()
            async def main():
                start(lambda: numbers.put(int("seven")))
                await asyncio.Event().wait()
            asyncio.run(main())
        """
    )
    result = run("-p", "no:randomly")
    for _ in range(2):
        result.stdout.fnmatch_lines(
            [
                "E*before that, the thread * ended with ValueError: invalid literal for int()*",
                "*-- spectest --*",
                "  before that, `*` ended with ValueError: invalid literal for int()*",
                '    test_it.py:*  *int("seven")*',
            ]
        )
