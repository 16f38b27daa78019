"""Tasks and futures of the virtual loop: stock C objects with a hash by number of creation."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spectest.eventloop.loop import VirtualEventLoop

__all__ = ["VirtualFuture", "VirtualTask"]


class VirtualFuture(asyncio.Future):  # type: ignore[type-arg]
    """A future that reports failures nobody asked for to its loop."""

    _hash: int

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:
            loop: VirtualEventLoop = self.get_loop()  # type: ignore[assignment]
            self._hash = loop.identities.next_hash()
            return self._hash

    def set_exception(self, exception: type | BaseException, /) -> None:
        super().set_exception(exception)
        loop: VirtualEventLoop = self.get_loop()  # type: ignore[assignment]
        if loop.quiet:
            loop.failed_futures.append(self)


class VirtualTask(asyncio.Task):  # type: ignore[type-arg]
    """A task whose place in sets is a choice, and who knows its number of creation."""

    _hash: int
    number: int

    def __hash__(self) -> int:
        # The first to ask is asyncio's own set of all tasks, while the task is being created.
        try:
            return self._hash
        except AttributeError:
            loop: VirtualEventLoop = self.get_loop()  # type: ignore[assignment]
            self.number = loop.next_task_number()
            self._hash = loop.identities.next_hash(f"task {self.number}")
            return self._hash


# Programs print these objects; what they print is the same on stock asyncio.
VirtualFuture.__name__ = VirtualFuture.__qualname__ = "Future"
VirtualTask.__name__ = VirtualTask.__qualname__ = "Task"


def number_of(task: Any) -> int:
    """The number of creation of the task, -1 for None and for foreign kinds of tasks."""
    return getattr(task, "number", -1)
