"""What a pool of a world knows of a job when it is submitted: its number, its name, its latency.

Jobs are numbered and named from the beginning in each world, so that "the third job" means the same
in every execution, whether the pool was made inside the program or before it.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar
from weakref import ref

from spectest.errors import UsageError
from spectest.executors.script import Key, is_seconds, shown_key
from spectest.kernel.clock import NANOSECONDS, seconds_to_ns
from spectest.kernel.mentions import JOBS
from spectest.threads.agents import current

__all__ = [
    "NO_TIME",
    "Interval",
    "Keys",
    "Latency",
    "PerWorld",
    "Submission",
    "Submissions",
    "checked_keys",
    "checked_latency",
    "interval_of",
    "is_named",
    "mention",
    "seconds_of",
]

T = TypeVar("T")
Keys: TypeAlias = Key | Iterable[Key]
Interval: TypeAlias = tuple[int, int, int]
Seconds: TypeAlias = float | tuple[float, float, float] | None

NO_TIME: Interval = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Submission:
    """One submitted call.

    `number`: counts the submissions of the pool, from 1. `name`: the function's name. `count`: of
    the submissions of that name, from 1. `function`: without the `partial` around it. `args`,
    `kwargs`: as submitted.
    """

    number: int
    name: str
    count: int
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    def is_among(self, keys: tuple[Key, ...]) -> bool:
        """Whether one of `keys` is its function, its name, `name#count` or its number."""
        ways = (self.number, self.name, f"{self.name}#{self.count}")
        return any(key in ways or key is self.function for key in keys)


Latency: TypeAlias = Seconds | Callable[[Submission], Seconds]
"""Seconds, or (shortest, usual, longest) of them, or a function of the submitted call; or None."""


class Submissions:
    """Numbers and names what is submitted to one pool, in one world or outside of all."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._counts: dict[str, itertools.count[int]] = {}

    def next(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Submission:
        """One more."""
        inner = _unwrapped(function)
        name = str(getattr(inner, "__name__", type(inner).__name__))
        count = next(self._counts.setdefault(name, itertools.count(1)))
        return Submission(next(self._numbers), name, count, inner, args, kwargs)


class PerWorld(Generic[T]):
    """A value that is made anew in each world, and for the time outside of all."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._world: object = self
        self._value: T | None = None

    def here(self) -> T:
        """The value of the world that the calling thread is in."""
        agent = current()
        world = None if agent is None else ref(agent.baton)
        if self._value is None or self._world != world:
            self._world, self._value = world, self._make()
        return self._value


def _unwrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    while isinstance(function, functools.partial):
        # `map` of a process pool submits chunks: what counts is the function that is mapped.
        chunk = getattr(function.func, "__name__", "") == "_process_chunk"
        function = function.args[0] if chunk and function.args else function.func
    return function


# Latencies.


def checked_latency(latency: Any) -> Latency:
    """`latency` itself, or a `UsageError`."""
    if not callable(latency):
        _interval(latency, "latency")
    return latency  # type: ignore[no-any-return]


def interval_of(latency: Latency, submission: Submission) -> Interval:
    """(shortest, usual, longest) of this job, in nanoseconds."""
    if not callable(latency):
        return _interval(latency, "latency")
    return _interval(latency(submission), f"latency({submission.name}#{submission.count})")


def seconds_of(interval_ns: Interval) -> float:
    """The usual length, in seconds."""
    return interval_ns[1] / NANOSECONDS


def _interval(latency: Any, called: str) -> Interval:
    if latency is None:
        return NO_TIME
    seconds = latency if isinstance(latency, tuple | list) else (latency,) * 3
    if len(seconds) == 3 and all(map(is_seconds, seconds)) and list(seconds) == sorted(seconds):
        shortest, usual, longest = map(seconds_to_ns, seconds)
        return shortest, usual, longest
    raise UsageError(
        f"{called}={latency!r} is not a latency.\n"
        "A job takes a number of seconds, 0 or more and finite, or something between the shortest "
        "and the longest.\n"
        "Use 0.2, or (0.1, 0.2, 0.9) for shortest, usual and longest, or a function of the "
        "submitted call that returns one of these."
    )


# Keys.


def checked_keys(setting: str, keys: Any) -> tuple[Key, ...]:
    """The jobs that `keys` names, one or several, or a `UsageError` about `setting`."""
    single = isinstance(keys, int | str) or callable(keys)
    found = (keys,) if single or not isinstance(keys, Iterable) else tuple(keys)
    for key in found:
        if isinstance(key, int):
            fits = not isinstance(key, bool) and key >= 1
        else:
            fits = isinstance(key, str) or callable(key)
        if not fits:
            raise UsageError(
                f"{setting}={keys!r} has {key!r}, which is no name of a job.\n"
                "Use a function, its name, `name#2` for its second submission, or the number of a "
                "submission, from 1; or several of these."
            )
    return tuple(_unwrapped(key) if callable(key) else key for key in found)


def mention(setting: str, keys: tuple[Key, ...]) -> None:
    """Tell the world that `setting` of a pool speaks of these jobs."""
    agent = current()
    if agent is not None:
        for key in keys:
            agent.baton.scheduler.mentions.mention(setting, shown_key(key))


def is_named(submission: Submission, setting: str, keys: tuple[Key, ...]) -> bool:
    """Whether one of `keys` is the submission; the world is told of it."""
    if not keys:
        return False
    mention(setting, keys)
    met = [key for key in keys if submission.is_among((key,))]
    agent = current()
    if agent is not None:
        mentions = agent.baton.scheduler.mentions
        mentions.meet(JOBS, submission.name)
        for key in met:
            mentions.meet(setting, shown_key(key))
    return bool(met)
