"""Whose line is it? Finds the line of the user's program in a stack of frames.

Files are of three kinds: the platform's (the standard library and spectest itself), libraries'
(below a folder into which packages were installed), and the user's own. The nearest line of the
user's own wins, then the nearest of a library.
"""

from __future__ import annotations

import functools
import gc
import os
import sys
import sysconfig
import traceback
from collections.abc import Iterator, Sequence
from types import CodeType, CoroutineType, FrameType
from typing import Any

from spectest.kernel.trace import NOWHERE, SourceLine

__all__ = [
    "LIBRARY",
    "PLATFORM",
    "USER",
    "awaiting",
    "calling_frame",
    "frame_of",
    "here",
    "in_modules",
    "kind_of_file",
    "line_of",
    "made_by_library",
    "raised_at",
    "related",
    "shown",
    "shown_line",
    "suspended_at",
]

PLATFORM, LIBRARY, USER = range(3)

_SELF = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_STDLIB = tuple(
    os.path.normpath(path) + os.sep
    for path in {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
)
_kinds: dict[str, int] = {}
_RUNS_CALLBACKS = "_run_once"

# C objects that stand between an `await` and the asynchronous generator or coroutine behind it.
_WRAPPERS = ("async_generator_asend", "async_generator_athrow", "coroutine_wrapper")


def kind_of_file(filename: str) -> int:
    """PLATFORM, LIBRARY or USER."""
    kind = _kinds.get(filename)
    if kind is None:
        kind = _kinds[filename] = _classify(filename)
    return kind


def _classify(filename: str) -> int:
    if filename.startswith(("<frozen", _SELF)):
        return PLATFORM
    if f"{os.sep}site-packages{os.sep}" in filename:
        return LIBRARY
    if filename.startswith(_STDLIB):
        return PLATFORM
    return LIBRARY if any(map(_holds_packages, _folders_above(filename))) else USER


def _folders_above(filename: str) -> Iterator[str]:
    """The entries of `sys.path` below which the file is."""
    for entry in sys.path:
        folder = os.path.abspath(entry) + os.sep
        if filename.startswith(folder):
            yield folder


@functools.cache
def _holds_packages(folder: str) -> bool:
    """Whether an installer put packages there (`pip install --target`, a distribution's folder)."""
    try:
        return any(name.endswith(".dist-info") for name in os.listdir(folder))
    except OSError:
        return False


def made_by_library(frame: FrameType | None) -> bool:
    """Whether the nearest frame that is not the platform's is a library's.

    The search ends where the loop runs its callbacks: whoever started the loop, pytest for
    instance, did not make what a callback makes.
    """
    while frame is not None:
        filename = frame.f_code.co_filename
        kind = _kinds.get(filename)
        if kind is None:
            kind = kind_of_file(filename)
        if kind != PLATFORM:
            return kind == LIBRARY
        if frame.f_code.co_name == _RUNS_CALLBACKS:
            return False
        frame = frame.f_back
    return False


def calling_frame(frame: FrameType | None) -> FrameType | None:
    """The nearest frame of the user's own from `frame` outwards, else of a library, else None.

    The search ends where the loop runs its callbacks: who started the loop did not make this call.
    """
    library = None
    kinds = _kinds
    while frame is not None:
        filename = frame.f_code.co_filename
        kind = kinds.get(filename)
        if kind is None:
            kind = kind_of_file(filename)
        if kind == USER:
            return frame
        if kind == LIBRARY and library is None:
            library = frame
        elif kind == PLATFORM and frame.f_code.co_name == _RUNS_CALLBACKS:
            break
        frame = frame.f_back
    return library


def in_modules(frame: FrameType | None, names: Sequence[str]) -> bool:
    """Whether `frame` belongs to one of these modules or packages, by dotted name."""
    if not names or frame is None:
        return False
    module = frame.f_globals.get("__name__", "")
    return any(module == name or module.startswith(name + ".") for name in names)


def line_of(frame: FrameType | None) -> SourceLine:
    """Where `frame` stands."""
    if frame is None:
        return NOWHERE
    code: CodeType = frame.f_code
    return SourceLine(code.co_filename, frame.f_lineno or code.co_firstlineno, code.co_name)


def here(depth: int = 1) -> SourceLine:
    """The user's line that led to this call, `depth` frames above the caller."""
    return line_of(calling_frame(sys._getframe(depth + 1)))


def suspended_at(coroutine: Any) -> SourceLine:
    """The innermost line of the user's own (else of a library) at which `coroutine` waits."""
    found = library = NOWHERE
    for frame in awaiting_frames(coroutine):
        kind = kind_of_file(frame.f_code.co_filename)
        if kind == USER:
            found = line_of(frame)
        elif kind == LIBRARY:
            library = line_of(frame)
    return found or library


def raised_at(error: BaseException) -> SourceLine:
    """The innermost line of the user's own (else of a library) in the traceback of `error`."""
    found = library = NOWHERE
    for frame, line in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        kind = kind_of_file(code.co_filename)
        if kind == USER:
            found = SourceLine(code.co_filename, line, code.co_name)
        elif kind == LIBRARY:
            library = SourceLine(code.co_filename, line, code.co_name)
    return found or library


def related(error: BaseException) -> Iterator[BaseException]:
    """The error, what it is from or was raised in the handling of, and the members of groups."""
    todo: list[BaseException | None] = [error]
    seen: set[int] = set()
    while todo:
        one = todo.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        todo += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            todo += one.exceptions


def awaiting_frames(coroutine: Any) -> Iterator[FrameType]:
    """The frames of a suspended coroutine, outermost first."""
    for awaitable in awaiting(coroutine):
        frame = frame_of(awaitable)
        if frame is not None:
            yield frame


def awaiting(coroutine: Any) -> Iterator[Any]:
    """A suspended coroutine and what it awaits, and so on inwards, as far as Python code goes."""
    while coroutine is not None:
        if isinstance(coroutine, CoroutineType):
            inner = coroutine.cr_await
        elif hasattr(coroutine, "ag_frame"):
            inner = coroutine.ag_await
        elif hasattr(coroutine, "gi_frame"):
            inner = coroutine.gi_yieldfrom
        elif type(coroutine).__name__ in _WRAPPERS:
            inner = next(iter(gc.get_referents(coroutine)), None)
        else:
            return
        yield coroutine
        coroutine = inner


def frame_of(awaitable: Any) -> FrameType | None:
    """The frame of a coroutine, a generator or an asynchronous generator, if it has one."""
    for attribute in ("cr_frame", "ag_frame", "gi_frame"):
        if hasattr(awaitable, attribute):
            frame: FrameType | None = getattr(awaitable, attribute)
            return frame
    return None


def shown(filename: str) -> str:
    """The path for people: relative to the current directory, or to `site-packages`."""
    _, packages, inside = filename.rpartition(f"{os.sep}site-packages{os.sep}")
    if packages:
        return inside
    below = os.getcwd() + os.sep
    return filename.removeprefix(below)


def shown_line(line: SourceLine) -> str:
    """The line for people: "file:7 in function"."""
    return f"{shown(line.file)}:{line.line} in {line.function}"
