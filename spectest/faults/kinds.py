"""The kinds of faults that a call of a service can meet.

Each is an immutable value that says what happens, to whom, how often and when. What it does to a
call is up to the service; nothing here knows one.
"""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from fnmatch import fnmatchcase
from typing import Any

from spectest.errors import UsageError

__all__ = [
    "Duplicate",
    "Fault",
    "Hang",
    "Raise",
    "RateLimit",
    "RateLimited",
    "Reset",
    "SlowStart",
    "WrongAnswer",
    "check_number",
]


class RateLimited(ConnectionError):
    """A service asks its caller to come back later. `retry_after`: in how many seconds."""

    def __init__(self, message: str = "too many requests", retry_after: float = 0.0) -> None:
        super().__init__(message, retry_after)
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.args[0]}, retry after {self.retry_after:g} s"


@dataclass(frozen=True, kw_only=True, repr=False)
class Fault:
    """Something that can go wrong with one call; base of all kinds.

    `on`: the names of the services it may hit, with `*` and `?` as in file names.
    `times`: how often in one execution at most; None: no limit.
    `after`, `before`: only calls that begin in this window, in virtual seconds.
    `when`: only requests for which this returns true; it is given what the service was given.
    `rate`: the probability with which it hits a call where latencies are sampled. A search does not
    ask for probabilities.
    """

    on: str = "*"
    times: int | None = 1
    after: float = 0.0
    before: float = math.inf
    when: Callable[..., bool] | None = None
    rate: float = 0.0

    def __post_init__(self) -> None:
        self._check("after", self.after)
        name: Any = self.on
        if not isinstance(name, str) or not name:
            raise UsageError(f"{self._kind}: on={self.on!r} must be the name of a service, or 'a*'")
        whole = type(self.times) is int and self.times >= 1
        if self.times is not None and not whole:
            raise UsageError(
                f"{self._kind}: times={self.times!r} must be a whole number, 1 or more, or None "
                "for no limit"
            )
        if not _is_number(self.before) or self.before <= self.after:
            raise UsageError(
                f"{self._kind}: before={self.before!r} must be a number of seconds greater than "
                f"after={self.after!r}"
            )
        if not _is_number(self.rate) or not 0 <= self.rate <= 1:
            raise UsageError(f"{self._kind}: rate={self.rate!r} must be a probability, 0 to 1")
        when: Any = self.when
        if when is not None and (not callable(when) or inspect.iscoroutinefunction(when)):
            raise UsageError(
                f"{self._kind}: when={_shown(when)} must be a plain function of the request"
            )

    def __repr__(self) -> str:
        shown = [
            f"{it.name}={_shown(getattr(self, it.name))}"
            for it in fields(self)
            if it.default is MISSING or getattr(self, it.name) != it.default
        ]
        return f"{self._kind}({', '.join(shown)})"

    @property
    def says(self) -> str:
        """What happens to a call, as a predicate."""
        raise NotImplementedError

    @property
    def label(self) -> str:
        """Whom it may hit, and what happens: the same in every process."""
        return f"{self.on} {self.says}"

    def hits(self, service: str, now_s: float, args: tuple[Any, ...], kwargs: Any) -> bool:
        """Whether it may hit this call. Raises `UsageError` if `when` raises."""
        if not self.after <= now_s < self.before or not fnmatchcase(service, self.on):
            return False
        if self.when is None:
            return True
        try:
            return bool(self.when(*args, **kwargs))
        except Exception as error:
            raise UsageError(
                f"{self!r}: `when` raised {type(error).__name__}: {error}.\n"
                f"It is given the request of each call of {service} and returns whether the fault "
                "may hit it."
            ) from error

    @property
    def _kind(self) -> str:
        return type(self).__name__

    def _check(self, name: str, value: Any) -> None:
        check_number(f"{self._kind}: {name}", value)


@dataclass(frozen=True, repr=False)
class Raise(Fault):
    """The call takes its time and raises `error`, an exception or a class of them.

    The service has not worked it off, and no effect is written.
    """

    error: BaseException | type[BaseException]

    def __post_init__(self) -> None:
        super().__post_init__()
        error: Any = self.error
        named = error if isinstance(error, type) else type(error)
        if not issubclass(named, BaseException):
            raise UsageError(f"Raise: error={error!r} must be an exception or a class of them")
        if issubclass(named, KeyboardInterrupt | SystemExit | GeneratorExit):
            raise UsageError(
                f"Raise: error={_shown(error)} would end the search itself; a service raises "
                "ordinary exceptions"
            )
        if error is named:
            try:
                error()
            except TypeError:
                raise UsageError(
                    f"Raise: error={_shown(error)} cannot be made without arguments; "
                    "give an instance of it"
                ) from None

    @property
    def says(self) -> str:
        named = self.error if isinstance(self.error, type) else type(self.error)
        return f"raises {named.__name__}"

    def make(self) -> BaseException:
        """The exception to raise, a fresh one each time where that is possible."""
        if isinstance(self.error, type):
            return self.error()
        try:
            error = copy.copy(self.error)
        except TypeError:  # Its constructor takes other arguments than it keeps.
            error = self.error
        error.__cause__ = error.__context__ = None
        return error.with_traceback(None)


@dataclass(frozen=True, repr=False)
class Hang(Fault):
    """The call never ends. It holds its connection and its place in the service."""

    @property
    def says(self) -> str:
        return "hangs"


@dataclass(frozen=True, repr=False)
class Reset(Fault):
    """The connection breaks when part of the work is done: `ConnectionResetError`.

    `at`: after which part of the call's latency, 0 to 1. The effect has been written, and the
    ledger calls it partial.
    """

    at: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not _is_number(self.at) or not 0 <= self.at <= 1:
            raise UsageError(f"Reset: at={self.at!r} must be a part of the latency, 0 to 1")

    @property
    def says(self) -> str:
        return "is reset after partial work"


@dataclass(frozen=True, repr=False)
class SlowStart(Fault):
    """The service has to warm up: the call takes `extra` seconds more."""

    extra: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("extra", self.extra)

    @property
    def says(self) -> str:
        return f"starts {self.extra:g} s late"


@dataclass(frozen=True, repr=False)
class WrongAnswer(Fault):
    """The call answers something else: `answer`, or what that returns for the request."""

    answer: Any = None

    @property
    def says(self) -> str:
        return "gives a wrong answer"


@dataclass(frozen=True, repr=False)
class Duplicate(Fault):
    """The request is delivered twice: its effect is written again, `later` seconds afterwards."""

    later: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("later", self.later)

    @property
    def says(self) -> str:
        return "is delivered twice"


@dataclass(frozen=True, repr=False)
class RateLimit(Fault):
    """The service refuses at once: `RateLimited` with `retry_after` seconds."""

    retry_after: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("retry_after", self.retry_after)

    @property
    def says(self) -> str:
        return f"is rate limited, retry after {self.retry_after:g} s"


def _shown(value: Any) -> str:
    """Like `repr`, but functions and classes by name: an address differs from run to run."""
    named = inspect.isroutine(value) or isinstance(value, type)
    return str(value.__qualname__) if named else repr(value)


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and not math.isnan(value)


def check_number(called: str, value: Any) -> float:
    """`value`, seconds: 0 or more and finite; else a `UsageError` about `called`."""
    if not _is_number(value) or not 0 <= value < math.inf:
        raise UsageError(f"{called}={value!r} must be a number of seconds, 0 or more, and finite")
    return float(value)
