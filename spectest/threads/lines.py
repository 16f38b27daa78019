"""Choice points at every line of chosen modules, to find data races.

A thread can lose the processor between any two bytecodes. Locks, queues and sleeps are where that
usually matters; code that shares data without them has no such place, and gets a choice point at
each of its lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import CodeType, FrameType

from spectest.kernel.mentions import Mentions
from spectest.source.line_events import lines_told
from spectest.source.lines import USER, in_modules, kind_of_file
from spectest.threads.agents import current

__all__ = ["EVERYWHERE", "TOOLS", "is_users", "line_points"]

EVERYWHERE = "*"
"""In the place of a module's name: every file of the user's own."""

TOOLS = (4, 3)
"""The tool ids of `sys.monitoring` that nobody has by custom."""


@contextmanager
def line_points(modules: Sequence[str], mentions: Mentions) -> Iterator[None]:
    """While the block lasts, each line of these modules is a choice point of its thread.

    `mentions` is told of which of them lines ran.
    """
    if not modules:
        yield
    else:
        with lines_told("lines", TOOLS, _Chosen(modules, mentions), _at_line):
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
            if (is_users(frame) if name == EVERYWHERE else in_modules(frame, (name,)))
        ]
        for name in met:
            self._mentions.meet("lines", name)
        return bool(met)


def is_users(frame: FrameType) -> bool:
    """Whether it is a file of the user's own."""
    file = frame.f_code.co_filename
    if file.startswith("<"):
        # Typed in, or generated, as the methods of dataclasses and named tuples are.
        names = frame.f_globals
        file = names.get("__file__", "")
        if not file:
            return bool(names.get("__name__") == "__main__")
    return kind_of_file(file) == USER


def _at_line(code: CodeType, number: int) -> bool:
    agent = current()
    if agent is not None:
        agent.baton.point(agent)
    return True
