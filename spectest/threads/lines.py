"""Choice points at every line of chosen modules, to find data races.

A thread can lose the processor between any two bytecodes. Locks, queues and sleeps are where that
usually matters; code that shares data without them has no such place, and gets a choice point at
each of its lines. CPython 3.12 and later tell of lines through `sys.monitoring`, which costs
nothing elsewhere; 3.11 has only `sys.settrace`, so that a debugger or a coverage measurement that
traces sees nothing of such an execution.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

from spectest.errors import UsageError
from spectest.kernel.mentions import Mentions
from spectest.source.lines import USER, in_modules, kind_of_file
from spectest.threads.agents import current

__all__ = ["EVERYWHERE", "line_points"]

EVERYWHERE = "*"
"""In the place of a module's name: every file of the user's own."""

_TOOLS = (4, 3)
_NAME = "spectest"


@contextmanager
def line_points(modules: Sequence[str], mentions: Mentions) -> Iterator[None]:
    """While the block lasts, each line of these modules is a choice point of its thread.

    `mentions` is told of which of them lines ran.
    """
    if not modules:
        yield
    elif hasattr(sys, "monitoring"):
        with _monitored(_Chosen(modules, mentions)):
            yield
    else:
        with _traced(_Chosen(modules, mentions)):
            yield


class _Chosen:
    """Which code has choice points at its lines."""

    def __init__(self, modules: Sequence[str], mentions: Mentions) -> None:
        self._modules = tuple(modules)
        self._mentions = mentions
        for name in modules:
            mentions.mention("lines", name)
        self._known: dict[CodeType, bool] = {}

    def __call__(self, frame: FrameType) -> bool:
        code = frame.f_code
        chosen = self._known.get(code)
        if chosen is None:
            chosen = self._known[code] = self._is_chosen(frame)
        return chosen

    def _is_chosen(self, frame: FrameType) -> bool:
        met = [
            name
            for name in self._modules
            if (_is_users(frame) if name == EVERYWHERE else in_modules(frame, (name,)))
        ]
        for name in met:
            self._mentions.meet("lines", name)
        return bool(met)


def _is_users(frame: FrameType) -> bool:
    """Whether it is a file of the user's own."""
    file = frame.f_code.co_filename
    if file.startswith("<"):
        # Typed in, or generated, as the methods of dataclasses and named tuples are.
        names = frame.f_globals
        file = names.get("__file__", "")
        if not file:
            return bool(names.get("__name__") == "__main__")
    return kind_of_file(file) == USER


def _at_line() -> None:
    agent = current()
    if agent is not None:
        agent.baton.point(agent)


@contextmanager
def _monitored(chosen: _Chosen) -> Iterator[None]:
    monitoring: Any = vars(sys)["monitoring"]
    tool = next((tool for tool in _TOOLS if monitoring.get_tool(tool) is None), None)
    if tool is None:
        raise UsageError(
            f"lines= needs one of the tool ids {_TOOLS} of sys.monitoring, and both are taken, by "
            f"{monitoring.get_tool(_TOOLS[0])} and {monitoring.get_tool(_TOOLS[1])}.\n"
            "Run without them (a profiler or a debugger), or without lines=."
        )

    def line(code: CodeType, number: int) -> object:
        if not chosen(sys._getframe(1)):
            return monitoring.DISABLE
        _at_line()
        return None

    monitoring.use_tool_id(tool, _NAME)
    monitoring.register_callback(tool, monitoring.events.LINE, line)
    monitoring.set_events(tool, monitoring.events.LINE)
    # What an earlier execution has switched off may be chosen in this one.
    monitoring.restart_events()
    try:
        yield
    finally:
        monitoring.set_events(tool, 0)
        monitoring.register_callback(tool, monitoring.events.LINE, None)
        monitoring.free_tool_id(tool)


@contextmanager
def _traced(chosen: _Chosen) -> Iterator[None]:
    def call(frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        return line if chosen(frame) else None

    def line(frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:
        if event == "line":
            _at_line()
        return line

    before, threads_before = sys.gettrace(), threading.gettrace()
    threading.settrace(call)
    sys.settrace(call)
    try:
        yield
    finally:
        sys.settrace(before)
        threading.settrace(threads_before)
