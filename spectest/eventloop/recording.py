"""`RecordingEventLoop`: the same loop, writing down what happens, why, and at which line."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from spectest.eventloop.labels import distinct_label_of as label_of
from spectest.eventloop.loop import VirtualEventLoop
from spectest.eventloop.tasks import VirtualTask
from spectest.eventloop.waiting import task_of
from spectest.kernel.observers import TraceRecorder
from spectest.kernel.operations import Operation
from spectest.kernel.trace import NOWHERE, SourceLine
from spectest.source.lines import here, raised_at, suspended_at

__all__ = ["RecordingEventLoop"]


class _RecordingTask(VirtualTask):
    def cancel(self, msg: Any | None = None) -> bool:
        loop: RecordingEventLoop = self.get_loop()  # type: ignore[assignment]
        accepted = super().cancel(msg)
        if accepted:
            loop.emit("cancel", label_of(self), where=here())
        return accepted

    def set_name(self, value: object, /) -> None:
        super().set_name(value)
        loop: RecordingEventLoop = self.get_loop()  # type: ignore[assignment]
        loop.named(self)


class RecordingEventLoop(VirtualEventLoop):
    """A virtual loop with a recorder."""

    task_class = _RecordingTask

    def __init__(self, recorder: TraceRecorder, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.recorder = recorder

    def emit(self, kind: str, subject: str, **fields: Any) -> int:
        """Record an event in the name of the running task."""
        task = asyncio.current_task(self)
        return self.recorder.emit(kind, subject, task=label_of(task) if task else "", **fields)

    def call_soon(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.Handle:
        handle = super().call_soon(callback, *args, context=context)
        handle.cause = self.recorder.current  # type: ignore[attr-defined]
        return handle

    def _call_soon(self, *args: Any) -> asyncio.Handle:
        handle = super()._call_soon(*args)
        handle.cause = self.recorder.current  # type: ignore[attr-defined]
        return handle

    def _schedule(self, *args: Any) -> asyncio.TimerHandle:
        return self._started(super()._schedule(*args))

    def schedule_operation(self, *args: Any) -> asyncio.TimerHandle:
        return self._started(super().schedule_operation(*args))

    def _started(self, handle: Any) -> asyncio.TimerHandle:
        operation: Operation = handle.operation
        length_ms = (operation.nominal_ns - operation.started_ns) / 1e6
        handle.cause = self.emit(
            "start", operation.label, where=here(2), detail=f"{operation.kind} {length_ms:.6f}"
        )
        return handle  # type: ignore[no-any-return]

    def create_task(self, coro: Any, **kwargs: Any) -> asyncio.Task[Any]:
        task = super().create_task(coro, **kwargs)
        self.emit("task", label_of(task), where=here(), detail=str(getattr(task, "number", "")))
        return task

    def named(self, task: VirtualTask) -> None:
        """`asyncio.create_task` of CPython 3.11 gives a task its name after the loop made it."""
        last = self.recorder.events[-1] if self.recorder.events else None
        if last is not None and last.kind == "task" and last.detail == str(task.number):
            self.recorder.events[-1] = replace(last, subject=label_of(task))

    def arrive(self, handle: asyncio.TimerHandle, operation: Operation) -> None:
        cause: int = handle.cause  # type: ignore[attr-defined]
        handle.cause = self.recorder.emit("complete", operation.label, cause=cause)  # type: ignore[attr-defined]
        super().arrive(handle, operation)

    def _run_ready(self, todo: int) -> None:
        recorder = self.recorder
        for _ in range(todo):
            handle = self._ready.popleft()
            if handle._cancelled:
                continue
            recorder.current = getattr(handle, "cause", -1)
            task = task_of(handle)
            if task is not None and not task.done():
                label = label_of(task)
                where = suspended_at(task.get_coro())
                recorder.current = recorder.emit("step", label, task=label, where=where)
            handle._run()
            if recorder.on_settled is not None:
                recorder.settle(handle if task is None else task)
            if recorder.on_step is not None:
                self._stepped(task)
            if task is not None and task.done():
                where = _failed_at(task)
                recorder.emit("end", label_of(task), where=where, detail=_ending(task))
            recorder.current = -1
        handle = task = None  # type: ignore[assignment]

    def _stepped(self, task: asyncio.Task[Any] | None) -> None:
        if task is None:
            self.recorder.stepped("", lambda: NOWHERE)
        else:
            self.recorder.stepped(label_of(task), lambda: _stands_at(task))


def _stands_at(task: asyncio.Task[Any]) -> SourceLine:
    return _failed_at(task) if task.done() else suspended_at(task.get_coro())


def _failed_at(task: asyncio.Task[Any]) -> SourceLine:
    error = None if task.cancelled() else task._exception
    return NOWHERE if error is None else raised_at(error)


def _ending(task: asyncio.Task[Any]) -> str:
    if task.cancelled():
        return "cancelled"
    # task.exception() would count as somebody having asked for it.
    error = task._exception
    return "returned" if error is None else f"raised {type(error).__name__}"
