"""Executors for tests: what `concurrent.futures` promises, in an order and a time that a test sets.

Everything here is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spectest.executors.process_pool import VirtualProcessPool
    from spectest.executors.script import Call, Job
    from spectest.executors.scripted import ScriptedExecutor
    from spectest.executors.thread_pool import VirtualThreadPool

_ROOMS = {
    "spectest.executors.process_pool": ("VirtualProcessPool",),
    "spectest.executors.script": ("Call", "Job"),
    "spectest.executors.scripted": ("ScriptedExecutor",),
    "spectest.executors.thread_pool": ("VirtualThreadPool",),
}
_HOMES = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "Call",
    "Job",
    "ScriptedExecutor",
    "VirtualProcessPool",
    "VirtualThreadPool",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'spectest.executors' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
