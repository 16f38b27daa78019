"""What a thread waits for: the object, under which name the program knows it, and in words."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from types import FrameType
from typing import Any

from spectest.kernel.clock import FOREVER_NS
from spectest.kernel.trace import SourceLine
from spectest.source.expressions import name_in_source
from spectest.source.names import Spoken, name_of
from spectest.threads.agents import Agent
from spectest.threads.jobs import could_grow, idle, item_of, job_name, runner_of, submitted
from spectest.threads.locks import VirtualLock
from spectest.threads.simple_queue import VirtualSimpleQueue
from spectest.threads.standing import frames_of, inside_of, local_of, user_line
from spectest.threads.things import call_of, called, function_of, kind_of

__all__ = ["Wait", "joined", "lock_of", "runner_of", "thing_of", "wait_of", "what"]

_GETTING_BACK = "_acquire_restore"
_ENTERING = ("acquire", "__enter__", _GETTING_BACK)
_ENDING = ("shutdown", "__exit__")
_FUNCTIONS = ("sleep", "wait", "as_completed")


@dataclass(frozen=True, slots=True)
class Wait:
    """What one thread waits for.

    `target`: the object whose method the program called, None for a function. `call`: that method
    or function; of a condition that was notified, how it gets its lock back. `name`: the expression
    by which the program knows the target, or "". `line`: where. `count`: of futures a function
    waits for.
    """

    target: Any
    call: str
    name: str
    line: SourceLine
    count: int = 0


def wait_of(agent: Agent, *, from_source: bool = False) -> Wait:
    """What the thread, which must stand still, waits for.

    Its name is read from the source. What has none there, or a member of a container, is looked for
    among the variables, but not if `from_source`, for a thread that is going to go on (see
    `spectest.source.expressions`).
    """
    frames = frames_of(agent)
    inside = inside_of(frames)
    line = user_line(frames)
    for frame in inside:
        spoken = local_of(frame, "self")
        if isinstance(spoken, Spoken):
            return Wait(spoken, call_of(frame), "", line)
    for frame in reversed(inside):
        target, call = local_of(frame, "self"), call_of(frame)
        if target is None:
            if call in _FUNCTIONS:
                return Wait(None, _function(frame, call), "", line, _count(frame))
            continue
        name = name_in_source(frames[len(inside)], call) if len(inside) < len(frames) else ""
        if not from_source and (not name or "[" in name):
            name = name_of(target, frames[::-1]) or name
        if isinstance(target, threading.Condition) and _gets_back(frames):
            call = _GETTING_BACK
        return Wait(target, call, name, line)
    return Wait(None, "", "", line)


def _gets_back(frames: list[FrameType]) -> bool:
    """Whether a condition was notified, and its lock is what is waited for by now."""
    return any(frame.f_code.co_name == _GETTING_BACK for frame in frames)


def _function(frame: FrameType, call: str) -> str:
    if call == "sleep":
        return f"time.sleep({local_of(frame, 'seconds') or 0:g})"
    return function_of(frame)


def _count(frame: FrameType) -> int:
    """How many futures `wait` or `as_completed` of `concurrent.futures` still waits for."""
    for name in ("not_done", "pending", "fs"):
        futures = local_of(frame, name)
        if isinstance(futures, set | list | tuple | frozenset):
            return len(futures)
    return 0


def joined(agent: Agent) -> threading.Thread | None:
    """The thread whose end the thread waits for, however deep inside the platform it does."""
    for frame in inside_of(frames_of(agent)):
        target = local_of(frame, "self")
        if frame.f_code.co_name == "join" and isinstance(target, threading.Thread):
            return target
    return None


def lock_of(wait: Wait) -> VirtualLock | None:
    """The lock that is waited for, if it is one."""
    target = wait.target
    if isinstance(target, threading.Condition) and wait.call in _ENTERING:
        target = vars(target)["_lock"]
    return target if isinstance(target, VirtualLock) else None


# Words.


def what(wait: Wait, agent: Agent) -> str:
    """What is waited for, to be put after "waits for"."""
    target, busy = wait.target, agent.alarm
    if isinstance(target, Spoken):
        return target.waited_for
    if busy is not None and busy.kind == "job":
        return f"`{busy.label}`" + (", which never ends" if busy.due_ns >= FOREVER_NS else "")
    if target is None:
        if wait.count:
            return f"{wait.count} future{'s' if wait.count > 1 else ''} in {wait.call}()"
        return wait.call or "work"
    thing = f"{kind_of(target)} `{wait.name}`" if wait.name else kind_of(target)
    if lock_of(wait) is not None:
        return thing
    for cls, words in _WORDS:
        if isinstance(target, cls) and (cls is not Executor or wait.call in _ENDING):
            return words(wait, agent, thing)
    return f"`{wait.name or kind_of(target)}.{wait.call}()`"


def _queue(wait: Wait, agent: Agent, thing: str) -> str:
    target: queue.Queue[Any] = wait.target
    size = target._qsize()  # Its public face takes its lock, and a recording must not.
    if wait.call == "get":
        return f"an item of {thing}" + ("" if size else ", which is empty")
    if wait.call == "put":
        return f"room in {thing}" + (", which is full" if 0 < target.maxsize <= size else "")
    return f"task_done() for {target.unfinished_tasks} of the items of {thing}"


def _thread(wait: Wait, agent: Agent, thing: str) -> str:
    moment = "begin" if wait.call == "start" else "end"
    return f"the thread {called(wait.target, agent)} to {moment}"


def _future(wait: Wait, agent: Agent, thing: str) -> str:
    """Whose result it is, and who works at it."""
    future: Future[Any] = wait.target
    runner = runner_of(future, agent)
    if runner is not None:
        return f"the result of `{job_name(item_of(runner))}`, which {runner.name} runs"
    name, crew = submitted(future, agent)
    if not crew:
        return f"{thing}, which is {future._state.lower()}"
    busy = [worker for worker in crew if not idle(worker)]
    if len(busy) < len(crew) or could_grow(crew):
        return f"the result of `{name}`, which no worker has begun"
    count = "only worker" if len(crew) == 1 else f"{len(crew)} workers"
    verb = "is" if len(crew) == 1 else "are"
    return f"the result of `{name}`, which no worker has begun: the {count} of its pool {verb} busy"


_WORDS: tuple[tuple[type, Callable[[Wait, Agent, str], str]], ...] = (
    (queue.Queue, _queue),
    (threading.Condition, lambda wait, agent, thing: f"a notification by {thing}"),
    (threading.Event, lambda wait, agent, thing: f"{thing}, which is not set"),
    (threading.Semaphore, lambda wait, agent, thing: f"a permit of {thing}"),
    (
        threading.Barrier,
        lambda wait, agent, thing: (
            f"{thing}, where {wait.target.n_waiting} of {wait.target.parties} wait"
        ),
    ),
    (threading.Thread, _thread),
    (Future, _future),
    (Executor, lambda wait, agent, thing: f"the workers of {thing} to end"),
    (VirtualSimpleQueue, lambda wait, agent, thing: f"an item of {thing}, which is empty"),
)


def thing_of(wait: Wait, agent: Agent) -> str:
    """What another thread has to do with it to end the wait, to be put after "woken through"."""
    target = wait.target
    if isinstance(target, Spoken):
        return target.waited_for.partition(", which ")[0]
    if isinstance(target, threading.Thread):
        return f"the {'beginning' if wait.call == 'start' else 'end'} of {called(target, agent)}"
    if target is None or isinstance(target, Future):
        return "a future"
    if wait.name:
        return f"`{wait.name}`"
    noun = kind_of(target).rpartition(".")[2].lower().removeprefix("r")
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
