"""At what point of its work a thread loses the processor, in words."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from types import FrameType

from spectest.source.expressions import name_in_source
from spectest.source.lines import LIBRARY, kind_of_file
from spectest.threads.agents import Agent
from spectest.threads.jobs import WORKER
from spectest.threads.locks import VirtualLock
from spectest.threads.standing import JOB, frames_of, inside_of, is_platform, local_of
from spectest.threads.things import call_of, called, function_of, kind_of

__all__ = ["moment_of"]

_HANDING_OVER = (
    Future.set_running_or_notify_cancel.__code__,
    Future.set_result.__code__,
    Future.set_exception.__code__,
)
_LINES, _POLLS = "spectest.source.line_events", "_run_once"
_TAKING, _LEAVING = ("acquire", "__enter__"), ("release", "__exit__")


def moment_of(agent: Agent) -> str:
    """At what point of its work the thread stands, to be put after "it lost the processor"."""
    frames = frames_of(agent)
    if agent.loops and any(f.f_code.co_name == _POLLS and is_platform(f) for f in frames):
        return "in the poll of its event loop"
    inside = inside_of(frames)
    own = frames[len(inside)] if inside else None
    if own is None or _is_between_jobs(inside, own):
        return _between_calls(frames)
    return _in_library(own) + _in_call(agent, inside, own)


def _is_between_jobs(inside: Sequence[FrameType], own: FrameType) -> bool:
    """Whether a worker takes up a job, or hands its result over."""
    if own.f_code is JOB:
        return any(frame.f_code in _HANDING_OVER for frame in inside)
    return any(frame.f_code is WORKER for frame in inside)


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
        begins = Future.set_running_or_notify_cancel.__name__ in names
        return "before it began" if begins else "after its end"
    if any(frame.f_code is WORKER for frame in frames):
        return "before it took up a job"
    begun = "_bootstrap_inner" in names and "set" not in names
    return "at its end" if begun else "before it began"
