"""Makes a service of a real client's method, by name, for as long as a block lasts."""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
from collections.abc import Callable
from typing import Any

from spectest.errors import UsageError
from spectest.services.service import FakeService

__all__ = ["patch"]


class patch(contextlib.ContextDecorator):  # noqa: N801  # read like a function, as in unittest.mock
    """While the block lasts, calls of `target` are calls of a `FakeService`.

    `target`: the dotted name of a function or method, such as "app.llm.Client.complete". A
    coroutine function becomes the awaited face, any other the blocking one.
    `name`: of the service; by default the last part of `target`.
    `options`: those of `FakeService`. The request of a method begins with `self`. Without an
    `answer`, the real function is called when the service is done, and so takes its own time, too.

    Also a decorator, of coroutine functions, too. The block is given the service, for its ledger.
    Raises `UsageError` if there is no such function. Whatever happens in the block, the real
    function is back afterwards.
    """

    def __init__(self, target: str, *, name: str | None = None, **options: Any) -> None:
        self._target = target
        self._name = name
        self._options = options
        self._put_back: list[Callable[[], None]] = []

    def __enter__(self) -> FakeService:
        owner, attribute = _owner_of(self._target)
        stored = inspect.getattr_static(owner, attribute)
        function = stored.__func__ if isinstance(stored, staticmethod | classmethod) else stored
        if not inspect.isfunction(function) or inspect.isasyncgenfunction(function):
            raise UsageError(
                f"patch({self._target!r}): {type(function).__name__} is not a function; name a "
                "function or a method that is written in Python and does not yield"
            )
        service = FakeService(self._name or attribute, **{"answer": function, **self._options})
        replacement: Any = _face(function, service)
        if isinstance(stored, staticmethod | classmethod):
            replacement = type(stored)(replacement)
        if attribute in vars(owner):
            self._put_back.append(functools.partial(setattr, owner, attribute, stored))
        else:
            self._put_back.append(functools.partial(delattr, owner, attribute))
        setattr(owner, attribute, replacement)
        return service

    def __exit__(self, *_: object) -> None:
        self._put_back.pop()()

    def __call__(self, function: Any) -> Any:
        if not inspect.iscoroutinefunction(function):
            return super().__call__(function)

        @functools.wraps(function)
        async def patched(*args: Any, **kwargs: Any) -> Any:
            with self:
                return await function(*args, **kwargs)

        return patched


def _face(function: Any, service: FakeService) -> Any:
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            return await service(*args, **kwargs)

        return awaited

    @functools.wraps(function)
    def blocking(*args: Any, **kwargs: Any) -> Any:
        return service.blocking(*args, **kwargs)

    return blocking


def _owner_of(target: str) -> tuple[Any, str]:
    """The module or class that has the last part of the dotted name `target`."""
    path, _, attribute = str(target).rpartition(".")
    if not path or not attribute:
        raise UsageError(f"patch({target!r}): name a function by module, such as 'app.llm.ask'")
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        module = ".".join(parts[:length])
        try:
            owner: Any = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise
            continue
        for part in parts[length:]:
            owner = getattr(owner, part, None)
        if owner is None or not hasattr(owner, attribute):
            break
        return owner, attribute
    raise UsageError(f"patch({target!r}): there is no such function")
