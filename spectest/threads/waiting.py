"""Which thread waits for what, and who has it: the sentences of a deadlock or a leak."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future
from concurrent.futures import thread as pools
from dataclasses import dataclass
from types import FrameType
from typing import Any, TypeVar

from spectest.kernel.trace import NOWHERE, SourceLine
from spectest.source.lines import LIBRARY, PLATFORM, calling_frame, kind_of_file, line_of, shown
from spectest.source.names import name_of
from spectest.threads.agents import Agent
from spectest.threads.locks import VirtualLock, VirtualRLock
from spectest.threads.simple_queue import VirtualSimpleQueue

__all__ = ["Wait", "describe", "first_cycle", "held_up_in", "idle", "wait_of", "where"]

N = TypeVar("N", bound=Hashable)
_ENTERING = ("acquire", "__enter__", "_acquire_restore")


@dataclass(frozen=True, slots=True)
class Wait:
    """What one thread waits for.

    `target`: the object whose method the user's code called, None for a function. `call`: that
    method or function. `name`: the expression by which the user's frame knows the target, or "".
    `line`: where.
    """

    target: Any
    call: str
    name: str
    line: SourceLine


def frames_of(agent: Agent) -> list[FrameType]:
    """The frames of the thread, innermost first."""
    frames = []
    frame = sys._current_frames().get(agent.ident)
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames


def where(agent: Agent) -> SourceLine:
    """The user's line at which the thread stands, or NOWHERE."""
    frame = calling_frame(sys._current_frames().get(agent.ident))
    return NOWHERE if frame is None else line_of(frame)


def wait_of(agent: Agent) -> Wait:
    """What the thread, which must stand still, waits for."""
    frames = frames_of(agent)
    kinds = [kind_of_file(frame.f_code.co_filename) for frame in frames]
    own = next((at for at, kind in enumerate(kinds) if kind != PLATFORM), len(frames))
    inside = frames[:own] if own < len(frames) else []
    user = calling_frame(frames[0]) if frames else None
    line = NOWHERE if user is None else line_of(user)
    for frame in reversed(inside):
        target = frame.f_locals.get("self")
        if target is not None:
            return Wait(target, frame.f_code.co_name, name_of(target, frames[::-1]), line)
        if frame.f_code.co_name in ("sleep", "wait", "as_completed"):
            return Wait(None, _function(frame), "", line)
    return Wait(None, "", "", line)


def _function(frame: FrameType) -> str:
    module = frame.f_globals.get("__name__", "")
    if module.startswith("spectest"):
        return f"time.sleep({frame.f_locals.get('seconds', 0):g})"
    return "concurrent.futures." + frame.f_code.co_name


def idle(agent: Agent) -> bool:
    """Whether the thread is a pool's worker that has nothing to do."""
    codes = [frame.f_code for frame in frames_of(agent)]
    return pools._worker.__code__ in codes and pools._WorkItem.run.__code__ not in codes


def describe(agents: Sequence[Agent]) -> list[str]:
    """One line for each thread: for what it waits, where, and who has it; one more for a circle.

    An event loop's thread that waits in its poll speaks for its tasks.
    """
    lines: list[str] = []
    edges: dict[Agent, list[Agent]] = {}
    waits: dict[Agent, Wait] = {}
    for agent in agents:
        if agent.looping is not None:
            lines += agent.looping.describe_blocked()
            edges[agent] = []
            continue
        wait = waits[agent] = wait_of(agent)
        edges[agent] = holders(wait, agents)
        lines.append(_sentence(agent, wait, edges[agent]))
    circle = first_cycle(list(edges), edges)
    if circle:
        links = zip(circle, [*circle[1:], circle[0]], strict=True)
        lines.append("a cycle: " + "; ".join(_link(a, waits[a], b) for a, b in links))
    return lines


def holders(wait: Wait, agents: Iterable[Agent]) -> list[Agent]:
    """The threads that would have to do something for this wait to end, as far as is known."""
    lock = _lock_of(wait)
    if lock is not None:
        return [lock.holder] if lock.holder is not None else []
    if isinstance(wait.target, threading.Thread):
        return [agent for agent in agents if agent.thread is wait.target]
    return []


def _lock_of(wait: Wait) -> VirtualLock | None:
    target = wait.target
    if isinstance(target, threading.Condition) and wait.call in _ENTERING:
        target = vars(target)["_lock"]
    return target if isinstance(target, VirtualLock) else None


def _sentence(agent: Agent, wait: Wait, holding: Sequence[Agent]) -> str:
    line = wait.line
    place = f"at {shown(line.file)}:{line.line} in {line.function}" if line else "outside your code"
    return f"{agent.name} waits for {_what(wait)}{_whose(agent, wait, holding)}, {place}"


def _what(wait: Wait) -> str:
    """What is waited for, in words."""
    target, name = wait.target, f" `{wait.name}`" if wait.name else ""
    kind = _kind(target)
    if target is None:
        return wait.call or "work"
    if isinstance(target, threading.Condition) and wait.call not in _ENTERING:
        return f"a notification by {kind}{name}"
    if isinstance(target, queue.Queue):
        return _queue(target, wait.call).format(f"{kind}{name}")
    if isinstance(target, VirtualLock | threading.Condition):
        return f"{kind}{name}"
    for cls, words in _WAITS:
        if isinstance(target, cls):
            return words(target).format(f"{kind}{name}")
    return f"{kind}.{wait.call}(){' of' if name else ''}{name}"


_WAITS: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (threading.Event, lambda event: "{}, which is not set"),
    (threading.Semaphore, lambda semaphore: "a permit of {}"),
    (threading.Barrier, lambda it: f"{{}}, where {it.n_waiting} of {it.parties} wait"),
    (threading.Thread, lambda thread: f"the thread {thread.name} to end"),
    (Future, lambda future: f"{{}}, which is {future._state.lower()}"),
    (Executor, lambda pool: "the workers of {} to end"),
    (VirtualSimpleQueue, lambda simple: "an item of {}, which is empty"),
)


def _kind(target: Any) -> str:
    if isinstance(target, VirtualLock):
        return "threading.RLock" if isinstance(target, VirtualRLock) else "threading.Lock"
    if isinstance(target, VirtualSimpleQueue):
        return "queue.SimpleQueue"
    return f"{type(target).__module__.partition('.')[0]}.{type(target).__qualname__}"


def _queue(target: queue.Queue[Any], call: str) -> str:
    if call == "get":
        return "an item of {}" + ("" if target.qsize() else ", which is empty")
    if call == "put":
        return "room in {}" + (", which is full" if target.full() else "")
    return "task_done() for every item of {}"


def _whose(agent: Agent, wait: Wait, holding: Sequence[Agent]) -> str:
    lock = _lock_of(wait)
    if lock is None:
        return ""
    if not holding:
        return ", which no thread of the program holds"
    [holder] = holding
    if holder is agent:
        return ", which it holds itself"
    return f", held by {holder.name}" + (", which has ended" if holder.state == "ended" else "")


def _link(agent: Agent, wait: Wait, other: Agent) -> str:
    if other is agent:
        return f"{agent.name} waits for itself"
    if isinstance(wait.target, threading.Thread):
        return f"{agent.name} waits for {other.name} to end"
    thing = f"`{wait.name}`" if wait.name else f"a {_kind(wait.target)}"
    return f"{agent.name} waits for {thing} held by {other.name}"


def held_up_in(agent: Agent) -> str:
    """If the thread stands at the end of a `with` block of an executor: the executor's class."""
    for frame in frames_of(agent):
        if frame.f_code is Executor.__exit__.__code__:
            return type(frame.f_locals["self"]).__name__
        if kind_of_file(frame.f_code.co_filename) >= LIBRARY:
            break
    return ""


def first_cycle(nodes: Sequence[N], edges: Mapping[N, Sequence[N]]) -> list[N]:
    """The first cycle met on the way from each node to those it depends on, or nothing."""
    finished: set[N] = set()
    for start in nodes:
        path: list[N] = [start]
        branches = [iter(edges[start])]
        while path:
            following = next(branches[-1], None)
            if following is None:
                finished.add(path.pop())
                branches.pop()
            elif following in path:
                return path[path.index(following) :]
            elif following in edges and following not in finished:
                path.append(following)
                branches.append(iter(edges[following]))
    return []
