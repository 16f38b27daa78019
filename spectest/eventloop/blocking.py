"""What a suspended task awaits, under which name its frames know it, and who holds it.

asyncio's locks do not know their owners. But a suspended coroutine does: while it is inside `async
with lock`, the bound method `lock.__aexit__` lies on its value stack, and the garbage collector
tells what lies there. That is exact, patches nothing, changes no order, and works for every
asynchronous context manager, the locks of libraries included (CPython 3.11 to 3.13). A lock taken
by a bare `await lock.acquire()` leaves no such mark; then every task counts as a holder that is not
waiting for the lock and has a frame that knows it and calls `release`.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from dataclasses import dataclass
from types import FrameType, MethodType
from typing import Any

from spectest.source.lines import LIBRARY, PLATFORM, USER, awaiting, frame_of, kind_of_file
from spectest.source.names import Spoken, name_of

__all__ = ["Wait", "holders", "wait_of"]

_ENTERING = ("__aenter__", "acquire")


@dataclass(frozen=True, slots=True)
class Wait:
    """What one task waits for.

    `target`: the lock, queue, task or future, None if it could not be found. `call`: the function
    that waits, "" for a bare `await`. `tasks`: those it waits for, if it waits for tasks. `name`:
    the expression by which the user's frame knows the target, or "".
    """

    target: Any
    call: str
    tasks: tuple[asyncio.Future[Any], ...] = ()
    name: str = ""


def wait_of(task: asyncio.Task[Any], tasks: Sequence[asyncio.Task[Any]]) -> Wait:
    """What `task`, which must be suspended, waits for."""
    frames = [frame for frame in map(frame_of, awaiting(task.get_coro())) if frame is not None]
    own = _own_frames(frames)
    waiter = getattr(task, "_fut_waiter", None)
    for frame in frames[own:]:
        spoken = frame.f_locals.get("self")
        if isinstance(spoken, Spoken):
            return Wait(spoken, frame.f_code.co_name)
    for frame in frames[own:]:
        code, names = frame.f_code, frame.f_locals
        if code is asyncio.sleep.__code__:
            return Wait(None, f"asyncio.sleep({names['delay']:g})")
        if code.co_name in ("wait", "_wait") and "fs" in names:
            return Wait(None, "asyncio.wait", _pending(names["fs"], tasks))
        if "as_completed" in code.co_qualname or "AsCompleted" in code.co_qualname:
            return Wait(None, "asyncio.as_completed")
        if "self" in names and not isinstance(names["self"], asyncio.Timeout):
            target = names["self"]
            group = isinstance(target, asyncio.TaskGroup)
            inside = _pending(getattr(target, "_tasks", ()), tasks) if group else ()
            return Wait(target, code.co_name, inside, name_of(target, frames[:own]))
    return _wait_for_future(waiter, frames[:own], tasks)


def _wait_for_future(
    waiter: Any, frames: Sequence[FrameType], tasks: Sequence[asyncio.Task[Any]]
) -> Wait:
    if isinstance(waiter, asyncio.Task):
        return Wait(waiter, "", (waiter,), name_of(waiter, frames))
    children = getattr(waiter, "_children", None)
    if children is not None:
        return Wait(waiter, "asyncio.gather", _pending(children, tasks))
    inner = tuple(task for task in tasks if waiter is not None and _told(task, waiter))
    call = "asyncio.shield" if inner else ""
    return Wait(waiter, call, inner, name_of(waiter, frames))


def _own_frames(frames: Sequence[FrameType]) -> int:
    """How many of the frames, outermost first, come before what the user's line awaits."""
    kinds = [kind_of_file(frame.f_code.co_filename) for frame in frames]
    kind = USER if USER in kinds else LIBRARY
    return max((place + 1 for place, found in enumerate(kinds) if found == kind), default=0)


def _pending(futures: Any, tasks: Sequence[asyncio.Task[Any]]) -> tuple[asyncio.Future[Any], ...]:
    """Those not done: tasks in order of creation, then other futures."""
    waiting = [future for future in futures if not future.done()]
    wanted, created = {id(future) for future in waiting}, {id(task) for task in tasks}
    known = [task for task in tasks if id(task) in wanted]
    return (*known, *(future for future in waiting if id(future) not in created))


def _told(task: asyncio.Task[Any], future: Any) -> bool:
    """Whether the end of `task` is what resolves `future`: asyncio.shield's closure knows both."""
    for callback, _ in getattr(task, "_callbacks", None) or ():
        for cell in getattr(callback, "__closure__", None) or ():
            if cell.cell_contents is future:
                return not task.done()
    return False


def holders(
    target: Any, waiting: Sequence[asyncio.Task[Any]], tasks: Sequence[asyncio.Task[Any]]
) -> list[asyncio.Task[Any]]:
    """The tasks that have `target`, once for each time; `waiting` are those that wait for it."""
    alive = [task for task in tasks if not task.done()]
    inside = [task for task in alive for _ in range(_times_inside(task, target))]
    if inside:
        return inside
    owner = _owner_by_statistics(target)
    named = [task for task in alive if owner is not None and id(task) == owner]
    if named or not hasattr(target, "release"):
        return named
    asleep = {id(task) for task in waiting}
    return [task for task in alive if id(task) not in asleep and _releases(task, target)]


def _times_inside(task: asyncio.Task[Any], target: Any) -> int:
    count = 0
    chain = list(awaiting(task.get_coro()))
    for coroutine, inner in zip(chain, [*chain[1:], None], strict=True):
        frame = frame_of(coroutine)
        if frame is None or kind_of_file(frame.f_code.co_filename) == PLATFORM:
            continue
        leaving = sum(1 for item in gc.get_referents(coroutine) if _leaves(item, target))
        entering = frame_of(inner)
        if leaving and entering is not None and entering.f_code.co_name in _ENTERING:
            leaving -= entering.f_locals.get("self") is target
        count += leaving
    return count


def _leaves(item: Any, target: Any) -> bool:
    bound = isinstance(item, MethodType) and item.__self__ is target
    return bound and item.__name__ == "__aexit__"


def _owner_by_statistics(target: Any) -> int | None:
    """The owner that an anyio lock names."""
    if type(target).__module__.partition(".")[0] != "anyio" or not hasattr(target, "statistics"):
        return None
    owner = getattr(target.statistics(), "owner", None)
    return getattr(owner, "id", None)


def _releases(task: asyncio.Task[Any], target: Any) -> bool:
    for frame in map(frame_of, awaiting(task.get_coro())):
        if frame is not None and "release" in frame.f_code.co_names and name_of(target, [frame]):
            return True
    return False
