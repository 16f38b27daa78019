"""Who is told of lines is told of all of them, and keeps nobody else from being told."""

import sys
import threading
from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any

import pytest

from spectest.errors import UsageError
from spectest.source.line_events import lines_told

FIRST = sys._getframe().f_lineno + 4


def three() -> int:
    value = 1
    value += 1
    return value


def resumed() -> Iterator[int]:
    yield 1
    yield 2


def is_three(frame: FrameType) -> bool:
    return frame.f_code is three.__code__


def told_of(run: Callable[[], object], *, again: bool = True) -> list[int]:
    lines: list[int] = []

    def at_line(code: CodeType, number: int) -> bool:
        assert code is three.__code__
        lines.append(number - FIRST)
        return again

    with lines_told("coverage", (1, 3, 4), is_three, at_line):
        run()
    return lines


def in_thread() -> None:
    thread = threading.Thread(target=three)
    thread.start()
    thread.join()


@pytest.mark.parametrize("run", [three, in_thread])
def test_every_line_in_every_thread(run: Callable[[], object]) -> None:
    assert told_of(run) == [0, 1, 2]


def test_afterwards_nobody_is_told() -> None:
    lines = told_of(three)
    three()
    assert lines == [0, 1, 2]


def test_who_has_heard_enough_is_told_again_the_next_time() -> None:
    assert sorted(set(told_of(lambda: (three(), three()), again=False))) == [0, 1, 2]
    assert sorted(set(told_of(three, again=False))) == [0, 1, 2]


def test_a_generator_that_goes_on() -> None:
    generator = resumed()
    next(generator)
    lines = []

    def at_line(code: CodeType, number: int) -> bool:
        lines.append(number - code.co_firstlineno)
        return True

    def is_resumed(frame: FrameType) -> bool:
        return frame.f_code is resumed.__code__

    with lines_told("coverage", (1, 3, 4), is_resumed, at_line):
        next(generator)
    assert 2 in lines


def test_two_at_once() -> None:
    inner: list[int] = []
    outer = told_of(lambda: inner.extend(told_of(in_thread)))
    assert inner == outer == [0, 1, 2]


class Tracer:
    """Somebody else's, which puts itself in the place of whoever calls it, as coverage.py does."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "call":
            sys.settrace(self)
            frame.f_trace_lines = False
        if frame.f_code is three.__code__:
            self.events.append(event)
        return self


@pytest.fixture
def tracer() -> Iterator[Tracer]:
    before, in_threads = sys.gettrace(), threading.gettrace()
    tracer = Tracer()
    threading.settrace(tracer)
    sys.settrace(tracer)
    yield tracer
    sys.settrace(before)
    threading.settrace(in_threads)


@pytest.mark.parametrize("run", [three, in_thread])
def test_who_traced_before_traces_on(tracer: Tracer, run: Callable[[], object]) -> None:
    assert told_of(lambda: told_of(run)) == [0, 1, 2]
    assert tracer.events[0] == "call"
    assert tracer.events[-1] == "return"
    assert sys.gettrace() is tracer


@pytest.mark.skipif(sys.version_info < (3, 12), reason="CPython 3.11 has no sys.monitoring")
def test_all_tool_ids_taken_is_an_error_that_says_by_whom() -> None:
    monitoring: Any = vars(sys)["monitoring"]
    taken = [tool for tool in (1, 3, 4) if monitoring.get_tool(tool) is None]
    for tool in taken:
        monitoring.use_tool_id(tool, f"profiler {tool}")
    try:
        with pytest.raises(UsageError, match=r"coverage= needs .* and profiler 4"):
            told_of(three)
    finally:
        for tool in taken:
            monitoring.free_tool_id(tool)


def left_by(run: Callable[[], object], chosen: CodeType) -> list[tuple[int, bool]]:
    """At which lines its frames were left, and whether they go on later."""
    left: list[tuple[int, bool]] = []
    first = chosen.co_firstlineno

    def at_exit(frame: FrameType, suspended: bool) -> None:
        left.append((frame.f_lineno - first, suspended))

    def is_chosen(frame: FrameType) -> bool:
        return frame.f_code is chosen

    with lines_told("coverage", (1, 3, 4), is_chosen, lambda code, number: True, at_exit):
        run()
    return left


def test_a_frame_that_yields_goes_on_later() -> None:
    found = left_by(lambda: list(resumed()), resumed.__code__)
    assert found == [(1, True), (2, True), (2, False)]


def test_a_frame_that_returns_or_raises_does_not_go_on() -> None:
    def raises() -> None:
        raise LookupError

    def run() -> None:
        with pytest.raises(LookupError):
            raises()

    assert left_by(three, three.__code__) == [(3, False)]
    assert left_by(run, raises.__code__) == [(1, False)]
