"""The same threads, writing down what happens, why, and at which line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spectest.kernel.observers import TraceRecorder
from spectest.kernel.operations import Operation
from spectest.kernel.trace import NOWHERE
from spectest.kernel.turns import turn_of
from spectest.source.lines import here, raised_at
from spectest.threads.agents import Agent
from spectest.threads.lives import Threads
from spectest.threads.waiting import held_up_in, where

__all__ = ["RecordingThreads"]


class RecordingThreads(Threads):
    """Threads with a recorder.

    An agent inside an event loop is silent here: the loop tells of its tasks.
    """

    def __init__(self, recorder: TraceRecorder, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._recorder = recorder
        self._starts: dict[int, int] = {}
        self._causes: dict[Agent, int] = {}
        self._endings: dict[Agent, BaseException] = {}
        self._introduced = False

    def _emit(self, kind: str, subject: str, agent: Agent, **fields: Any) -> int:
        if agent is self.main and not self._introduced and not agent.loops:
            self._introduced = True
            detail = str(agent.chain)
            self._recorder.emit("thread", agent.name, cause=-1, detail=detail)
            self._recorder.current = self._recorder.emit(
                "step", agent.name, task=agent.name, cause=-1
            )
        return self._recorder.emit(kind, subject, task=self._speaker(agent), **fields)

    def _speaker(self, agent: Agent) -> str:
        return agent.name if agent.looping is None else ""

    # Lives.

    def _born(self, agent: Agent) -> None:
        starter = self.current or self.main
        number = self._emit("thread", agent.name, starter, where=here(2), detail=str(agent.chain))
        self._causes[agent] = number

    def _dies(self, agent: Agent) -> None:
        error = self._endings.pop(agent, None)
        detail = "returned" if error is None else f"raised {type(error).__name__}"
        place = NOWHERE if error is None else raised_at(error)
        self._emit("end", agent.name, agent, where=place, detail=detail)

    def failed(self, agent: Agent, error: BaseException) -> None:
        super().failed(agent, error)
        self._endings[agent] = error

    # Operations.

    def _begins(self, agent: Agent, operation: Operation) -> None:
        length_ms = max(operation.nominal_ns - operation.started_ns, 0) / 1e6
        self._starts[operation.number] = self._emit(
            "start",
            operation.label,
            agent,
            where=where(agent),
            detail=f"{operation.kind} {length_ms:.6f}",
        )

    def _completes(self, agent: Agent, operation: Operation) -> None:
        cause = self._starts.pop(operation.number, -1)
        number = self._recorder.emit("complete", operation.label, cause=cause)
        self._causes[agent] = number

    # Turns.

    def _waits(self, agent: Agent) -> None:
        pool = held_up_in(agent)
        if pool:
            self._emit("held", pool, agent, where=where(agent))

    def _woken(self, agent: Agent) -> None:
        self._causes[agent] = self._recorder.current

    def _goes(self, agent: Agent) -> None:
        if agent not in self._causes:
            self._causes[agent] = self._recorder.current
        agent.cause = self._recorder.current

    def _comes(self, agent: Agent) -> None:
        cause = self._causes.pop(agent, agent.cause)
        if agent.loops:
            self._recorder.current = agent.cause
            return
        place = where(agent)
        self._recorder.current = -1
        self._recorder.current = self._emit("step", agent.name, agent, cause=cause, where=place)

    def _overtaken(self, agents: Sequence[Agent]) -> None:
        for agent in agents:
            self._emit("overtaken", turn_of(agent), agent, where=where(agent))
