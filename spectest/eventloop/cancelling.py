"""Loops that tell of each await of a task, so that a task can be cancelled there.

A world uses them only where its plan has cancellations or a sweep lists the awaits; every other
execution runs on loops that know nothing of this. Nothing is put into the ready queue or taken from
it: `cancel()` is called between two callbacks, right after the one that left the task waiting
("before"), or right before the one that continues it ("at"). Some callback of another task could
stand in either place: one whose own completion came right behind, or right before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeVar

from spectest.eventloop import waiting
from spectest.eventloop.cancellations import Cancellations
from spectest.eventloop.loop import VirtualEventLoop
from spectest.eventloop.performed import PerformedLoop
from spectest.eventloop.recording import RecordingEventLoop
from spectest.eventloop.stock import StockLoop

__all__ = ["loop_of"]

_STEP = "TaskStepMethWrapper"
_STEPS = ("task_wakeup", "__step", "__wakeup")


def _stepped(handle: asyncio.Handle) -> asyncio.Task[Any] | None:
    """The task whose next step this callback is, or None."""
    if handle._cancelled:
        return None
    callback: Any = handle._callback  # type: ignore[attr-defined]
    is_step = type(callback).__name__ == _STEP or getattr(callback, "__name__", "") in _STEPS
    return waiting.task_of(handle) if is_step else None


class _Cancelling:
    """What the loops have in common: they tell of the awaits."""

    cancellations: Cancellations
    background: set[int]
    _begun: list[asyncio.Task[Any]]

    def create_task(self, coro: Any, **kwargs: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = super().create_task(coro, **kwargs)  # type: ignore[misc]
        outermost = not self.is_running()  # type: ignore[attr-defined]
        by_library = id(task) in self.background
        if self.cancellations.created(task, outermost=outermost, by_library=by_library):
            self._begun.append(task)
        return task

    def around(self, handle: asyncio.Handle, run: Any) -> None:
        """Run a callback, and see who waits now."""
        task = _stepped(handle)
        if task is not None:
            self.cancellations.goes_on(self, task, handle)
        run()
        # Who made an eager task has it in hand only now.
        begun, self._begun = self._begun, []
        for one in begun:
            self.cancellations.waits(self, one)
        if task is not None:
            self.cancellations.waits(self, task)

    def cause_of(self, handle: asyncio.Handle) -> str:
        """The name of what has scheduled the callback, as far as it is recorded."""
        return ""

    def because_of(self, handle: asyncio.Handle | None) -> AbstractContextManager[None]:
        """What is recorded in this context is caused by what has scheduled the callback."""
        return nullcontext()


class _VirtualCancelling(_Cancelling):
    def _run_ready(self, todo: int) -> None:
        for _ in range(todo):
            self.around(self._ready[0], self._run_one)  # type: ignore[attr-defined]

    def _run_one(self) -> None:
        super()._run_ready(1)  # type: ignore[misc]


class _CancellingLoop(_VirtualCancelling, VirtualEventLoop):
    pass


class _RecordingCancellingLoop(_VirtualCancelling, RecordingEventLoop):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        door = self.scheduler.door
        self._chosen_otherwise, door.on_choice = door.on_choice, self._chosen

    def cause_of(self, handle: asyncio.Handle) -> str:
        number = getattr(handle, "cause", -1)
        return self.recorder.events[number].subject if number >= 0 else ""

    @contextmanager
    def because_of(self, handle: asyncio.Handle | None) -> Iterator[None]:
        before, self.recorder.current = self.recorder.current, getattr(handle, "cause", -1)
        try:
            yield
        finally:
            self.recorder.current = before

    def _chosen(self, label: str, n: int, answer: int) -> None:
        if answer and label in self.cancellations.planned:
            # The cancellation that follows is no end of the world: it has this cause.
            self.recorder.current = self.emit("choice", label, where=self.cancellations.where)
        elif self._chosen_otherwise is not None:
            self._chosen_otherwise(label, n, answer)


class _StockCancelling(_Cancelling):
    def _call_soon(self, callback: Any, args: Any, context: Any) -> asyncio.Handle:
        handle = _Handle(callback, args, self, context)  # type: ignore[arg-type]
        self._ready.append(handle)  # type: ignore[attr-defined]
        return handle


class _Handle(asyncio.Handle):
    """CPython's handle; the loop looks at the task before and after."""

    def _run(self) -> None:
        self._loop.around(self, super()._run)  # type: ignore[attr-defined]


class _CancellingStockLoop(_StockCancelling, StockLoop):
    pass


class _CancellingPerformedLoop(_StockCancelling, PerformedLoop):
    pass


_KINDS: dict[type, Any] = {
    VirtualEventLoop: _CancellingLoop,
    RecordingEventLoop: _RecordingCancellingLoop,
    StockLoop: _CancellingStockLoop,
    PerformedLoop: _CancellingPerformedLoop,
}
_L = TypeVar("_L", bound=asyncio.AbstractEventLoop)


def loop_of(kind: type[_L], cancellations: Cancellations | None, *args: Any, **options: Any) -> _L:
    """A loop of this kind; one that cancels, if there is something to cancel or to list."""
    if cancellations is None:
        return kind(*args, **options)
    loop: Any = _KINDS[kind](*args, **options)
    loop.cancellations, loop._begun = cancellations, []
    return loop  # type: ignore[no-any-return]
