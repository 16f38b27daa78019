"""Who waits for what: the sentences of a deadlock, a leak or a livelock."""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from spectest.eventloop.blocking import Wait, holders, wait_of
from spectest.source.lines import shown_line, suspended_at
from spectest.source.names import Spoken

__all__ = ["awaited", "busiest", "describe", "label_of", "running_task", "task_of"]

_ENTERING = ("__aenter__", "acquire")


def label_of(task: Any) -> str:
    """The name the user gave the task, else its coroutine's and the number of the task."""
    name: str = task.get_name()
    coroutine = task.get_coro()
    if not name.startswith("Task-") or coroutine is None:
        return name
    return f"{getattr(coroutine, '__name__', 'task')} ({name})"


def running_task() -> asyncio.Task[Any] | None:
    """The task that runs in the calling thread, None if none does."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def task_of(handle: asyncio.Handle) -> asyncio.Task[Any] | None:
    """The task that this callback continues, or None."""
    owner = getattr(handle._callback, "__self__", None)  # type: ignore[attr-defined]
    return owner if isinstance(owner, asyncio.Task) else None


def busiest(ready: Iterable[asyncio.Handle]) -> str | None:
    """The task that has most callbacks in the ready queue, the first of equals.

    At the moment a budget runs out these are the ones that cannot stop. A loop of plain callbacks
    has no task: then the name of the callback.
    """
    handles = [handle for handle in ready if not handle._cancelled]
    tasks = [task for task in map(task_of, handles) if task is not None]
    if tasks:
        return Counter(map(label_of, tasks)).most_common(1)[0][0]
    callbacks = [handle._callback for handle in handles]  # type: ignore[attr-defined]
    names = [getattr(callback, "__qualname__", "") for callback in callbacks]
    return Counter(filter(None, names)).most_common(1)[0][0] if any(names) else None


def awaited(task: asyncio.Task[Any], tasks: Sequence[asyncio.Task[Any]]) -> str:
    """What the suspended `task`, one of `tasks`, waits for, in words."""
    return _what(task, wait_of(task, [one for one in tasks if not one.done()]))


def describe(tasks: Sequence[asyncio.Task[Any]]) -> list[str]:
    """One line for each task that is not done: for what it waits, where, and who has it.

    One more line if some of them wait for each other in a circle.
    """
    alive = [task for task in tasks if not task.done()]
    waits = {id(task): wait_of(task, alive) for task in alive}
    held = _holders(waits, alive)
    lines = [_sentence(task, waits[id(task)], held[id(task)]) for task in alive]
    circle = _circle(alive, {key: [*waits[key].tasks, *held[key]] for key in held})
    if circle:
        links = zip(circle, [*circle[1:], circle[0]], strict=True)
        lines.append("a cycle: " + "; ".join(_link(a, waits[id(a)], b) for a, b in links))
    return lines


def _holders(
    waits: dict[int, Wait], alive: Sequence[asyncio.Task[Any]]
) -> dict[int, list[asyncio.Task[Any]]]:
    """For each task, by `id`, who has what it waits for; many may wait for the same."""
    queues: dict[int, list[asyncio.Task[Any]]] = {}
    for task in alive:
        queues.setdefault(id(waits[id(task)].target), []).append(task)
    found: dict[int, list[asyncio.Task[Any]]] = {}
    held: dict[int, list[asyncio.Task[Any]]] = {}
    for task in alive:
        wait = waits[id(task)]
        target = wait.target
        if not _is_held(wait):
            held[id(task)] = []
            continue
        if id(target) not in found:
            found[id(target)] = holders(target, queues[id(target)], alive)
        held[id(task)] = found[id(target)]
    return held


def _is_held(wait: Wait) -> bool:
    """Whether it is a thing that somebody has."""
    if wait.target is None or wait.tasks or isinstance(wait.target, asyncio.Future):
        return False
    return _kind(wait) in ("lock", "permit", "object")


def _sentence(task: asyncio.Task[Any], wait: Wait, holding: Sequence[asyncio.Task[Any]]) -> str:
    line = suspended_at(task.get_coro())
    place = f"at {shown_line(line)}" if line else "outside your code"
    if inspect.iscoroutine(task.get_coro()) and task.get_coro().cr_await is None:  # type: ignore[union-attr]
        return f"{label_of(task)} has not begun, {place}"
    spoken = isinstance(wait.target, Spoken)
    what = wait.target.waited_for if spoken else _what(task, wait)
    return f"{label_of(task)} waits for {what}{_whose(wait, holding)}, {place}"


def _kind(wait: Wait) -> str:
    match wait.target:
        case asyncio.Condition() if wait.call in ("wait", "wait_for"):
            return "notification"
        case asyncio.Lock() | asyncio.Condition():
            return "lock"
        case asyncio.Semaphore():
            return "permit"
        case asyncio.Event() | asyncio.Queue() | asyncio.Barrier() | asyncio.TaskGroup():
            return "signal"
    return "object"


def _what(task: asyncio.Task[Any], wait: Wait) -> str:
    """What is waited for, in words."""
    target, name = wait.target, f" `{wait.name}`" if wait.name else ""
    if wait.tasks and not isinstance(target, asyncio.TaskGroup):
        names = ", ".join("itself" if other is task else _label(other) for other in wait.tasks)
        return f"{wait.call} of {names}" if wait.call else f"the task {names}"
    match target:
        case None:
            return wait.call or "something that is no future"
        case asyncio.TaskGroup():
            return f"asyncio.TaskGroup{name} to end: {', '.join(map(_label, wait.tasks))}"
        case asyncio.Queue():
            return _queue(target, wait.call).format(f"asyncio.{type(target).__name__}{name}")
        case asyncio.Condition() if _kind(wait) == "notification":
            return f"a notification by asyncio.Condition{name}"
        case asyncio.Event():
            return f"asyncio.Event{name}, which is not set"
        case asyncio.Barrier():
            return f"asyncio.Barrier{name}, where {target.n_waiting} of {target.parties} wait"
        case asyncio.Future():
            return f"the future{name}" if name else "a future"
    package, kind = type(target).__module__.partition(".")[0], type(target).__qualname__
    if wait.call in _ENTERING:
        return f"{package}.{kind}{name}"
    return f"{package}.{kind}.{wait.call}(){' of' if name else ''}{name}"


def _queue(queue: asyncio.Queue[Any], call: str) -> str:
    if call == "get":
        return "an item of {}" + (", which is empty" if queue.empty() else "")
    if call == "put":
        return "room in {}" + (", which is full" if queue.full() else "")
    return "task_done() for every item of {}"


def _whose(wait: Wait, holding: Sequence[asyncio.Task[Any]]) -> str:
    """Who has it, as the end of a sentence."""
    if holding:
        counts = Counter(map(label_of, holding))
        names = [label if n == 1 else f"{label} ({n} times)" for label, n in counts.items()]
        return f", held by {', '.join(names)}"
    if _kind(wait) not in ("lock", "permit") and wait.call not in _ENTERING:
        return ""
    locked = getattr(wait.target, "locked", None)
    if locked is None:
        return ""
    return ", which no living task holds" + ("" if locked() else " and which is free")


def _label(future: asyncio.Future[Any]) -> str:
    return label_of(future) if isinstance(future, asyncio.Task) else "a future"


def _link(task: asyncio.Task[Any], wait: Wait, other: asyncio.Task[Any]) -> str:
    if other is task:
        return f"{label_of(task)} waits for itself"
    if wait.tasks:
        return f"{label_of(task)} waits for {label_of(other)}"
    thing = f"`{wait.name}`" if wait.name else f"the {type(wait.target).__name__}"
    return f"{label_of(task)} waits for {thing} held by {label_of(other)}"


def _circle(
    alive: Sequence[asyncio.Task[Any]], edges: dict[int, list[Any]]
) -> list[asyncio.Task[Any]]:
    """The first cycle met on the way from each task to the ones it depends on."""
    finished: set[int] = set()
    for start in alive:
        path: list[asyncio.Task[Any]] = [start]
        branches = [iter(edges[id(start)])]
        while path:
            following = next(branches[-1], None)
            if following is None:
                finished.add(id(path.pop()))
                branches.pop()
            elif any(following is task for task in path):
                return path[next(i for i, task in enumerate(path) if task is following) :]
            elif id(following) in edges and id(following) not in finished:
                path.append(following)
                branches.append(iter(edges[id(following)]))
    return []
