"""`PerformedLoop`: asyncio's own selector loop in a program whose threads play from a score.

See `StockLoop`, of which it is one, for programs without other threads. Here the loop polls its
selector when the score says that it does, whoever else runs meanwhile, and its sleeps fall due at
the poll at which they do in the score. Its own deadlines are left alone.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import Any

from spectest.eventloop.stock import StockLoop
from spectest.kernel.scheduler import Scheduler
from spectest.threads.agents import Agent, current
from spectest.threads.performers import Performers

__all__ = ["PerformedLoop"]


class _PacedSelector(selectors.DefaultSelector):
    """The platform's selector, asked only when it is the loop's turn."""

    loop: PerformedLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        loop = self.loop
        loop.polls()
        if not loop.performers.over:
            agent = loop.agent
            agent.looping = loop
            try:
                loop.performers.polls(agent, loop)
            finally:
                agent.looping = None
        elif not loop.busy():
            loop.stop()
        return super().select(0)


class PerformedLoop(StockLoop):
    """A stock event loop among `performers`."""

    def __init__(self, performers: Performers, scheduler: Scheduler) -> None:
        self.performers = performers
        self._main = performers.main
        self._readings = 0
        selector = _PacedSelector()
        selector.loop = self
        super().__init__(None, scheduler, selector)

    @property
    def agent(self) -> Agent:
        """The thread that runs the loop."""
        return current() or self._main

    def time(self) -> float:
        self._readings += 1
        return self.performers.loop_time(current(), self._readings)

    def _planned(self, label: str, when: float) -> float:
        return self.performers.due(label, when)

    def _noted(self, label: str, handle: asyncio.TimerHandle) -> None:
        """The score knows what arrives at which poll."""

    def busy(self) -> bool:
        """Whether a poll must not wait."""
        return bool(self._ready) or self._stopping

    def arriving(self) -> list[Any]:
        """Only a rehearsal asks."""
        return []

    def close(self) -> None:
        """Like stock."""
        asyncio.SelectorEventLoop.close(self)

    def describe_blocked(self) -> list[str]:
        return self.waits()

    def nothing_happens(self, stage: Any) -> None:
        """The score has no more polls."""
        if self.draining_until_ns is not None or self.performers.over:
            self.stop()
        elif not self.busy():
            self.performers.beyond(self.agent)
