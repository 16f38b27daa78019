"""The same program on stock asyncio and on ours, each giving a log to compare.

Stock asyncio runs on a clock that jumps instead of waiting: an infinitely fast machine with a real
clock. Its readings all differ, as those of a real clock do, by less than anything a program here
waits for, so that timers are ordered by when they were set; its selector returns on whole
milliseconds, so that what is due at one of them is due at one poll, as with epoll. Sets of tasks
iterate in order of creation on both sides.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any

from spectest.errors import Deadlock
from spectest.eventloop.loop import VirtualEventLoop
from spectest.eventloop.sets import ordered_sets
from spectest.kernel.choices import Door
from spectest.kernel.identity import Identities
from spectest.kernel.plan import Plan
from spectest.world import Limits, World

MS = 0.001
_BETWEEN_READINGS = 1e-9

Log = list[Any]
Program = Callable[[Log], Awaitable[Any]]


class JumpingSelector(selectors.DefaultSelector):
    """Sleeps by moving the clock of its loop."""

    loop: StockLoop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise Deadlock("stock asyncio would wait for ever", blocked=())
        if timeout > 0:
            self.loop.jump(timeout)
        return super().select(0)


class StockTask(asyncio.Task):  # type: ignore[type-arg]
    """A task with a place of its own in sets."""

    _hash: int

    def __hash__(self) -> int:
        if not hasattr(self, "_hash"):
            loop: Any = self.get_loop()
            self._hash = loop.identities.next_hash()
        return self._hash


StockTask.__name__ = StockTask.__qualname__ = "Task"


class StockLoop(asyncio.SelectorEventLoop):
    """CPython's loop on a clock that jumps."""

    def __init__(self) -> None:
        selector = JumpingSelector()
        super().__init__(selector)
        selector.loop = self
        self.identities = Identities(Door(Plan()))
        self._whole_ms = 0
        self._readings = 0

    def time(self) -> float:
        self._readings += 1
        return self._whole_ms * MS + self._readings * _BETWEEN_READINGS

    def create_task(self, coro: Any, **kwargs: Any) -> asyncio.Task[Any]:
        if self.get_task_factory() is None:
            return StockTask(coro, loop=self, **kwargs)
        return super().create_task(coro, **kwargs)

    def jump(self, seconds: float) -> None:
        self._whole_ms = max(self._whole_ms, round((self.time() + seconds) / MS))


def log_with(loop_factory: Callable[[], Any], program: Program, *, debug: bool = False) -> Log:
    """What `program` logs, and how it ends."""
    log: Log = []

    async def main() -> Any:
        return await program(log)

    with ordered_sets():
        try:
            with asyncio.Runner(loop_factory=loop_factory, debug=debug) as runner:
                result = runner.run(main())
            log.append(("result", result))
        except Deadlock:
            log.append("deadlock")
        except Exception as error:
            log.append(("raised", type(error).__name__, str(error)))
    return log


def stock_log(program: Program, *, debug: bool = False) -> Log:
    return log_with(StockLoop, program, debug=debug)


def real_log(program: Program) -> Log:
    """On the real clock."""
    return log_with(asyncio.SelectorEventLoop, program)


def virtual_log(program: Program, *, debug: bool = False) -> Log:
    """On a bare `VirtualEventLoop`."""
    return log_with(VirtualEventLoop, program, debug=debug)


def world_log(program: Program) -> Log:
    """In a world under the empty plan."""
    log: Log = []
    try:
        log.append(("result", World(limits=Limits(leaks="ignore")).run(lambda: program(log))))
    except Exception as error:
        log.append(("raised", type(error).__name__, str(error)))
    return log
