"""What goes between a process pool and its children: bytes, here from hand to hand.

Everything is pickled and unpickled where real pipes would do it, by the same pickler, so that what
cannot travel fails as it does in production, and nobody shares an argument or a result. Stock
`ProcessPoolExecutor` and its manager thread work on these as on their own queues.
"""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures.process import _CallItem, _ResultItem, _SafeQueue, _WorkItem
from dataclasses import dataclass
from functools import partial
from multiprocessing.reduction import ForkingPickler
from typing import Any

from spectest.executors.children import Child, present_child
from spectest.executors.submissions import NO_TIME, Interval
from spectest.threads.agents import Agent, current
from spectest.threads.locks import WaitingList

__all__ = ["CallQueue", "Context", "Inbox", "Task"]


@dataclass(frozen=True, slots=True)
class Task:
    """What the parent knows of a job.

    `func`: the submitted function. `name`: its name. `interval_ns`: how long it takes. `dies`: its
    child dies of it. `ns_per_byte`: how long one byte of arguments or results is on its way.
    """

    func: Callable[..., Any]
    name: str
    interval_ns: Interval = NO_TIME
    dies: bool = False
    ns_per_byte: float = 0.0

    def begin(self, child: Child, arguments: bytes) -> None:
        """The child has got the call: let its time pass."""
        self._spend(self.name, self.interval_ns, arguments)
        if self.dies:
            child.die()

    def send(self, result: bytes) -> None:
        """Let the time pass that the result is on its way."""
        self._spend(f"{self.name} result", NO_TIME, result)

    def _spend(self, name: str, interval_ns: Interval, data: bytes) -> None:
        on_its_way_ns = round(len(data) * self.ns_per_byte)
        shortest, usual, longest = (part + on_its_way_ns for part in interval_ns)
        if longest:
            agent = _agent()
            agent.baton.operate(agent, "job", name, (shortest, usual, longest))


class Inbox(WaitingList):
    """What the manager waits for: results, a call to look around, the death of a child.

    It stands for the result queue and for the manager's wake-up pipe.
    """

    def __init__(self) -> None:
        super().__init__()
        self._closed = False
        self._rung = False
        self._results: deque[bytes] = deque()

    def put(self, item: Any) -> None:
        """A child sends a result, or its number as a good-bye."""
        child = present_child()
        child.check()
        data = bytes(ForkingPickler.dumps(item))
        if isinstance(item, _ResultItem) and child.task is not None:
            child.task.send(data)
        self._results.append(data)
        self._wake_all()
        agent = _agent()
        agent.baton.point(agent)

    def look(self) -> None:
        """A child has ended."""
        self._wake_all()

    def wakeup(self) -> None:
        """The manager shall look around."""
        self._rung = True
        self._wake_all()

    def clear(self) -> None:
        self._rung = False

    def close(self) -> None:
        self._closed = True

    def wait(self, children: Sequence[Child]) -> tuple[bytes | None, bool]:
        """A result, if there is one; and whether all is well, though there is none."""

        def arrived() -> bool:
            return bool(self._results) or self._rung or any(child.over for child in children)

        agent = _agent()
        agent.baton.point(agent)
        if not arrived():
            agent.idle = True
            self._until(agent, arrived, -1)
            agent.idle = False
        return (self._results.popleft() if self._results else None), self._rung


class CallQueue(WaitingList):
    """The calls that the manager has sent off, and no child has taken. Takes what stock's takes."""

    def __init__(
        self,
        max_size: int = 0,
        *,
        ctx: Context,
        pending_work_items: dict[int, _WorkItem[Any]],
        shutdown_lock: Any,
        thread_wakeup: object,
    ) -> None:
        super().__init__()
        del thread_wakeup
        self.pending_work_items = pending_work_items
        self.shutdown_lock = shutdown_lock
        self.thread_wakeup = ctx.inbox
        self._max_size = max_size
        self._calls: deque[tuple[Task, bytes] | None] = deque()
        self._got: dict[Agent, tuple[Task, bytes] | None] = {}
        self._reader = self

    def full(self) -> bool:
        return len(self._calls) >= self._max_size

    def put(self, call: _CallItem, block: bool = True) -> None:
        """Pickle the call; a failure is the job's, as in the thread that feeds stock's pipe."""
        del block
        task: Any = call.fn
        call.fn = task.func
        try:
            data = bytes(ForkingPickler.dumps(call))
        except Exception as error:  # noqa: BLE001  # stock catches as much
            whole: Any = self
            _SafeQueue._on_queue_feeder_error(whole, error, call)  # noqa: SLF001
            return
        self._send((task, data))

    def put_nowait(self, nothing: None) -> None:
        """Let one child end."""
        if self.full():
            agent = _agent()
            agent.baton.look_in_vain(agent)
            raise queue.Full
        self._send(nothing)

    def _send(self, call: tuple[Task, bytes] | None) -> None:
        self._calls.append(call)
        self._wake_all()

    def get(self, block: bool = True) -> Any:
        """A child waits for a call, and lets its time pass; None: it shall end."""
        del block
        agent, child = _agent(), present_child()
        child.task = None
        agent.baton.point(agent)
        if not self._take(agent):
            agent.idle = True
            self._until(agent, partial(self._take, agent), -1)
            agent.idle = False
        child.check()
        call = self._got.pop(agent)
        if call is None:
            return None
        child.task = call[0]
        call[0].begin(child, call[1])
        return ForkingPickler.loads(call[1])

    def _take(self, agent: Agent) -> bool:
        if not self._calls:
            return False
        self._got[agent] = self._calls.popleft()
        if self._woken and not self._calls:
            self._taken()
        return True

    def close(self) -> None:
        """No pipe needs closing."""

    join_thread = _terminate_broken = close


class Context:
    """What a pool needs of a `multiprocessing` context that starts processes by `method`."""

    def __init__(self, method: str) -> None:
        self.inbox = Inbox()
        self._method = method
        self.Process = self._process
        self.SimpleQueue = lambda: self.inbox

    def get_start_method(self, allow_none: bool = False) -> str:
        del allow_none
        return self._method

    def _process(self, target: Callable[..., object], args: tuple[Any, ...]) -> Child:
        calls, results, *others = args
        handed = _handed_over(others, fork=self._method == "fork")
        return Child(self._method, target, (calls, results, *handed), self.inbox.look)


def _handed_over(parts: list[Any], *, fork: bool) -> list[Any]:
    """What a child is given when it starts: a copy; a forked one also what cannot be pickled."""
    try:
        return [ForkingPickler.loads(ForkingPickler.dumps(part)) for part in parts]
    except Exception as error:
        if fork or "through inheritance" in str(error):
            return parts
        raise


def _agent() -> Agent:
    agent = current()
    assert agent is not None
    return agent
