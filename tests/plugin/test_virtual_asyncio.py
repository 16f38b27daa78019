"""--spectest-asyncio: the tests of pytest-asyncio once, on virtual time, or not at all."""

import pytest

from tests.plugin.conftest import Run, Suite, outcomes

TESTS = """
    def virtual():
        return type(asyncio.get_running_loop()).__module__.startswith("spectest")

    @pytest_asyncio.fixture
    async def value():
        await asyncio.sleep(3600)
        yield 7
        await asyncio.sleep(3600)

    @pytest.mark.asyncio
    async def test_theirs(value):
        await asyncio.sleep(3600)
        assert virtual() and value == 7

    @pytest.mark.asyncio(loop_scope="module")
    async def test_theirs_in_a_wider_loop():
        await asyncio.sleep(3600)
        assert virtual()

    @pytest.mark.asyncio
    @settings(max_examples=3)
    @given(x=st.integers())
    async def test_given(x):
        await asyncio.sleep(3600)

    @pytest.mark.asyncio
    async def test_fails():
        await asyncio.sleep(3600)
        assert not virtual()

    @pytest.mark.spectest(runs=3)
    async def test_ours():
        await asyncio.sleep(3600)

    def test_nobodys():
        pass
"""
EXPECTED = {
    "test_theirs": "passed",
    "test_theirs_in_a_wider_loop": "passed",
    "test_given": "passed",
    "test_fails": "failed",
    "test_ours": "passed",
    "test_nobodys": "passed",
}


CONFTEST = """
import asyncio, pytest
@pytest.hookimpl(tryfirst=True)
def pytest_asyncio_loop_factories():
    return {"theirs": asyncio.new_event_loop}
"""


@pytest.mark.parametrize("mode", ["strict", "auto"])
@pytest.mark.parametrize("how", ["option", "ini"])
def test_an_hour_takes_no_time(suite: Suite, run: Run, mode: str, how: str) -> None:
    suite(TESTS, mode=mode, ini="spectest_asyncio = true" if how == "ini" else "")
    arguments = ["--spectest-asyncio"] if how == "option" else []
    result = run("-W", "error", "--strict-markers", *arguments)
    assert outcomes(result) == EXPECTED


def test_nothing_is_registered_unasked(suite: Suite, run: Run) -> None:
    suite(
        """
        @pytest.mark.asyncio
        async def test_theirs(request):
            assert type(asyncio.get_running_loop()).__module__.startswith("asyncio")
            assert not request.config.hook.pytest_asyncio_loop_factories.get_hookimpls()
        """
    )
    assert outcomes(run()) == {"test_theirs": "passed"}


def test_a_conftest_that_wins_is_noticed(suite: Suite, run: Run) -> None:
    pytester = suite("@pytest.mark.asyncio\nasync def test_it(): pass")
    folder = pytester.mkdir("below")
    (folder / "conftest.py").write_text(CONFTEST)
    (pytester.path / "test_it.py").rename(folder / "test_it.py")
    result = run("--spectest-asyncio")
    assert outcomes(result) == {"test_it": "failed"}
    result.stdout.fnmatch_lines(["*UsageError: --spectest-asyncio, but below/test_it.py::test_it*"])


def test_it_needs_pytest_asyncio(suite: Suite, run: Run) -> None:
    pytester = suite("def test_it(): pass")
    pytester.makefile(".ini", pytest="[pytest]\n")
    result = run("-p", "no:asyncio", "--spectest-asyncio")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*needs the hook pytest_asyncio_loop_factories*"])
