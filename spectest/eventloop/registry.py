"""The tasks and futures that a loop makes, and the list it keeps of them."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from spectest.eventloop.internals import LoopInternals
from spectest.eventloop.tasks import (
    VirtualFuture,
    VirtualTask,
    eager_task_factory,
    name_by_creation,
)
from spectest.source.lines import made_by_library

__all__ = ["TaskRegistry"]


class TaskRegistry(LoopInternals):
    """Makes tasks and futures that hash by creation.

    `quiet`: a world judges what goes wrong here, and so needs `tasks`, in order of creation;
    `background` are those among them that a library made, by their id. `named_first`: the number
    of the first task of each name, as far as a trace was kept.
    """

    task_class: type[asyncio.Task[Any]] = VirtualTask

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[Any]] = []
        self.background: set[int] = set()
        self.task_count = 0
        self.named_first: dict[str, int] = {}
        self.eager = False
        self.quiet = False
        super().__init__()

    def create_future(self) -> asyncio.Future[Any]:
        return VirtualFuture(loop=self)

    def create_task(self, coro: Any, **kwargs: Any) -> asyncio.Task[Any]:
        self._check_closed()
        if self._task_factory is None:
            if kwargs.get("name") is None:
                kwargs["name"] = f"Task-{self.task_count + 1}"
            task: asyncio.Task[Any] = self.task_class(coro, loop=self, **kwargs)
            if self._debug:
                del task._source_traceback[-1]  # type: ignore[attr-defined]
        else:
            if self.eager and kwargs.get("name") is None:
                kwargs["name"] = f"Task-{self.task_count + 1}"
            task = super().create_task(coro, **kwargs)
            name_by_creation(task)
        if self.quiet:
            self.tasks.append(task)
            if made_by_library(sys._getframe(1)):
                self.background.add(id(task))
        return task

    def set_task_factory(self, factory: Any) -> None:
        """Like stock; `asyncio.eager_task_factory` makes tasks of this loop's own kind."""
        self.eager = factory is not None and factory is getattr(asyncio, "eager_task_factory", 0)
        super().set_task_factory(eager_task_factory if self.eager else factory)

    def get_task_factory(self) -> Any:
        """Like stock: what was set."""
        return vars(asyncio)["eager_task_factory"] if self.eager else self._task_factory

    def next_task_number(self) -> int:
        """Tasks count from 1, in order of creation."""
        self.task_count += 1
        return self.task_count
