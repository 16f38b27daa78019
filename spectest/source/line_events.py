"""Being told of lines as they run, beside whoever else traces or monitors the program.

CPython 3.12 and later tell of lines through `sys.monitoring`, which keeps its tools apart. 3.11 has
only `sys.settrace`, of which each thread has one; so whoever traced before (a debugger, coverage)
is called from here, and sees what it would have seen.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

from spectest.errors import UsageError

__all__ = ["IsChosen", "lines_told"]

IsChosen = Callable[[FrameType], bool]
AtLine = Callable[[CodeType, int], bool]
_NAME = "spectest"


@contextmanager
def lines_told(
    setting: str, tools: Sequence[int], is_chosen: IsChosen, at_line: AtLine
) -> Iterator[None]:
    """While the block lasts, `at_line` is called before each line of code that is chosen.

    In all threads; of the frames that exist already, where they go on after they were suspended. It
    returns whether it wants to be told of this line again; who traces tells it again anyhow.
    `tools`: the tool ids of `sys.monitoring` that may be used; `UsageError` if all are taken, on
    behalf of `setting`.
    """
    if hasattr(sys, "monitoring"):
        with _monitored(setting, tools, is_chosen, at_line):
            yield
    else:
        with _Tracing(is_chosen, at_line).installed():
            yield


@contextmanager
def _monitored(
    setting: str, tools: Sequence[int], is_chosen: IsChosen, at_line: AtLine
) -> Iterator[None]:
    monitoring: Any = vars(sys)["monitoring"]
    tool = next((tool for tool in tools if monitoring.get_tool(tool) is None), None)
    if tool is None:
        takers = " and ".join(str(monitoring.get_tool(tool)) for tool in tools)
        raise UsageError(
            f"{setting}= needs one of the tool ids {tuple(tools)} of sys.monitoring, and all are "
            f"taken, by {takers}.\n"
            f"Run without them (a profiler or a debugger), or without {setting}=."
        )

    def line(code: CodeType, number: int) -> object:
        if is_chosen(sys._getframe(1)) and at_line(code, number):
            return None
        return monitoring.DISABLE

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


class _Tracing:
    """A trace function that calls the one that it has taken the place of."""

    def __init__(self, is_chosen: IsChosen, at_line: AtLine) -> None:
        self._is_chosen = is_chosen
        self._at_line = at_line
        self._before: Any = None
        self._before_in_threads: Any = None
        self._own = threading.local()

    @contextmanager
    def installed(self) -> Iterator[None]:
        self._before, self._before_in_threads = sys.gettrace(), threading.gettrace()
        self._own.other = self._before
        threading.settrace(self._trace)
        sys.settrace(self._trace)
        try:
            yield
        finally:
            sys.settrace(self._before)
            threading.settrace(self._before_in_threads)

    def _trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        """A frame begins, or goes on."""
        others = self._tell_other(frame, event, argument)
        if not self._is_chosen(frame):
            return others
        # Coverage switches lines off in the frames that it does not measure.
        frame.f_trace_lines = True
        return self._local(others)

    def _tell_other(self, frame: FrameType, event: str, argument: Any) -> Any:
        """What the other one says to the frame; it may have put itself, or another, in our place.

        In a new thread it is what it gave to `threading.settrace`, and later what that installed.
        """
        other = getattr(self._own, "other", self._before_in_threads)
        if other is None:
            return None
        answer = other(frame, event, argument)
        installed = sys.gettrace()
        if installed != self._trace:
            self._own.other = installed
            sys.settrace(self._trace)
        return answer

    def _local(self, others: Any) -> Callable[[FrameType, str, Any], Any]:
        def local(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal others
            if others is not None:
                others = others(frame, event, argument)
            if event == "line":
                self._at_line(frame.f_code, frame.f_lineno)
            return local

        return local
