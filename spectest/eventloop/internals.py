"""The private parts of CPython's asyncio that the virtual loop leans on, in one list.

asyncio offers no public way to replace the clock and the selector of its own loop, so these names
are used, and declared here for the type checker. A test checks that each exists on every version
that is supported, and that no other private name is used.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakSet

__all__ = ["LOOP_INTERNALS", "LoopInternals", "TaskInternals"]

LOOP_INTERNALS = (
    "_asyncgens",
    "_check_callback",
    "_check_closed",
    "_check_thread",
    "_closed",
    "_debug",
    "_ready",
    "_run_once",
    "_stopping",
    "_task_factory",
    "_timer_handle_cancelled",
    "_write_to_self",
)


class LoopInternals(asyncio.BaseEventLoop):
    """`BaseEventLoop` with its private parts declared; nothing of it is changed."""

    _asyncgens: WeakSet[Any]
    _closed: bool
    _debug: bool
    _ready: deque[asyncio.Handle]
    _stopping: bool
    _task_factory: Callable[..., Any] | None

    if TYPE_CHECKING:

        def _check_callback(self, callback: object, method: str) -> None: ...
        def _check_closed(self) -> None: ...
        def _check_thread(self) -> None: ...


class TaskInternals(Protocol):
    """What tasks and futures know and do not tell in public."""

    _exception: BaseException | None
    _log_destroy_pending: bool
    _log_traceback: bool
    _source_traceback: list[Any] | None
