"""A script says how jobs go and in which order they finish; what it cannot mean is refused at once.

A test speaks of a job as it knows it: by its function, the function's name, that name with a count
(`ask#2`, the second submission of `ask`), or the number of the submission. Counting starts at 1. A
job follows the most exact entry: its number, then its counted name, its function, its name.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from spectest.errors import UsageError

__all__ = ["Call", "Job", "Key", "Part", "Script", "is_seconds", "shown_key"]

Key: TypeAlias = int | str | Callable[..., Any]

_MOST_NAMES = 10


@dataclass(frozen=True, slots=True)
class Job:
    """How a job goes. Without arguments: its function is called, and it takes no fake time.

    `delay`: how long it takes, in fake seconds; at its end the function is called.
    `raises`: an exception, or a class of them, raised instead of calling the function.
    `never`: it is taken up and never finishes; its function is not called.
    """

    delay: float = 0.0
    raises: BaseException | type[BaseException] | None = None
    never: bool = False

    def __post_init__(self) -> None:
        if not is_seconds(self.delay):
            raise UsageError(f"delay={self.delay!r} must be a number of seconds, 0 or more, finite")
        if not isinstance(self.never, bool):
            raise UsageError(f"never={self.never!r} must be True or False")
        if self.raises is not None and not _is_exception(self.raises):
            raise UsageError(f"raises={self.raises!r} must be an exception or a class of them")
        if self.never and (self.raises is not None or self.delay):
            raise UsageError("a job that never finishes has no delay and raises nothing")


@dataclass(frozen=True, slots=True)
class Call:
    """A job that was run: a line of `ScriptedExecutor.calls`.

    `name`: the function's name and the count of its submissions, `ask#2`.
    `args`, `kwargs`: as submitted.
    `outcome`: "returned", "raised" or, for one that has not come to its end, "running".
    `value`: what it returned or raised; None while running.
    `start`, `finish`: when it was taken up and when it ended, in fake seconds; `finish` is None
    while running.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    outcome: Literal["returned", "raised", "running"]
    value: Any
    start: float
    finish: float | None

    def __str__(self) -> str:
        arguments = [*map(repr, self.args), *(f"{key}={self.kwargs[key]!r}" for key in self.kwargs)]
        text = f"{self.name}({', '.join(arguments)})"
        if self.finish is None:
            return f"{text} running since {self.start:g} s"
        return f"{text} {self.outcome} {self.value!r}, {self.start:g} s to {self.finish:g} s"


@dataclass(frozen=True, slots=True)
class Part:
    """What the script says of one submission: its name, its job, its place in the order if any."""

    number: int
    name: str
    job: Job
    place: int | None


class Script:
    """The jobs and the order of one executor, and which of their keys found a submission."""

    def __init__(self, jobs: Mapping[Any, Job] | None, order: Sequence[Key] | None) -> None:
        self._jobs = _checked_jobs({} if jobs is None else jobs)
        self.order = _checked_order(() if order is None else order)
        self.submitted: list[str] = []
        self._counts: dict[str, int] = {}
        self._followed: set[Key] = set()
        self._places: set[int] = set()

    def part_for(self, function: Callable[..., Any]) -> Part:
        """The part of one more submission."""
        inner = _unwrapped(function)
        base = _name_of(inner)
        self._counts[base] = self._counts.get(base, 0) + 1
        name = f"{base}#{self._counts[base]}"
        self.submitted.append(name)
        number = len(self.submitted)
        keys = [key for key in (number, name, inner, base) if _is_hashable(key)]
        place = next((self.order.index(key) for key in keys if key in self.order), None)
        if place is not None:
            self._places.add(place)
        key = next((key for key in keys if key in self._jobs), None)
        if key is None:
            return Part(number, name, Job(), place)
        self._followed.add(key)
        return Part(number, name, self._jobs[key], place)

    def is_met(self, place: int) -> bool:
        """Whether a job was submitted that has this place in the order."""
        return place in self._places

    def shown(self, place: int) -> str:
        """The key at a place of the order, and whether a job goes by it."""
        missing = "" if self.is_met(place) else ", which was not submitted"
        return f"{shown_key(self.order[place])}{missing}"

    def check_met(self) -> None:
        """A key that no submission followed is a `UsageError`."""
        strays = [
            f"`script` has {shown_key(key)}" for key in self._jobs if key not in self._followed
        ]
        strays += [
            f"`order` has {shown_key(key)}"
            for place, key in enumerate(self.order)
            if place not in self._places
        ]
        if strays:
            raise UsageError(
                f"{'; '.join(strays)}: no job of this executor goes by that.\n"
                f"{self._what_was_submitted()}\n"
                "What is said of no job tests nothing.\n"
                "Use a function or its name, `name#2` for its second submission, or the number of "
                "a submission, from 1."
            )

    def _what_was_submitted(self) -> str:
        if not self.submitted:
            return "Nothing was submitted."
        names = ", ".join(self.submitted[:_MOST_NAMES])
        left = len(self.submitted) - _MOST_NAMES
        return f"Submitted: {names}{f' and {left} more' if left > 0 else ''}."


def is_seconds(value: object) -> bool:
    """Whether it is a finite number, 0 or more."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return 0 <= value < math.inf


def _is_exception(value: object) -> bool:
    if isinstance(value, type):
        return issubclass(value, BaseException)
    return isinstance(value, BaseException)


def _is_hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _unwrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _name_of(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def shown_key(key: Key) -> str:
    """The key for people: a function by its name."""
    return repr(key) if isinstance(key, int | str) else _name_of(key)


def _checked_jobs(jobs: Any) -> dict[Key, Job]:
    if not isinstance(jobs, Mapping):
        raise UsageError(f"script={jobs!r} must be a dictionary of jobs, such as {{'ask': Job()}}")
    for key, job in jobs.items():
        _check_key("script", key)
        if not isinstance(job, Job):
            raise UsageError(f"`script` has {job!r} for {shown_key(key)}; it must be a Job")
    return dict(jobs)


def _checked_order(order: Any) -> tuple[Key, ...]:
    if not isinstance(order, list | tuple):
        raise UsageError(f"order={order!r} must be a list of jobs")
    for place, key in enumerate(order):
        _check_key("order", key)
        if key in order[:place]:
            raise UsageError(f"`order` has {shown_key(key)} twice; a job finishes once")
    return tuple(order)


def _check_key(where: str, key: Any) -> None:
    if isinstance(key, int):
        fits = not isinstance(key, bool) and key >= 1
    else:
        fits = _is_hashable(key) and (isinstance(key, str) or callable(key))
    if not fits:
        raise UsageError(
            f"`{where}` has {key!r}, which is no name of a job; use a function, its name, "
            "`name#2` for its second submission, or the number of a submission, from 1"
        )
