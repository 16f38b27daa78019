"""Where a thread stands: its frames, its line, the callback or the block it is in.

Everything is read from frames, and nothing of the program is called, so that whoever runs can look
at a thread that stands still.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import thread as pools
from types import FrameType
from typing import Any

from spectest.kernel.trace import NOWHERE, SourceLine
from spectest.source.lines import LIBRARY, PLATFORM, USER, kind_of_file, line_of
from spectest.threads.agents import Agent

__all__ = [
    "JOB",
    "frames_of",
    "inside_of",
    "is_platform",
    "local_of",
    "loop_of",
    "user_line",
    "where",
]

JOB = pools._WorkItem.run.__code__
"""What a worker of a pool runs for each of its jobs."""

_RUN = threading.Thread.run.__code__
_CALLBACK = asyncio.Handle._run.__code__
_RUNS_CALLBACKS = "_run_ready"
_WORLD = "spectest.world.world"
_LOOKING_ON = tuple(
    f"spectest.threads.{name}"
    for name in ("awaited", "jobs", "moments", "recording", "standing", "waiting")
)


def frames_of(agent: Agent) -> list[FrameType]:
    """The frames of the thread, innermost first; inside an event loop, of the present callback.

    Neither whoever runs the world is part of it nor who looks on: a frame that is in such a list
    and has it among its variables would keep all of them, with all they know.
    """
    frames = []
    frame = sys._current_frames().get(agent.ident)
    while frame is not None and frame.f_globals.get("__name__") in _LOOKING_ON:
        frame = frame.f_back
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
    would keep alive what the function lets go of, so the copy is emptied; not that of a function
    that is traced, which gets its variables back from the copy when the trace function returns.
    """
    names = frame.f_locals
    value = names.get(name)
    if sys.version_info < (3, 13) and frame.f_trace is None:
        names.clear()
    return value


def loop_of(agent: Agent) -> Any:
    """The event loop one of whose callbacks the thread is in, or None."""
    outermost = frames_of(agent)[-1:]
    if not agent.loops or not outermost or outermost[0].f_code.co_name != _RUNS_CALLBACKS:
        return None
    return local_of(outermost[0], "self")
