"""Tasks and futures of the virtual loop: stock C objects with a hash by number of creation."""

from __future__ import annotations

import asyncio
import re
from asyncio import tasks
from typing import Any, Protocol, cast

from spectest.kernel.identity import Identities

__all__ = [
    "VirtualFuture",
    "VirtualGathering",
    "VirtualTask",
    "eager_task_factory",
    "name_by_creation",
    "number_of",
]

_STOCK_NAME = re.compile(r"Task-\d+|None")


class _Registry(Protocol):
    """What tasks and futures need of the loop that made them."""

    eager: bool
    failed_futures: list[asyncio.Future[Any]]
    identities: Identities
    quiet: bool
    task_class: type[asyncio.Task[Any]]
    task_count: int

    def next_task_number(self) -> int: ...


def _registry(future: asyncio.Future[Any]) -> _Registry:
    return cast("_Registry", future.get_loop())


class VirtualFuture(asyncio.Future):  # type: ignore[type-arg]
    """A future that reports failures nobody asked for to its loop."""

    __slots__ = ("_hash",)
    _hash: int

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:
            self._hash = _registry(self).identities.next_hash()
            return self._hash

    def set_exception(self, exception: type | BaseException, /) -> None:
        super().set_exception(exception)
        registry = _registry(self)
        if registry.quiet:
            registry.failed_futures.append(self)


class VirtualTask(asyncio.Task):  # type: ignore[type-arg]
    """A task whose place in sets is a choice, and who knows its number of creation.

    The first to ask for the hash is asyncio's own weak set of all tasks, while the task is being
    created; weak references keep that first answer. Whoever asks next wants to put the task into a
    set, and only then is its place chosen: a program without sets of tasks has nothing to choose.
    """

    __slots__ = ("_first_hash", "_hash", "number")
    _first_hash: int
    _hash: int
    number: int

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:
            pass
        registry = _registry(self)
        try:
            first = self._first_hash
        except AttributeError:
            self.number = registry.next_task_number()
            self._first_hash = first = registry.identities.next_hash()
            # asyncio's set of eager tasks is a strong one: it must find again what it was given.
            if not registry.eager:
                return first
        self._hash = first | registry.identities.choose_level(f"task {self.number}")
        return self._hash


class VirtualGathering(tasks._GatheringFuture, VirtualFuture):  # type: ignore[misc,name-defined]
    """What `asyncio.gather` returns while a world lasts, on whatever loop."""

    def __hash__(self) -> int:
        ours = hasattr(self.get_loop(), "identities")
        return VirtualFuture.__hash__(self) if ours else object.__hash__(self)

    def set_exception(self, exception: type | BaseException, /) -> None:
        ours = hasattr(self.get_loop(), "failed_futures")
        (VirtualFuture if ours else asyncio.Future).set_exception(self, exception)


# Programs print these objects; what they print is the same on stock asyncio.
VirtualFuture.__name__ = VirtualFuture.__qualname__ = "Future"
VirtualTask.__name__ = VirtualTask.__qualname__ = "Task"
VirtualGathering.__name__ = VirtualGathering.__qualname__ = "_GatheringFuture"


def number_of(task: Any) -> int:
    """The number of creation of the task, -1 for None and for foreign kinds of tasks."""
    return getattr(task, "number", -1)


def eager_task_factory(loop: Any, coro: Any, *, name: str | None = None, **kwargs: Any) -> Any:
    """Like `asyncio.eager_task_factory`; an unnamed task has its name before its first step."""
    registry: _Registry = loop
    if name is None:
        name = f"Task-{registry.task_count + 1}"
    return registry.task_class(coro, loop=loop, name=name, eager_start=True, **kwargs)  # type: ignore[call-arg,unused-ignore]


def name_by_creation(task: Any) -> None:
    """Rename a foreign kind of task that was named by the process-wide count of tasks."""
    foreign = isinstance(task, asyncio.Task) and not isinstance(task, VirtualTask)
    if foreign and _STOCK_NAME.fullmatch(task.get_name()):
        task.set_name(f"Task-{_registry(task).next_task_number()}")
