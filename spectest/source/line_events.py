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
from opcode import opmap
from types import CodeType, FrameType
from typing import Any

from spectest.errors import UsageError

__all__ = ["IsChosen", "lines_told"]

IsChosen = Callable[[FrameType], bool]
AtLine = Callable[[CodeType, int], bool]
AtExit = Callable[[FrameType, bool], object]
_NAME = "spectest"
_YIELDS = opmap["YIELD_VALUE"]


@contextmanager
def lines_told(
    setting: str,
    tools: Sequence[int],
    is_chosen: IsChosen,
    at_line: AtLine,
    at_exit: AtExit | None = None,
) -> Iterator[None]:
    """While the block lasts, `at_line` is called before each line of code that is chosen.

    In all threads; of the frames that exist already, where they go on after they were suspended. It
    returns whether it wants to be told of this line again; who traces tells it again anyhow.
    `at_exit` is called where a frame of chosen code returns, yields, awaits or raises, and told
    whether the frame goes on later.
    `tools`: the tool ids of `sys.monitoring` that may be used; `UsageError` if all are taken, on
    behalf of `setting`.
    """
    if hasattr(sys, "monitoring"):
        with _monitored(setting, tools, is_chosen, at_line, at_exit):
            yield
    else:
        with _Tracing(is_chosen, at_line, at_exit).installed():
            yield


@contextmanager
def _monitored(
    setting: str,
    tools: Sequence[int],
    is_chosen: IsChosen,
    at_line: AtLine,
    at_exit: AtExit | None,
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

    monitoring.use_tool_id(tool, _NAME)
    callbacks = _callbacks(monitoring, is_chosen, at_line, at_exit)
    for kind, callback in callbacks.items():
        monitoring.register_callback(tool, kind, callback)
    monitoring.set_events(tool, sum(callbacks))
    # What an earlier execution has switched off may be chosen in this one.
    monitoring.restart_events()
    try:
        yield
    finally:
        monitoring.set_events(tool, 0)
        for kind in callbacks:
            monitoring.register_callback(tool, kind, None)
        monitoring.free_tool_id(tool)


def _callbacks(
    monitoring: Any, is_chosen: IsChosen, at_line: AtLine, at_exit: AtExit | None
) -> dict[int, Callable[..., object]]:
    """By kind of event, what is called."""

    def line(code: CodeType, number: int) -> object:
        if is_chosen(sys._getframe(1)) and at_line(code, number):
            return None
        return monitoring.DISABLE

    def left(frame: FrameType, *, suspended: bool) -> object:
        if at_exit is None or not is_chosen(frame):
            return monitoring.DISABLE
        at_exit(frame, suspended)
        return None

    def returns(*_: object) -> object:
        return left(sys._getframe(1), suspended=False)

    def yields(*_: object) -> object:
        return left(sys._getframe(1), suspended=True)

    def raises(*_: object) -> None:
        left(sys._getframe(1), suspended=False)  # Nobody may disable this event.

    kinds = monitoring.events
    if at_exit is None:
        return {kinds.LINE: line}
    return {
        kinds.LINE: line,
        kinds.PY_RETURN: returns,
        kinds.PY_YIELD: yields,
        kinds.PY_UNWIND: raises,
    }


class _Tracing:
    """A trace function that calls the one that it has taken the place of."""

    def __init__(self, is_chosen: IsChosen, at_line: AtLine, at_exit: AtExit | None) -> None:
        self._is_chosen = is_chosen
        self._at_line = at_line
        self._at_exit = at_exit
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
            elif event == "return" and self._at_exit is not None:
                self._at_exit(frame, _is_suspended(frame))
            return local

        return local


def _is_suspended(frame: FrameType) -> bool:
    """Of a frame that is being left, whether it goes on later."""
    return frame.f_code.co_code[frame.f_lasti] == _YIELDS
