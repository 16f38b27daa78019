"""@given above or below, marker or decorator: every example is explored, on a world of its own."""

import pytest

from tests.plugin.conftest import Run, Suite, outcomes, properties

ORDERS = {
    "marker above": "@pytest.mark.spectest(runs=20)\n@given(x=st.integers(0, 9))",
    "marker below": "@given(x=st.integers(0, 9))\n@pytest.mark.spectest(runs=20)",
    "decorator above": "@spectest.explored(runs=20)\n@given(x=st.integers(0, 9))",
    "decorator below": "@given(x=st.integers(0, 9))\n@spectest.explored(runs=20)",
    "settings between": (
        "@spectest.explored(runs=20)\n@settings(max_examples=20)\n@given(x=st.integers(0, 9))"
    ),
}

BODY = """
{order}
async def test_finds(x):
    assert asyncio.get_running_loop().time() == 0.0
    assume(x != 3)
    assert await race() == ["first", "second"] or x < 5

{order}
async def test_holds(x):
    assert len(await race()) == 2

{order}
def test_sync(x):
    assert asyncio.run(race()) == ["first", "second"] or x < 5
"""


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_orders_of_given(suite: Suite, run: Run, mode: str, order: str) -> None:
    suite(BODY.format(order=order), mode=mode)
    result = run("-W", "error", "--strict-markers")
    assert outcomes(result) == {
        "test_finds": "failed",
        "test_holds": "passed",
        "test_sync": "failed",
    }
    result.stdout.fnmatch_lines(["*x=5,*", "*-- spectest --*", "*--spectest-replay=st1-*"])
    result.stdout.no_fnmatch_line("*DeadlineExceeded*")
    result.stdout.no_fnmatch_line("*HealthCheck*")
    result.stdout.no_fnmatch_line("*Explanation*")


def test_with_fixtures_parametrize_and_methods(suite: Suite, run: Run) -> None:
    suite(
        """
        class TestClass:
            @pytest.mark.spectest(runs=10)
            @pytest.mark.parametrize("bound", [3, 20])
            @given(x=st.integers(0, 9))
            @settings(max_examples=10, deadline=1)
            async def test_method(self, tmp_path_factory, bound, x):
                assert len(await race()) == 2
                assert x < bound
        """
    )
    assert outcomes(run("-W", "error")) == {
        "TestClass::test_method[3]": "failed",
        "TestClass::test_method[20]": "passed",
    }


def test_skips_and_failures_that_need_no_timing(suite: Suite, run: Run) -> None:
    suite(
        """
        @pytest.mark.spectest
        @given(x=st.integers(0, 9))
        async def test_skips(x):
            pytest.skip("no")

        @pytest.mark.spectest(runs=5)
        @given(data=st.data())
        async def test_draws_while_it_runs(data):
            data.draw(st.integers())
        """
    )
    result = run()
    assert outcomes(result) == {"test_skips": "skipped", "test_draws_while_it_runs": "failed"}
    result.stdout.fnmatch_lines(["*draws from `data`*", "*Draw before it runs*"])


def test_the_executions_of_all_examples_are_counted(suite: Suite, run: Run) -> None:
    suite(
        """
        @pytest.mark.spectest(runs=4)
        @settings(max_examples=5)
        @given(x=st.floats())
        async def test_it(x):
            await race()
        """
    )
    assert properties(run(), "test_it") == {"spectest_executions": 20}


def test_nothing_of_hypothesis_is_kept_in_our_database(suite: Suite, run: Run) -> None:
    pytester = suite(BODY.format(order=ORDERS["marker above"]))
    run("-k", "test_finds")
    assert not (pytester.path / ".spectest").exists()
