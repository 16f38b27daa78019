"""What the turns of an execution were, as a score that real threads can play from.

A `TurnScore` is written down in a rehearsal on virtual time. It is a sequence of *ticks*: at each
of them one thread went on, after it had waited or had been kept from the processor, or one event
loop polled its selector. The rehearsal also notes at which of its choice points a thread lost the
processor, for a real thread has to be told to pause there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from spectest.threads.agents import Agent, Loop
from spectest.threads.lives import Threads

__all__ = ["RehearsedThreads", "Tick", "TurnScore"]


@dataclass(frozen=True, slots=True)
class Tick:
    """One moment at which a thread went on. `timed_out`: the alarm of its wait had gone off.

    `polls`: it is the poll of an event loop.
    """

    number: int
    agent: str
    instant_ns: int
    timed_out: bool = False
    polls: bool = False


@dataclass(slots=True)
class TurnScore:
    """The ticks; by thread, their numbers; by thread, at which of its points it lost the processor.

    `arrivals`: by the label of a loop's sleep or timer, the tick of the poll that found it due.
    """

    ticks: list[Tick] = field(default_factory=list)
    by_agent: dict[str, list[int]] = field(default_factory=dict)
    lost_at: dict[str, set[int]] = field(default_factory=dict)
    arrivals: dict[str, int] = field(default_factory=dict)

    def add(self, agent: Agent, instant_ns: int, *, polls: bool = False) -> int:
        """Write down one tick; its number."""
        number = len(self.ticks)
        self.ticks.append(Tick(number, agent.name, instant_ns, agent.timed_out, polls))
        self.by_agent.setdefault(agent.name, []).append(number)
        return number


class RehearsedThreads(Threads):
    """The usual threads, which write down `score`."""

    def __init__(self, score: TurnScore, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.watchful = True
        self._score = score
        self._points: dict[Agent, int] = {}
        self._polling: Agent | None = None

    def point(self, agent: Agent) -> None:
        if self._polling is agent:
            super().point(agent)
            return
        count = self._points[agent] = self._points.get(agent, 0) + 1
        before = len(self._score.by_agent.get(agent.name, ()))
        super().point(agent)
        if len(self._score.by_agent.get(agent.name, ())) > before:
            self._score.lost_at.setdefault(agent.name, set()).add(count)

    def _comes(self, agent: Agent) -> None:
        super()._comes(agent)
        self._score.add(agent, self.now_ns(agent))

    def polls(self, agent: Agent, loop: Loop) -> None:
        before, self._polling = self._polling, agent
        try:
            super().polls(agent, loop)
        finally:
            self._polling = before
        self.polled(agent, loop.arriving())

    def polled(self, agent: Agent, arrived: Sequence[Any]) -> None:
        number = self._score.add(agent, self.now_ns(agent), polls=True)
        for handle in arrived:
            self._score.arrivals[handle.operation.label] = number
