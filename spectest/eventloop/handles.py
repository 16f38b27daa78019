"""Handles of the virtual loop: stock handles that know which pending operation they stand for."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any

from spectest.kernel.operations import Operation
from spectest.kernel.steps import Step

__all__ = ["VirtualHandle", "VirtualTimerHandle"]


class VirtualHandle(asyncio.Handle):
    """A callback in the ready queue. `cause` is used by recording, `step` under `any`."""

    __slots__ = ("_hash", "cause", "step")

    _hash: int
    _loop: Any
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

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:
            self._hash = self._loop.identities.next_hash()
            return self._hash


class VirtualTimerHandle(asyncio.TimerHandle):
    """A callback that waits for `operation`."""

    __slots__ = ("cause", "operation", "step")

    _scheduled: bool
    cause: int
    step: Step
    operation: Operation
