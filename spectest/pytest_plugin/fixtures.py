"""Async fixtures of an explored test live and die inside each execution, on its virtual loop.

pytest sets fixtures up once for each test. A sync fixture may stay so; an async one is made of
tasks, locks and timeouts of one loop, and every execution has its own. So pytest is given a
placeholder, and each execution sets the fixtures up for itself, in the order in which pytest asked
for them, and tears them down in the opposite one. A sync fixture that uses an async one goes along.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Sequence
from typing import Any

import pytest

__all__ = ["Deferred", "call", "deferring", "refuse_wider_scopes"]


class Deferred:
    """Stands for the value of a fixture until an execution sets it up."""

    def __init__(self, name: str, function: Callable[..., Any], arguments: dict[str, Any]) -> None:
        self._name = name
        self._function = function
        self._arguments = arguments

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise pytest.UsageError(
            f"fixture {self._name!r} is set up inside each execution of the explored test, so "
            f"`.{name}` is out of reach here.\n"
            "Name the fixture as a parameter instead of asking request.getfixturevalue for it."
        )

    async def set_up(self, values: dict[Deferred, Any], teardowns: list[Any]) -> None:
        """Put the value into `values`; what has to be torn down goes to `teardowns`."""
        result = self._function(**_filled(self._arguments, values))
        if inspect.isasyncgen(result):
            values[self] = await anext(result)
            teardowns.append(result)
        elif inspect.isgenerator(result):
            values[self] = next(result)
            teardowns.append(result)
        elif inspect.isawaitable(result):
            values[self] = await result
        else:
            values[self] = result


async def call(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    fixtures: Sequence[Deferred],
) -> None:
    """One execution of an async test, its fixtures around it."""
    values: dict[Deferred, Any] = {}
    teardowns: list[Any] = []
    try:
        for fixture in fixtures:
            await fixture.set_up(values, teardowns)
        await function(*args, **_filled(kwargs, values))
    except GeneratorExit:
        raise
    except BaseException as error:
        await _tear_down(teardowns, error)
        raise
    await _tear_down(teardowns, None)


async def _tear_down(teardowns: list[Any], earlier: BaseException | None) -> None:
    """All of them, last first. The first error counts; later ones are notes on it."""
    error = earlier
    for generator in reversed(teardowns):
        try:
            await _finish(generator)
        except Exception as late:
            if error is None:
                error = late
            else:
                error.add_note(f"afterwards, the teardown of a fixture raised {late!r}")
    if error is not None and earlier is None:
        raise error


async def _finish(generator: Any) -> None:
    try:
        if inspect.isasyncgen(generator):
            await anext(generator)
        else:
            next(generator)
    except (StopAsyncIteration, StopIteration):
        return
    raise pytest.UsageError(f"fixture {generator.__name__!r} yields more than once")


def _filled(arguments: dict[str, Any], values: dict[Deferred, Any]) -> dict[str, Any]:
    return {
        name: values[value] if isinstance(value, Deferred) else value
        for name, value in arguments.items()
    }


def deferring(
    fixturedef: pytest.FixtureDef[Any],
    request: pytest.FixtureRequest,
    deferred: list[Deferred],
) -> Generator[None, Any, Any]:
    """The body of `pytest_fixture_setup` for an explored async test.

    pytest-asyncio and anyio look at the function of the fixture; while they do, it is a sync one
    that returns the placeholder.
    """
    from _pytest.fixtures import resolve_fixture_function

    if fixturedef.scope != "function" or not _belongs_inside(fixturedef, request):
        return (yield)
    function = resolve_fixture_function(fixturedef, request)

    def placeholder(**arguments: Any) -> Deferred:
        fixture = Deferred(fixturedef.argname, function, arguments)
        deferred.append(fixture)
        return fixture

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fixturedef, "func", placeholder)
        return (yield)


def _belongs_inside(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> bool:
    if _is_async(fixturedef) or _is_of_pytest_asyncio(fixturedef):
        return True
    return any(isinstance(request.getfixturevalue(name), Deferred) for name in fixturedef.argnames)


def _is_async(fixturedef: pytest.FixtureDef[Any]) -> bool:
    function = fixturedef.func
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def _is_of_pytest_asyncio(fixturedef: pytest.FixtureDef[Any]) -> bool:
    function = getattr(fixturedef.func, "__func__", fixturedef.func)
    return bool(getattr(function, "_force_asyncio_fixture", False))


def refuse_wider_scopes(item: pytest.Function) -> None:
    """Fail the setup of an explored async test that needs an async fixture of a real loop."""
    for name, fixturedefs in item._fixtureinfo.name2fixturedefs.items():
        fixturedef = fixturedefs[-1]
        if fixturedef.scope != "function" and _is_async(fixturedef):
            pytest.fail(
                f"UsageError: {item.nodeid} uses the async fixture {name!r} of scope "
                f"{fixturedef.scope!r}.\n"
                "It lives on a real event loop and outlives the test, while every execution of an "
                "explored test has a virtual loop of its own.\n"
                "Give the fixture function scope (it is then set up inside each execution), or "
                "override it near this test with a sync or a function-scoped one.",
                pytrace=False,
            )
