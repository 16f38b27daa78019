"""State in memory: objects, the globals of modules, the environment, context variables."""

from __future__ import annotations

import asyncio
import os
import sys
from _thread import get_ident
from collections.abc import Mapping
from contextvars import Context, ContextVar
from types import BuiltinFunctionType, FrameType, FunctionType, ModuleType
from typing import Any

from spectest.watch.structure import Structure

__all__ = ["Environment", "state_of_context", "state_of_module", "state_of_object"]

_CALLBACK = vars(asyncio.Handle)["_run"].__code__


def state_of_object(name: str, value: Any) -> Structure:
    """One object, under the name by which it is watched."""
    return Structure(lambda: {name: value})


def state_of_module(module: ModuleType, names: tuple[str, ...]) -> Structure:
    """What is assigned in a module: `names`, or all but its functions, classes and imports."""

    def roots() -> dict[str, Any]:
        return {
            f"{module.__name__}.{name}": value
            for name, value in list(vars(module).items())
            if name in names or (not names and _is_state(name, value))
        }

    return Structure(roots)


def state_of_context(variables: tuple[ContextVar[Any], ...]) -> Structure:
    """Context variables, in the context of whoever wants them to be watched.

    Outside of an event loop nobody can see into another thread's context, so there they are read
    when that thread runs again.
    """
    home, thread = _present_context(), get_ident()
    last: dict[str, Any] = {}

    def roots() -> dict[str, Any]:
        if home is not None or get_ident() == thread:
            read = _get if home is None else home.get
            held = {it: read(it, last) for it in variables}
            found = {f"context variable {it.name}": one for it, one in held.items()}
            last.clear()
            last.update((path, one) for path, one in found.items() if one is not last)
        return dict(last)

    return Structure(roots)


def _get(variable: ContextVar[Any], default: Any) -> Any:
    return variable.get(default)


def _is_state(name: str, value: Any) -> bool:
    return not name.startswith("__") and not isinstance(
        value, ModuleType | FunctionType | BuiltinFunctionType | type
    )


class Environment:
    """`os.environ` and the current directory."""

    def __init__(self) -> None:
        self._before: tuple[dict[Any, Any], str] | None = None

    def look(self) -> Mapping[str, str] | None:
        # The mapping behind, which is compared without decoding anything.
        now = dict(vars(os.environ)["_data"]), _directory()
        if now == self._before:
            return None
        self._before = now
        variables = {f"os.environ[{name!r}]": repr(value) for name, value in os.environ.items()}
        return variables | {"os.getcwd()": repr(now[1])}

    def close(self) -> None:
        """Nothing to give back."""


def _directory() -> str:
    try:
        return os.getcwd()  # noqa: PTH109  # at each line, as a string
    except OSError:
        return ""  # Somebody has removed it.


def _present_context() -> Context | None:
    """The context in which the event loop runs the present callback; None outside of a loop."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code is not _CALLBACK:
        frame = frame.f_back
    if frame is None:
        return None
    names = frame.f_locals
    handle = names.get("self")
    if sys.version_info < (3, 13):
        names.clear()
    context: Context | None = getattr(handle, "_context", None)
    return context
