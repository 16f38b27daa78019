"""Jobs of thread pools: who works at which, and which of them nobody has begun."""

from __future__ import annotations

import functools
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import thread as pools
from typing import Any

from spectest.threads.agents import Agent
from spectest.threads.simple_queue import VirtualSimpleQueue
from spectest.threads.standing import JOB, frames_of, local_of

__all__ = ["WORKER", "could_grow", "idle", "item_of", "job_name", "runner_of", "submitted"]

WORKER = pools._worker.__code__
"""What a worker of a pool runs from its beginning to its end."""


def idle(agent: Agent) -> bool:
    """Whether the thread is a pool's own and has nothing to do."""
    if agent.idle:
        return True
    codes = [frame.f_code for frame in frames_of(agent)]
    return WORKER in codes and JOB not in codes


def item_of(agent: Agent) -> Any:
    """What the thread works at as the worker of a pool: CPython's `_WorkItem`, or None."""
    run = next((frame for frame in frames_of(agent) if frame.f_code is JOB), None)
    return None if run is None else local_of(run, "self")


def job_name(item: Any) -> str:
    """The name of the function that was submitted; what `to_thread` wraps it in is taken off."""
    function: Any = getattr(item, "fn", None)
    while isinstance(function, functools.partial):
        runs_another = getattr(function.func, "__qualname__", "") == "Context.run"
        function = function.args[0] if runs_another and function.args else function.func
    return getattr(function, "__name__", None) or type(function).__name__


def runner_of(future: Future[Any], agent: Agent) -> Agent | None:
    """The worker that works at `future`."""
    for other in agent.baton.agents:
        item = item_of(other)
        if item is not None and item.future is future:
            return other
    return None


def submitted(future: Future[Any], agent: Agent) -> tuple[str, list[Agent]]:
    """The name of a job that nobody has begun, and the workers of its pool."""
    crews: dict[int, list[Agent]] = {}
    for worker in agent.baton.agents:
        pool = _pool_of(worker)
        if pool is not None:
            crews.setdefault(id(pool), []).append(worker)
    for crew in crews.values():
        pool = _pool_of(crew[0])
        for item in _items(pool._work_queue) if pool is not None else ():
            if item is not None and item.future is future:
                return job_name(item), crew
    return "", []


def _pool_of(agent: Agent) -> ThreadPoolExecutor | None:
    """The pool whose worker the thread is."""
    if getattr(agent.thread, "_target", None) is not pools._worker:
        return None
    pool = agent.thread._args[0]()
    return pool if isinstance(pool, ThreadPoolExecutor) else None


def _items(waiting: Any) -> list[Any]:
    """What is in a queue, in order: all of it is taken out and put back, while nobody else runs."""
    if not isinstance(waiting, VirtualSimpleQueue):
        return []
    inner = waiting._inner
    items = [inner.get_nowait() for _ in range(inner.qsize())]
    for item in items:
        inner.put(item)
    return items


def could_grow(crew: list[Agent]) -> bool:
    """Whether the pool of these workers may have more of them."""
    pool = _pool_of(crew[0])
    return pool is not None and len(crew) < pool._max_workers
