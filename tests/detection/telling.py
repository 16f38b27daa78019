"""Pipelines of tests tell of branches and decisions as any library may: through the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from spectest.services import FakeService

__all__ = ["Told", "branch", "tell"]

_STEPS = logging.getLogger("spectest.patterns.steps")


def tell(kind: str, **fields: Any) -> None:
    _STEPS.debug("%s", kind, extra={"speculation": {"kind": kind, **fields}})


class Told:
    """A race that says who takes part and who has won."""

    def __init__(self, detail: str = "race") -> None:
        self.attempts: dict[str, object] = {}
        tell("speculation", speculation=self, detail=detail)

    def branch(self, name: str, valid: Callable[[Any], bool] = bool) -> Any:
        return branch(name, valid, self)

    def decides(self, name: str | None, value: Any = None) -> None:
        tell("decision", speculation=self, attempt=self.attempts.get(name or ""), value=value)

    def dismisses(self, name: str) -> None:
        tell("cancel", speculation=self, attempt=self.attempts[name])

    def records(self, **record: Any) -> None:
        tell("record", speculation=self, record=record)


def branch(name: str, valid: Callable[[Any], bool] = bool, of: Told | None = None) -> Any:
    """Decorates a coroutine function or a function: each call is an attempt of this branch."""

    def decorate(function: Any) -> Any:
        if asyncio.iscoroutinefunction(function) or isinstance(function, FakeService):

            async def awaited(*args: Any) -> Any:
                me = _begins(name, of)
                try:
                    value = await function(*args)
                except BaseException as error:
                    _fails(me, error)
                    raise
                return _answers(me, value, valid)

            return awaited

        def called(*args: Any) -> Any:
            me = _begins(name, of)
            try:
                value = function(*args)
            except BaseException as error:
                _fails(me, error)
                raise
            return _answers(me, value, valid)

        return called

    return decorate


def _begins(name: str, of: Told | None) -> object:
    me = object()
    if of is not None:
        of.attempts[name] = me
    tell("attempt", attempt=me, branch=name, speculation=of)
    return me


def _fails(me: object, error: BaseException) -> None:
    cancelled = isinstance(error, asyncio.CancelledError)
    how = "cancelled" if cancelled else f"raised {type(error).__name__}: {error}"
    tell("outcome", attempt=me, detail=how)


def _answers(me: object, value: Any, valid: Callable[[Any], bool]) -> Any:
    tell("outcome", attempt=me, detail="valid" if valid(value) else "invalid", value=value)
    return value
