"""Opt-in: the tests of pytest-asyncio run once, on virtual time.

Registered only when asked for, because of what its hook does to everybody else: an implementation
that returns None for a test ends the collection of all async tests. The hook returns the first
answer, so a conftest may win over this plugin; a test that believes in virtual time and sleeps an
hour must not find out by sleeping, so each one looks at its loop before it begins.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Generator, Mapping
from typing import Any

import pytest

__all__ = ["VirtualAsyncio"]


class VirtualAsyncio:
    """The plugin object behind --spectest-asyncio."""

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_asyncio_loop_factories(self) -> Mapping[str, Callable[[], Any]]:
        from spectest.eventloop.loop import VirtualEventLoop

        return {"spectest": VirtualEventLoop}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        plugin = sys.modules.get("pytest_asyncio.plugin")
        kind = getattr(plugin, "PytestAsyncioFunction", None)
        if kind is None or not isinstance(item, kind):
            yield
            return
        handle = getattr(item.obj, "hypothesis", None)
        owner, name = (item, "obj") if handle is None else (handle, "inner_test")
        with pytest.MonkeyPatch.context() as patch:
            function = getattr(owner, name)
            if inspect.iscoroutinefunction(function):
                patch.setattr(owner, name, _checked(function, item.nodeid))
            yield


def _checked(function: Callable[..., Any], nodeid: str) -> Callable[..., Any]:
    @functools.wraps(function)
    async def checked(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        import asyncio

        from spectest.eventloop.loop import VirtualEventLoop

        loop = asyncio.get_running_loop()
        if not isinstance(loop, VirtualEventLoop):
            pytest.fail(
                f"UsageError: --spectest-asyncio, but {nodeid} runs on {type(loop).__name__}: "
                "somebody else's pytest_asyncio_loop_factories answers first.\n"
                "Remove that hook, or run without --spectest-asyncio.",
                pytrace=False,
            )
        return await function(*args, **kwargs)

    return checked
