"""The pytest plugin: `@pytest.mark.spectest(runs=500)` explores the timings of a test.

Loading it loads nothing of the engine, of asyncio or of Hypothesis; a suite without explored tests
never does.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from spectest.pytest_plugin import options, results
from spectest.pytest_plugin.marks import is_explored, is_marked

__all__: list[str] = []

_MARKER = (
    "spectest(runs=200, seed=0, order='ties', ...): explore the timings of this test; "
    "the keywords are those of spectest.explore"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _MARKER)
    options.check_ini(config)
    _check_token(config.getoption("spectest_replay"))
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(results.Results(config), "spectest-results")
    if config.getoption("spectest_asyncio") or config.getini("spectest_asyncio"):
        _register_virtual_asyncio(config)


def _check_token(token: str | None) -> None:
    if token is None:
        return
    from spectest.errors import TokenError
    from spectest.kernel.token import decode

    try:
        decode(token)
    except TokenError as error:
        raise pytest.UsageError(f"--spectest-replay: {error}") from error


def _register_virtual_asyncio(config: pytest.Config) -> None:
    if not hasattr(config.hook, "pytest_asyncio_loop_factories"):
        raise pytest.UsageError(
            "spectest-asyncio needs the hook pytest_asyncio_loop_factories: install "
            "pytest-asyncio 1.4 or newer, and do not block it"
        )
    from spectest.pytest_plugin.virtual_asyncio import VirtualAsyncio

    config.pluginmanager.register(VirtualAsyncio(), "spectest-asyncio")


def pytest_report_header(config: pytest.Config) -> str | None:
    told = options.explicit(config)
    if not told:
        return None
    return "spectest: " + ", ".join(f"{name}={value}" for name, value in told.items())


# Collection.


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> Generator[None, None, None]:
    definition = metafunc.definition
    if not is_marked(definition):
        yield
        return
    from spectest.pytest_plugin.items import without_coroutine

    with without_coroutine(definition):
        yield


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pycollect_makeitem() -> Generator[None, Any, Any]:
    """Outermost, so that pytest-asyncio has had its turn."""
    found = yield
    if isinstance(found, list):
        return [_converted(node) for node in found]
    return _converted(found)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that were marked after they had been collected."""
    try:
        items[:] = [_converted(item) for item in items]
    except pytest.Collector.CollectError as error:
        raise pytest.UsageError(str(error)) from error


def _converted(node: Any) -> Any:
    if is_explored(node) or not is_marked(node):
        return node
    from spectest.pytest_plugin.items import convert

    return convert(node)


# Running.


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, Any, Any]:
    """Outermost, so that pytest-asyncio and anyio meet a sync fixture."""
    item = getattr(request, "_pyfuncitem", None)
    if not is_explored(item) or not item.is_async:
        return (yield)
    from spectest.pytest_plugin import fixtures

    return (yield from fixtures.deferring(fixturedef, request, item.deferred))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.when == "call" and is_explored(item):
        results.attach(item, call, report)
    return report
