"""Sync fixtures are set up once for each test, async ones inside each execution."""

import pytest

from tests.plugin.conftest import Run, Suite, outcomes

ASYNC = "@pytest_asyncio.fixture"


def test_async_fixtures_are_fresh_in_each_execution(suite: Suite, run: Run) -> None:
    suite(
        """
        SEEN = []

        @pytest.fixture
        def sync_once():
            SEEN.append("sync up")
            yield "sync"
            SEEN.append("sync down")

        @pytest_asyncio.fixture
        async def connection(sync_once):
            await asyncio.sleep(1)
            box = [asyncio.get_running_loop()]
            SEEN.append("connection up")
            yield box
            await asyncio.sleep(1)
            assert box == [asyncio.get_running_loop(), "used"]
            SEEN.append("connection down")

        @pytest_asyncio.fixture
        async def session(connection, request):
            assert connection == [asyncio.get_running_loop()]
            assert request.node.name == "test_it"
            return connection

        @pytest.fixture
        def client(session):
            SEEN.append("client up")
            yield session
            SEEN.append("client down")

        @pytest.mark.spectest(runs=2)
        async def test_it(client, connection, sync_once):
            assert client is connection and sync_once == "sync"
            client.append("used")

        def test_afterwards():
            inside = ["connection up", "client up", "client down", "connection down"]
            assert SEEN == ["sync up", *inside, *inside, "sync down"]
        """
    )
    assert outcomes(run("-W", "error")) == {"test_it": "passed", "test_afterwards": "passed"}


@pytest.mark.parametrize("mode, marker", [("strict", ASYNC), ("auto", "@pytest.fixture")])
def test_who_marks_async_fixtures(suite: Suite, run: Run, mode: str, marker: str) -> None:
    suite(
        f"""
        {marker}(params=[1, 2])
        async def number(request):
            await asyncio.sleep(1)
            return request.param

        {marker}(autouse=True)
        async def around():
            task = asyncio.create_task(asyncio.sleep(3600))
            yield
            task.cancel()

        class TestClass:
            {marker}
            async def own(self, number):
                return self, number

            @pytest.mark.spectest(runs=5)
            async def test_method(self, own, number):
                assert own == (self, number)

        @spectest.explored(runs=5)
        async def test_decorated(number):
            assert number == 1

        @pytest.mark.asyncio
        async def test_theirs(number):
            assert number in (1, 2)
        """.replace("\n        ", "\n"),
        mode=mode,
    )
    found = outcomes(run("-W", "error"))
    assert found.pop("test_decorated[2]") == "failed"
    assert set(found.values()) == {"passed"}
    assert len(found) == 5


def test_plain_async_fixtures_without_pytest_asyncio(suite: Suite, run: Run) -> None:
    pytester = suite(
        """
        @pytest.fixture
        async def value():
            await asyncio.sleep(1)
            yield 7

        @pytest.mark.spectest(runs=5)
        async def test_it(value):
            assert value == 7
        """
    )
    pytester.makefile(".ini", pytest="[pytest]\n")
    assert outcomes(run("-p", "no:asyncio")) == {"test_it": "passed"}


def test_teardown_after_a_failure(suite: Suite, run: Run) -> None:
    suite(
        """
        OPEN = []

        @pytest_asyncio.fixture
        async def first():
            OPEN.append("first")
            yield
            await asyncio.sleep(0)
            OPEN.remove("first")

        @pytest_asyncio.fixture
        async def broken(first):
            raise OSError("no connection")

        @pytest_asyncio.fixture
        async def careless(first):
            yield
            raise RuntimeError("of the teardown")

        @pytest.mark.spectest(runs=5)
        async def test_fails(first):
            assert await race() == ["second"]

        @pytest.mark.spectest(runs=5)
        async def test_setup_fails(broken):
            pass

        @pytest.mark.spectest(runs=5)
        async def test_both_fail(careless):
            raise ValueError("of the test")

        @pytest.mark.spectest(runs=5)
        async def test_teardown_fails(careless):
            pass

        @pytest.mark.spectest(runs=5)
        async def test_blocks(first):
            await asyncio.Event().wait()

        def test_afterwards():
            assert OPEN == []
        """
    )
    result = run()
    assert outcomes(result) == {
        "test_fails": "failed",
        "test_setup_fails": "failed",
        "test_both_fail": "failed",
        "test_teardown_fails": "failed",
        "test_blocks": "failed",
        "test_afterwards": "passed",
    }
    result.stdout.fnmatch_lines(
        [
            "*OSError: no connection*",
            "*ValueError: of the test*",
            "*afterwards, the teardown of a fixture raised RuntimeError('of the teardown')*",
            "*RuntimeError: of the teardown*",
            "*Deadlock: nothing can run any more*",
        ]
    )


@pytest.mark.parametrize("scope", ["class", "module", "session"])
def test_wider_scopes_are_refused(suite: Suite, run: Run, scope: str) -> None:
    suite(
        f"""
        @pytest_asyncio.fixture(scope="{scope}", loop_scope="{scope}")
        async def shared():
            yield asyncio.get_running_loop()

        @pytest.fixture
        def indirect(shared):
            return shared

        @pytest.mark.asyncio(loop_scope="{scope}")
        async def test_theirs(shared):
            assert shared is asyncio.get_running_loop()

        @pytest.mark.spectest
        async def test_ours(indirect):
            pass
        """.replace("\n        ", "\n")
    )
    result = run()
    assert outcomes(result) == {"test_theirs": "passed", "test_ours": "failed in setup"}
    result.stdout.fnmatch_lines(
        [
            f"*UsageError: test_it.py::test_ours uses*'shared' of scope '{scope}'*",
            "*Give the fixture function scope*",
        ]
    )


def test_a_placeholder_says_what_it_is(suite: Suite, run: Run) -> None:
    suite(
        """
        @pytest_asyncio.fixture
        async def connection():
            return object()

        @pytest.fixture
        def by_name(request):
            return request.getfixturevalue("connection").cursor

        @pytest.mark.spectest
        async def test_it(by_name):
            pass
        """
    )
    result = run()
    assert outcomes(result) == {"test_it": "failed in setup"}
    result.stdout.fnmatch_lines(
        ["*fixture 'connection' is set up inside each execution*`.cursor` is out of reach*"]
    )


def test_fixtures_of_anyio_are_left_to_anyio(suite: Suite, run: Run) -> None:
    suite(
        """
        @pytest.fixture
        async def value():
            return 7

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.mark.anyio
        async def test_theirs(value):
            assert value == 7

        @pytest.mark.anyio
        @pytest.mark.spectest(runs=5)
        async def test_both(value):
            assert value == 7
        """
    )
    assert outcomes(run(quiet=())) == {"test_theirs": "passed", "test_both": "passed"}
