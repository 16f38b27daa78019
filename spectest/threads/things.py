"""What users call the things that threads use: classes, methods, functions, other threads."""

from __future__ import annotations

import sys
import threading
from types import FrameType
from typing import Any

from spectest.threads.agents import Agent
from spectest.threads.locks import VirtualLock, VirtualRLock
from spectest.threads.simple_queue import VirtualSimpleQueue
from spectest.threads.standing import local_of

__all__ = ["call_of", "called", "function_of", "kind_of"]

_STANDS_FOR = {"clock": "time", "starting": "_thread"}


def called(thread: threading.Thread, agent: Agent) -> str:
    """What a report calls a thread of the world of `agent`."""
    alive = agent.baton.agents
    return next((other.name for other in alive if other.thread is thread), str(thread.name))


def kind_of(target: Any) -> str:
    """The class of a thing, as users write it."""
    if isinstance(target, VirtualLock):
        return "threading.RLock" if isinstance(target, VirtualRLock) else "threading.Lock"
    if isinstance(target, VirtualSimpleQueue):
        return "queue.SimpleQueue"
    module = type(target).__module__
    package = "concurrent.futures" if module.startswith("concurrent.") else module.split(".")[0]
    return f"{package}.{type(target).__qualname__}"


def call_of(frame: FrameType) -> str:
    """The name of one of the platform's methods or functions, as users write it."""
    name = frame.f_code.co_name
    if name == "look":
        name = getattr(local_of(frame, "real"), "__name__", name)
    return name if name.startswith("__") else name.removeprefix("_")


def function_of(frame: FrameType) -> str:
    """The dotted name of one of the platform's functions, by the shortest way to import it."""
    module, name = str(frame.f_globals.get("__name__", "")), call_of(frame)
    if module.startswith("spectest."):
        return f"{_STANDS_FOR.get(module.rpartition('.')[2], '')}.{name}".removeprefix(".")
    parts = module.split(".")
    packages = (".".join(parts[:length]) for length in range(1, len(parts)))
    exports = (package for package in packages if name in vars(sys.modules.get(package, object)))
    return f"{next(exports, module)}.{name}"
