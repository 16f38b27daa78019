"""Handles of the virtual loop: stock handles that know which pending operation they stand for."""

from __future__ import annotations

import asyncio
import contextvars
import traceback
from asyncio import format_helpers, futures
from collections.abc import Callable
from types import FrameType
from typing import Any

from spectest.kernel.operations import Operation
from spectest.kernel.steps import Step

__all__ = ["RemoteHandle", "VirtualHandle", "VirtualTimerHandle", "name_of_wait"]


class VirtualHandle(asyncio.Handle):
    """A callback in the ready queue. `cause` is used by recording, `step` under `any`."""

    __slots__ = ("_hash", "cause", "step")

    _hash: int
    _loop: Any
    _source_traceback: traceback.StackSummary | None
    cause: int
    step: Step

    def __init__(
        self,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        loop: Any,
        context: contextvars.Context | None,
    ) -> None:
        # Written out instead of calling Handle.__init__, which asks the loop for its debug mode:
        # this is the hottest constructor of all, and debug mode notes the line by itself.
        self._context = contextvars.copy_context() if context is None else context
        self._loop = loop
        self._callback = callback
        self._args = args
        self._cancelled = False
        self._repr = None
        self._source_traceback = None

    def note_caller(self, frame: FrameType) -> None:
        """In debug mode a handle knows who made it; stock deletes the last frame, `call_soon`."""
        while frame.f_back is not None and frame.f_back.f_code.co_name == "call_soon":
            frame = frame.f_back
        self._source_traceback = format_helpers.extract_stack(frame)

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:
            self._hash = self._loop.identities.next_hash()
            return self._hash


class VirtualTimerHandle(asyncio.TimerHandle):
    """A callback that waits for `operation`."""

    __slots__ = ("cause", "operation", "step")

    _loop: Any
    _scheduled: bool
    cause: int
    step: Step
    operation: Operation

    def arrive(self, operation: Operation) -> None:
        """The operation is over."""
        self._loop.arrive(self, operation)


class RemoteHandle(VirtualTimerHandle):
    """What happens outside of the program, and does so even if its loop is closed by then."""

    __slots__ = ()

    def arrive(self, operation: Operation) -> None:
        """The operation is over."""
        if self._loop.is_closed():
            self._run()
        else:
            super().arrive(operation)


# asyncio.sleep, and nothing else that waits, schedules this very function.
_WAKE_SLEEPER = futures._set_result_unless_cancelled  # type: ignore[attr-defined]


def name_of_wait(callback: Any, frame: FrameType | None) -> tuple[str, bool]:
    """The name of what `call_later` waits for, and whether `asyncio.sleep` called it."""
    sleeping = callback is _WAKE_SLEEPER
    if frame is None:
        return ("sleep" if sleeping else "timer"), sleeping
    name = frame.f_code.co_name
    return (name if sleeping else f"{name} timeout"), sleeping
