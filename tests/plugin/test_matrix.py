"""Every way to write a test, in every mode of pytest-asyncio: an inner run for each mode."""

import pytest

from tests.plugin.conftest import Run, Suite, outcomes

CASES = """
    EITHER = [["first", "second"], ["second", "first"]]


    @pytest.mark.spectest(runs=30)
    async def test_marker_finds():
        assert await race() == ["first", "second"]

    @pytest.mark.spectest(runs=30)
    async def test_marker_holds():
        assert await race() in EITHER

    @spectest.explored(runs=30)
    async def test_decorator_finds():
        assert await race() == ["first", "second"]

    @spectest.explored
    async def test_decorator_holds():
        assert await race() in EITHER

    @pytest.mark.asyncio
    @pytest.mark.spectest(runs=30)
    async def test_beside_the_asyncio_marker():
        assert await race() == ["first", "second"]

    @pytest.mark.spectest(runs=30)
    def test_sync_finds():
        assert asyncio.run(race()) == ["first", "second"]

    @pytest.mark.spectest(runs=30)
    def test_sync_holds():
        assert asyncio.run(race()) in EITHER

    @pytest.mark.spectest(runs=30)
    def test_sync_without_a_loop():
        assert 1 + 1 == 3

    @pytest.mark.spectest(runs=1, order="strict")
    async def test_keywords_count():
        assert await race() == ["first", "second"]

    @pytest.fixture
    def names():
        return {"second"}

    @pytest.mark.spectest(runs=30)
    async def test_sync_fixtures(names, tmp_path, request):
        order = await race()
        assert tmp_path.is_dir() and request.node.name == "test_sync_fixtures"
        assert order[0] not in names

    @pytest.mark.spectest(runs=30)
    @pytest.mark.parametrize("winner", ["first", "second", "third"])
    async def test_parametrize(winner):
        assert (await race())[0] != winner

    @pytest.mark.parametrize("runs", [
        pytest.param(1, marks=pytest.mark.spectest(runs=1, order="strict")),
        pytest.param(30, marks=pytest.mark.spectest(runs=30)),
    ])
    async def test_marker_of_a_parameter(runs):
        assert await race() == ["first", "second"]

    class TestMethods:
        winner = "second"

        @pytest.mark.spectest(runs=30)
        async def test_method(self):
            assert (await race())[0] != self.winner

        @spectest.explored(runs=30)
        async def test_decorated_method(self, names):
            assert (await race())[0] != self.winner

        @staticmethod
        @pytest.mark.spectest(runs=30)
        async def test_static():
            assert (await race())[0] != "second"

    @pytest.mark.spectest(runs=30)
    class TestMarkedClass:
        async def test_finds(self):
            assert await race() == ["first", "second"]

        @pytest.mark.spectest(order="strict")
        async def test_nearer_keywords_win(self):
            assert await race() == ["first", "second"]

    @pytest.mark.skip
    @pytest.mark.spectest
    async def test_skip_marker():
        assert False

    @pytest.mark.skipif(True, reason="never")
    @pytest.mark.spectest
    async def test_skipif_marker():
        assert False

    @pytest.mark.spectest
    async def test_skip_inside():
        await asyncio.sleep(0.001)
        pytest.skip("not here")

    @pytest.mark.spectest
    def test_skip_inside_sync():
        pytest.skip("not here")

    @pytest.mark.spectest(runs=30)
    async def test_skip_in_some_timings():
        if await race() != ["first", "second"]:
            pytest.skip("of no interest")

    @pytest.mark.spectest
    async def test_importorskip_inside():
        pytest.importorskip("no_module_of_this_name")

    @pytest.mark.xfail(strict=True)
    @pytest.mark.spectest(runs=30)
    async def test_xfail_marker():
        assert await race() == ["first", "second"]

    @pytest.mark.xfail(strict=True)
    @pytest.mark.spectest(runs=30)
    async def test_xfail_marker_strict():
        pass

    @pytest.mark.spectest
    async def test_xfail_inside():
        pytest.xfail("known")

    @pytest.mark.spectest
    async def test_fail_inside():
        pytest.fail("bad")

    @pytest.mark.spectest(runs=30)
    async def test_raises_inside():
        with pytest.raises(AssertionError):
            assert await race() == ["second", "third"]

    @pytest.mark.spectest
    async def test_monkeypatch_and_capsys(monkeypatch, capsys, caplog):
        monkeypatch.setenv("SPECTEST_CASE", "1")
        print("once")
        await race()
        assert capsys.readouterr().out == "once\\n"
"""

EXPECTED = {
    "test_marker_finds": "failed",
    "test_marker_holds": "passed",
    "test_decorator_finds": "failed",
    "test_decorator_holds": "passed",
    "test_beside_the_asyncio_marker": "failed",
    "test_sync_finds": "failed",
    "test_sync_holds": "passed",
    "test_sync_without_a_loop": "failed",
    "test_keywords_count": "passed",
    "test_sync_fixtures": "failed",
    "test_parametrize[first]": "failed",
    "test_parametrize[second]": "failed",
    "test_parametrize[third]": "passed",
    "test_marker_of_a_parameter[1]": "passed",
    "test_marker_of_a_parameter[30]": "failed",
    "TestMethods::test_method": "failed",
    "TestMethods::test_decorated_method": "failed",
    "TestMethods::test_static": "failed",
    "TestMarkedClass::test_finds": "failed",
    "TestMarkedClass::test_nearer_keywords_win": "passed",
    "test_skip_marker": "skipped",
    "test_skipif_marker": "skipped",
    "test_skip_inside": "skipped",
    "test_skip_inside_sync": "skipped",
    "test_skip_in_some_timings": "passed",
    "test_importorskip_inside": "skipped",
    "test_xfail_marker": "xfailed",
    "test_xfail_marker_strict": "failed",
    "test_xfail_inside": "xfailed",
    "test_fail_inside": "failed",
    "test_raises_inside": "passed",
    "test_monkeypatch_and_capsys": "passed",
}

STRICTLY = ("-W", "error", "--strict-markers", "--strict-config")


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_with_pytest_asyncio(suite: Suite, run: Run, mode: str) -> None:
    suite(CASES, mode=mode)
    assert outcomes(run(*STRICTLY)) == EXPECTED


def test_without_pytest_asyncio(suite: Suite, run: Run) -> None:
    pytester = suite(CASES)
    ini = "[pytest]\nspectest_confirm = false\nmarkers = asyncio: theirs"
    pytester.makefile(".ini", pytest=ini)
    assert outcomes(run("-p", "no:asyncio", *STRICTLY)) == EXPECTED


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_unmarked_tests_are_left_alone(suite: Suite, run: Run, mode: str) -> None:
    suite(
        """
        @pytest.mark.asyncio
        async def test_theirs():
            assert type(asyncio.get_running_loop()).__module__.startswith("asyncio")

        @pytest.mark.spectest(runs=3)
        async def test_ours():
            assert type(asyncio.get_running_loop()).__module__.startswith("spectest")

        def test_nobodys():
            pass
        """,
        mode=mode,
    )
    assert set(outcomes(run(*STRICTLY)).values()) == {"passed"}


def test_a_marker_added_by_a_conftest(suite: Suite, run: Run) -> None:
    pytester = suite("async def test_it():\n    assert await race() == ['first', 'second']")
    pytester.makeconftest(
        """
        import pytest
        def pytest_collection_modifyitems(items):
            for item in items:
                item.add_marker(pytest.mark.spectest(runs=30))
        """
    )
    for mode in ("strict", "auto"):
        assert outcomes(run("-o", f"asyncio_mode={mode}")) == {"test_it": "failed"}


def test_pytestmark_of_a_module(suite: Suite, run: Run) -> None:
    suite(
        """
        pytestmark = [pytest.mark.asyncio, pytest.mark.spectest(runs=30)]

        async def test_it():
            assert await race() == ["first", "second"]
        """
    )
    assert outcomes(run(*STRICTLY)) == {"test_it": "failed"}
