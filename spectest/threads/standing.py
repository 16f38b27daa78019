"""Where a thread stands: at which line, in which job of a pool, and at what point of its work.

Everything is read from frames, and nothing of the program is called, so that whoever runs can look
at a thread that stands still.
"""

from __future__ import annotations

import asyncio
import functools
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import thread as pools
from types import FrameType
from typing import Any

from spectest.kernel.trace import NOWHERE, SourceLine
from spectest.source.expressions import name_in_source
from spectest.source.lines import LIBRARY, PLATFORM, USER, kind_of_file, line_of
from spectest.threads.agents import Agent
from spectest.threads.locks import VirtualLock, VirtualRLock
from spectest.threads.simple_queue import VirtualSimpleQueue

__all__ = [
    "JOB",
    "call_of",
    "called",
    "frames_of",
    "idle",
    "inside_of",
    "is_platform",
    "item_of",
    "job_name",
    "kind_of",
    "local_of",
    "loop_of",
    "moment_of",
    "user_line",
    "where",
]

JOB = pools._WorkItem.run.__code__
"""What a worker of a pool runs for each of its jobs."""

_RUN = threading.Thread.run.__code__
_CALLBACK = asyncio.Handle._run.__code__
_WORKER = pools._worker.__code__
_WORLD, _LINES = "spectest.world", "spectest.threads.lines"
_RUNS_CALLBACKS, _POLLS = "_run_ready", "_run_once"
_STANDS_FOR = {"clock": "time", "starting": "_thread"}
_TAKING, _LEAVING = ("acquire", "__enter__"), ("release", "__exit__")


def frames_of(agent: Agent) -> list[FrameType]:
    """The frames of the thread, innermost first; inside an event loop, of the present callback.

    Whoever runs the world is not part of it.
    """
    frames = []
    frame = sys._current_frames().get(agent.ident)
    while frame is not None and frame.f_globals.get("__name__") != _WORLD:
        frames.append(frame)
        if frame.f_code.co_name == _RUNS_CALLBACKS and is_platform(frame):
            break
        frame = frame.f_back
    return frames


def inside_of(frames: Sequence[FrameType]) -> Sequence[FrameType]:
    """Of these frames the platform's that the program's own code has called.

    Such a function may itself be what a thread, a job or a task runs. None if it runs nothing.
    """
    ends = (at for at, frame in enumerate(frames) if not is_platform(frame) or _runs(frame))
    return frames[: next(ends, 0)]


def _runs(frame: FrameType) -> bool:
    return frame.f_code in (JOB, _RUN, _CALLBACK)


def user_line(frames: Sequence[FrameType]) -> SourceLine:
    """The innermost line of the user's own, else of a library, else NOWHERE."""
    for kind in (USER, LIBRARY):
        for frame in frames:
            if kind_of_file(frame.f_code.co_filename) == kind:
                return line_of(frame)
    return NOWHERE


def where(agent: Agent) -> SourceLine:
    """The user's line at which the thread stands, or NOWHERE."""
    return user_line(frames_of(agent))


def is_platform(frame: FrameType) -> bool:
    """Whether this is the standard library's code or ours."""
    return kind_of_file(frame.f_code.co_filename) == PLATFORM


def local_of(frame: FrameType, name: str) -> Any:
    """A variable of one of the platform's functions, or None.

    Before Python 3.13 the frame keeps a copy of all its variables, once they were asked for. It
    would keep alive what the function lets go of, so the copy is emptied.
    """
    names = frame.f_locals
    value = names.get(name)
    if sys.version_info < (3, 13):
        names.clear()
    return value


# Pools and loops.


def idle(agent: Agent) -> bool:
    """Whether the thread is a pool's worker that has nothing to do."""
    codes = [frame.f_code for frame in frames_of(agent)]
    return _WORKER in codes and JOB not in codes


def item_of(agent: Agent) -> Any:
    """What the thread works at as the worker of a pool: CPython's `_WorkItem`, or None."""
    run = next((frame for frame in frames_of(agent) if frame.f_code is JOB), None)
    return None if run is None else local_of(run, "self")


def job_name(item: Any) -> str:
    """The name of the function that was submitted; what `to_thread` wraps it in is taken off."""
    function: Any = getattr(item, "fn", None)
    while isinstance(function, functools.partial):
        runs_another = getattr(function.func, "__qualname__", "") == "Context.run"
        function = function.args[0] if runs_another and function.args else function.func
    return getattr(function, "__name__", None) or type(function).__name__


def loop_of(agent: Agent) -> Any:
    """The event loop one of whose callbacks the thread is in, or None."""
    outermost = frames_of(agent)[-1:]
    if not agent.loops or not outermost or outermost[0].f_code.co_name != _RUNS_CALLBACKS:
        return None
    return local_of(outermost[0], "self")


# Words.


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


def moment_of(agent: Agent) -> str:
    """At what point of its work the thread stands, to be put after "it lost the processor"."""
    frames = frames_of(agent)
    if agent.loops and any(f.f_code.co_name == _POLLS and is_platform(f) for f in frames):
        return "in the poll of its event loop"
    inside = inside_of(frames)
    own = frames[len(inside)] if inside else None
    if own is None or own.f_code is JOB or any(frame.f_code is _WORKER for frame in inside):
        return _between_calls(frames)
    return _in_library(own) + _in_call(agent, inside, own)


def _in_call(agent: Agent, inside: Sequence[FrameType], own: FrameType) -> str:
    if inside[-1].f_globals.get("__name__") == _LINES:
        return "before this line"
    frame = inside[-1]
    target, call = local_of(frame, "self"), call_of(frame)
    if target is None:
        return f"in `{function_of(frame)}()`"
    name = name_in_source(own, call)
    if isinstance(target, VirtualLock | threading.Condition) and call in _TAKING + _LEAVING:
        verb = "before taking" if call in _TAKING else "after releasing"
        return f"{verb} `{name}`" if name else f"{verb} a {kind_of(target)}"
    if isinstance(target, VirtualLock):
        return "after making a lock"
    if isinstance(target, threading.Thread) and call in ("start", "join"):
        verb = "after starting" if call == "start" else "while joining"
        return f"{verb} {called(target, agent)}"
    return f"in `{name or kind_of(target)}.{call}()`"


def function_of(frame: FrameType) -> str:
    """The dotted name of one of the platform's functions, by the shortest way to import it."""
    module, name = str(frame.f_globals.get("__name__", "")), call_of(frame)
    if module.startswith("spectest."):
        return f"{_STANDS_FOR.get(module.rpartition('.')[2], '')}.{name}".removeprefix(".")
    parts = module.split(".")
    packages = (".".join(parts[:length]) for length in range(1, len(parts)))
    exports = (package for package in packages if name in vars(sys.modules.get(package, object)))
    return f"{next(exports, module)}.{name}"


def _in_library(own: FrameType) -> str:
    """Where in a library, if it is one that was interrupted."""
    if kind_of_file(own.f_code.co_filename) != LIBRARY:
        return ""
    package = str(own.f_globals.get("__name__", "")).partition(".")[0]
    return f"in `{own.f_code.co_name}` of {package}, "


def _between_calls(frames: Sequence[FrameType]) -> str:
    """Of a thread that is in nobody's code: before, between and after what it has to do."""
    names = [frame.f_code.co_name for frame in frames]
    run = next((frame for frame in frames if frame.f_code is JOB), None)
    if run is not None:
        begins = "set_running_or_notify_cancel" in names
        return "before it began" if begins else "after its end"
    if any(frame.f_code is _WORKER for frame in frames):
        return "before it took up a job"
    begun = "_bootstrap_inner" in names and "set" not in names
    return "at its end" if begun else "before it began"
