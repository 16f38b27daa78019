"""Calls of an object: what was asked when, and what was answered when, for `linearizable`."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from spectest.errors import UsageError
from spectest.kernel.values import shown
from spectest.watch.present import witness_here
from spectest.watch.witness import Witness

__all__ = ["calls"]

T = TypeVar("T")
_ATOMS = (type(None), bool, int, str, bytes)


def calls(obj: T, *, name: str, methods: Iterable[str]) -> T:
    """A stand-in for `obj` that writes into the trace each call of `methods`, and what came of it.

    Methods may be plain or coroutine functions. Everything else is the object's own. An exception
    is an answer like any other; a call that was cancelled, or never returns, has none. Several
    objects of one name are told apart by number, in order of their first calls. Outside of a run
    with oracles only the object is called.

    Arguments must be plain data, since a model is called with them later: None, bool, int, finite
    float, str, bytes, and tuples, lists, sets and dicts of these. `UsageError` for others, when the
    call is made, and for a method that the object does not have.
    """
    if not isinstance(cast("Any", name), str) or not name or "#" in name:
        raise UsageError(f"calls: name={name!r} must be a few words without #, such as 'queue'")
    chosen = (methods,) if isinstance(methods, str) else tuple(methods)
    for method in chosen:
        if not callable(getattr(obj, method, None)) or method.startswith("__"):
            raise UsageError(
                f"calls {name!r}: {type(obj).__name__} has no method {method!r} that could be "
                "watched; name methods that are called as such, like 'put'"
            )
    if not chosen:
        raise UsageError(f"calls {name!r}: say which methods, such as methods=('put', 'get')")
    return cast("T", _Watched(obj, name, chosen))


class _Watched:
    """See `calls`."""

    def __init__(self, obj: Any, name: str, methods: tuple[str, ...]) -> None:
        vars(self)["_watched"] = obj, name, frozenset(methods)

    def __getattr__(self, attribute: str) -> Any:
        obj, name, methods = self._watched
        value = getattr(obj, attribute)
        if attribute not in methods:
            return value
        make = _awaited if inspect.iscoroutinefunction(value) else _made
        return lambda *args, **kwargs: make(_Call(self, f"{name}.{attribute}", value, args, kwargs))

    def __setattr__(self, attribute: str, value: Any) -> None:
        setattr(self._watched[0], attribute, value)

    def __repr__(self) -> str:
        obj, name, _ = self._watched
        return f"<{name}: {obj!r}>"


def _made(call: _Call) -> Any:
    call.invoked()
    try:
        answer = call.method(*call.args, **call.kwargs)
    except BaseException as error:
        call.raised(error)
        raise
    if inspect.iscoroutine(answer):
        return _rest(call, answer)
    call.returned(answer)
    return answer


async def _awaited(call: _Call) -> Any:
    call.invoked()
    return await _rest(call, call.method(*call.args, **call.kwargs))


async def _rest(call: _Call, coroutine: Any) -> Any:
    try:
        answer = await coroutine
    except BaseException as error:
        call.raised(error)
        raise
    call.returned(answer)
    return answer


@dataclass
class _Call:
    """One call of a method of `of`, whose `name` is "queue.put"."""

    of: _Watched
    name: str
    method: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    witness: Witness | None = None
    label: str = ""

    def invoked(self) -> None:
        self.witness = witness = witness_here()
        if witness is None:
            return
        try:
            given = [_plain(one) for one in self.args]
            given += [f"{key}={_plain(one)}" for key, one in self.kwargs.items()]
        except _NotPlainError as found:
            misuse = self._misuse(found.args[0])
            witness.looks.misuse = witness.looks.misuse or misuse
            raise misuse from None
        owner, _, method = self.name.rpartition(".")
        self.label = witness.count_of(witness.label_of(self.of, owner))
        witness.emit("invoke", self.label, f"{method}({', '.join(given)})")

    def returned(self, answer: Any) -> None:
        self._responds(f"returned {shown(answer)}")

    def raised(self, error: BaseException) -> None:
        if isinstance(error, asyncio.CancelledError | CancelledError | GeneratorExit):
            self._responds("cancelled")
        elif isinstance(error, Exception):
            self._responds(f"raised {type(error).__name__}")

    def _responds(self, detail: str) -> None:
        if self.witness is not None:
            self.witness.emit("respond", self.label, detail)

    def _misuse(self, value: Any) -> UsageError:
        return UsageError(
            f"{self.name}() was called with {shown(value)}, which is no "
            "plain data, so a model could not be given it.\nWatch a method whose arguments are "
            "None, bool, int, finite float, str, bytes, or tuples, lists, sets and dicts of these."
        )


class _NotPlainError(Exception):
    """With the value that is none."""


def _plain(value: Any) -> str:
    """The literal for `value`."""
    kind = type(value)
    if kind in _ATOMS or (kind is float and math.isfinite(value)):
        return repr(value)
    if kind is dict:
        return "{" + ", ".join(f"{_plain(k)}: {_plain(v)}" for k, v in value.items()) + "}"
    if kind is set and value:
        return "{" + ", ".join(sorted(map(_plain, value))) + "}"
    inside = ", ".join(_plain(one) for one in value) if kind in (list, tuple) else ""
    if kind is list:
        return f"[{inside}]"
    if kind is tuple:
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    raise _NotPlainError(value)
