"""A branch: one way to an answer, with what is needed to run it beside others and to end it.

`Branch` is for `speculate`. The decorator `branch` is for pipelines that race by other means: it
tells who listens what the function does, and changes nothing else.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, Self, TypeVar, cast

from spectest.patterns.serving import SERVING
from spectest.patterns.telling import ending_of, tell_attempt, tell_outcome, telling

__all__ = ["Branch", "Valid", "branch", "checked"]

R_co = TypeVar("R_co", covariant=True)
R = TypeVar("R")
P = ParamSpec("P")
Valid = Callable[[Any], object]


@dataclass(frozen=True)
class Branch(Generic[R_co]):
    """One branch of a speculation.

    `call(inputs)`, or `call(inputs, client)` with a client, returns the answer: a coroutine
    function in asyncio, a plain function in pools. `valid(answer)` says whether the answer counts;
    without it, whatever is returned does. `timeout` is in seconds from the launch, a wait in the
    queue of a pool included. `client()` opens the client of one attempt, which is closed when the
    attempt ends in any way, by the first of these that it has: `aclose()` (asyncio only),
    `shutdown(...)` without waiting, `close()`.
    """

    name: str
    call: Callable[..., R_co]
    valid: Valid | None = None
    timeout: float | None = None
    client: Callable[[], Any] | None = None

    def __post_init__(self) -> None:
        if not (self.name and isinstance(self.name, str)):
            raise TypeError(f"a branch has a name, a text that is not empty, and not {self.name!r}")
        _check_call(self.name, self.call)
        for what, function in (("valid", self.valid), ("client", self.client)):
            if function is not None and not callable(function):
                raise TypeError(f"branch {self.name!r}: {what} is {function!r}; pass a function")
        if inspect.iscoroutinefunction(self.valid):
            raise TypeError(
                f"branch {self.name!r}: valid is a coroutine function; it must be plain"
            )
        if self.timeout is not None and not (math.isfinite(self.timeout) and self.timeout > 0):
            raise ValueError(
                f"branch {self.name!r}: timeout is {self.timeout!r}; it is seconds, more than 0"
            )


def checked(branches: Sequence[Branch[R]]) -> tuple[Branch[R], ...]:
    """The branches as a tuple, if they can be told apart and there is one."""
    found = tuple(branches)
    if not found:
        raise ValueError("there are no branches; pass at least one Branch")
    for one in found:
        if not isinstance(one, Branch):
            raise TypeError(f"{one!r} is no branch; pass Branch(name, function)")
    names = [one.name for one in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two branches have the name {twice[0]!r}; names tell them apart")
    return found


def branch(name: str, *, valid: Valid | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator: each call of the function is an attempt of this branch, told to who listens.

    For coroutine functions and plain functions, in any pipeline. Arguments, answer, exceptions,
    cancellation and signature stay as they are; `valid(answer)` is asked only when somebody
    listens. In a `speculate` branch of the same name it tells nothing: that is told already.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        _check_call(name, function)
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def attempt(*args: P.args, **kwargs: P.kwargs) -> Any:
                if not _tells(name):
                    return await function(*args, **kwargs)
                with _Attempt(name, valid) as told:
                    told.value = await function(*args, **kwargs)
                return told.value

            return cast("Callable[P, R]", attempt)

        @functools.wraps(function)
        def plain_attempt(*args: P.args, **kwargs: P.kwargs) -> R:
            if not _tells(name):
                return function(*args, **kwargs)
            with _Attempt(name, valid) as told:
                told.value = answer = function(*args, **kwargs)
            return answer

        return plain_attempt

    return decorate


class _Attempt:
    """Tells the beginning and the end of one call."""

    def __init__(self, name: str, valid: Valid | None) -> None:
        self.value: Any = None
        self._name = name
        self._valid = valid

    def __enter__(self) -> Self:
        tell_attempt(self, self._name, None)
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is not None:
            tell_outcome(self, self._name, ending_of(error))
        else:
            tell_outcome(self, self._name, self._judgement(), value=self.value)

    def _judgement(self) -> str:
        try:
            return "valid" if self._valid is None or self._valid(self.value) else "invalid"
        except Exception as error:  # noqa: BLE001 - the pipeline must not notice who listens
            return ending_of(error)


def _tells(name: str) -> bool:
    if not telling():
        return False
    serving = SERVING.get()
    return serving is None or serving.name != name


def _check_call(name: str, call: object) -> None:
    if inspect.isawaitable(call):
        if inspect.iscoroutine(call):
            call.close()
        raise TypeError(f"branch {name!r}: pass the coroutine function, without calling it")
    if not callable(call):
        raise TypeError(f"branch {name!r}: {call!r} is no function")
    if inspect.isasyncgenfunction(call) or inspect.isgeneratorfunction(call):
        raise TypeError(
            f"branch {name!r}: {call!r} yields, and a branch has one answer; "
            "collect what it yields in a function that returns"
        )
