"""Handing the baton on, and what happens when its holder is busy in the real world.

A thread that blocks for real (on a file, a lock made before the world, a socket) keeps the baton
and would keep everybody waiting. Somebody outside notices (`watchdog`) and takes the baton away:
the others go on without it, until none of them can run at this instant. Then they wait for it, in
real time, for the virtual clock must not move meanwhile. One that comes back earlier waits for that
moment too, so that the order of turns does not depend on how fast the real world is.
"""

from __future__ import annotations

import _thread
from typing import cast

from spectest.errors import RealWorldError
from spectest.threads import agents as states
from spectest.threads.agents import Agent, Stage, WorldEnded

__all__ = ["HandOver"]

_allocate_lock = _thread.allocate_lock
_PATIENCE_S = 3.0
_MOST_LIVES = 1_000


class HandOver:
    """Who holds the baton (`current`), and who could run (`runnable`).

    `expecting`: nobody can run before somebody comes back from the real world.
    """

    def __init__(self) -> None:
        self.main = Agent(cast("Stage", self), "main", 0, None)
        self.agents: list[Agent] = []
        self.runnable: list[Agent] = []
        self.current: Agent | None = self.main
        self.verdict: BaseException | None = None
        self._away: list[Agent] = []
        self._returned: list[Agent] = []
        self._came_back = _allocate_lock()
        self._came_back.acquire()
        self._mutex = _allocate_lock()
        self._ending = False
        self.expecting = False

    # The usual way.

    def _go_on(self, agent: Agent, chosen: Agent) -> None:
        """Hand the baton on, unless to oneself, and stand still until it comes back."""
        if chosen is not agent:
            self._goes(agent)
            self._pass(agent, chosen)
            self._stand(agent)
        self._resume(agent)

    def _pass(self, agent: Agent, chosen: Agent) -> None:
        with self._mutex:
            if self.current is agent:
                self.current = chosen
                chosen.gate.release()
            else:
                # It was taken away meanwhile: `agent` decides nothing any more.
                if chosen not in self.runnable:
                    self.runnable.insert(0, chosen)
                self._report_back(agent)

    def _stand(self, agent: Agent) -> None:
        try:
            agent.gate.acquire()
        except BaseException:
            self._seize(agent)
            raise

    def _resume(self, agent: Agent) -> None:
        agent.state = states.RUNNING
        if agent.doomed:
            raise WorldEnded
        self._comes(agent)
        if agent.error is not None:
            error, agent.error = agent.error, None
            raise error

    def _goes(self, agent: Agent) -> None:
        """`agent` gives the baton on."""

    def _comes(self, agent: Agent) -> None:
        """`agent` has got the baton."""

    # Away in the real world.

    def take_away(self, holder: Agent) -> bool:
        """`holder` is busy in the real world: let others go on. Whether there are any."""
        with self._mutex:
            if self.current is not holder or not self.runnable:
                return False
            self._send_away(holder)
            self.current = self.runnable.pop(0)
            self.current.gate.release()
            return True

    def give_up(self, holder: Agent, error: RealWorldError) -> None:
        """`holder` does not come back from the real world: that is how the program ends."""
        with self._mutex:
            if self.current is not holder:
                return
            self._send_away(holder)
            self.verdict = self.verdict or error
            self.main.error = error
            self.current = self.main
            if holder is self.main:
                self.current = None
            else:
                self._withdraw(self.main)
                self.main.gate.release()

    def _send_away(self, holder: Agent) -> None:
        holder.state = states.AWAY
        self._away.append(holder)

    def _withdraw(self, agent: Agent) -> None:
        if agent in self.runnable:
            self.runnable.remove(agent)

    def _late(self, agent: Agent) -> bool:
        """`agent` runs and does not hold the baton. Whether its world is ending around it."""
        if agent.doomed:
            agent.vain += 1
            if agent.vain > _MOST_LIVES:
                agent.gate.acquire()  # It catches everything and never ends: it stands here now.
            return True
        with self._mutex:
            self._report_back(agent)
        self._stand(agent)
        self._resume(agent)
        return False

    def _report_back(self, agent: Agent) -> None:
        if agent in self._away:
            self._away.remove(agent)
        self._returned.append(agent)
        agent.state = states.RUNNABLE
        if self.current is None and agent is self.main:
            self._returned.remove(agent)
            self.current = agent
            agent.gate.release()
        elif self._came_back.locked():
            self._came_back.release()

    def _admit(self) -> None:
        """Nobody else can run at this instant: wait for those away, then let them run in order."""
        self.expecting = True
        try:
            while self._away:
                if not self._came_back.acquire(True, _PATIENCE_S):
                    raise self.stuck(self._away[0])
        finally:
            self.expecting = False
        self._returned.sort(key=lambda agent: agent.number)
        self.runnable += self._returned
        self._returned.clear()

    def stuck(self, agent: Agent) -> RealWorldError:
        """The error about an agent that does not come back."""
        raise NotImplementedError

    def _seize(self, main: Agent) -> None:
        """The main thread was interrupted at its gate: it takes the baton from whoever has it.

        As in production the others go on later, while the interrupt unwinds the main thread.
        """
        with self._mutex:
            holder, self.current = self.current, None
            if holder is main:
                main.gate.acquire(False)
            elif holder is not None:
                self._send_away(holder)
        if holder is not None and holder is not main:
            self._came_back.acquire(True, _PATIENCE_S)
        self._withdraw(main)
        main.state = states.RUNNING
        self.current = main
