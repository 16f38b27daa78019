"""The threads of a world from their beginning to their end.

A new thread is a carrier that stands at its gate until it is its turn. When the world ends, those
that are still there are unwound: what they wait in raises `WorldEnded`, so that their `finally`
blocks run, one thread after the other.
"""

from __future__ import annotations

import ctypes
import functools
import re
import sys
import threading
from _thread import get_ident as _get_ident
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from spectest.ambient import Sources
from spectest.errors import Deadlock, RealWorldError
from spectest.kernel.identity import Identities
from spectest.kernel.scheduler import Scheduler
from spectest.kernel.turns import Turns
from spectest.source.lines import made_by_library
from spectest.threads import agents as states
from spectest.threads.adoption import AdoptedPools
from spectest.threads.agents import Agent, WorldEnded, present
from spectest.threads.baton import Baton
from spectest.threads.budget import Budget
from spectest.threads.carriers import Carriers, run_afresh
from spectest.threads.verdicts import deadlocked, spinning, stuck
from spectest.threads.waiting import idle

__all__ = ["Threads"]

_UNWINDING_S = 2.0


class Threads(Baton):
    """All threads of one world.

    `exact`: modules whose sleeps never stretch. `began_ns`: what `time.time_ns` shows when the
    clock is at 0. `sources`: what its threads draw from. `on_start`: called when the first thread
    is started.
    `failures`: threads that ended with an exception nobody caught. `lost`: those that could not be
    unwound.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        turns: Turns,
        budget: Budget,
        carriers: Carriers,
        *,
        exact: Sequence[str] = (),
        began_ns: int = 0,
        sources: Sources | None = None,
        on_start: Callable[[Threads], None] | None = None,
    ) -> None:
        super().__init__(scheduler, turns, budget)
        self.watchful = self.records = False
        self.exact = tuple(exact)
        self.began_ns = began_ns
        self.sources = Sources(0) if sources is None else sources
        self.failures: list[tuple[Agent, BaseException]] = []
        self.lost: list[Agent] = []
        self.started = 0
        self.pools = AdoptedPools()
        self._identities = Identities(scheduler.door)
        self._numbers: dict[str, int] = {}
        self._carriers = carriers
        self._on_start = on_start
        self._names = {"main": 1}
        self._numbers_seen: dict[str, dict[str, int]] = {}
        self._outer: Agent | None = None

    # The main thread.

    def enter(self) -> None:
        """The calling thread becomes the world's main thread."""
        main = self.main
        main.ident = _get_ident()
        self._outer = present.get(main.ident)
        present[main.ident] = main
        if main not in self.agents:
            self.agents.append(main)

    def pause(self) -> None:
        """The calling thread belongs to the world no longer; the others stand still."""
        present.pop(self.main.ident, None)
        if self._outer is not None:
            present[self.main.ident] = self._outer

    def leave(self) -> None:
        """Unwind whoever is left; the world is over."""
        try:
            self._unwind()
        finally:
            self.pause()
            self.agents.clear()
            self.pools.restore()

    def drain(self, until_ns: int) -> None:
        """The main thread has nothing to do any more: until nothing happens, or time is over."""
        if len(self.agents) < 2 and not self.scheduler.pending:
            return
        self.draining_until_ns = until_ns
        try:
            while not self.main.quiet:
                self.rest(self.main)
        finally:
            self.main.quiet = False
            self.draining_until_ns = None

    # Other threads.

    @property
    def others(self) -> list[Agent]:
        """Those that are alive, but for the main thread and workers that wait for work."""
        return [agent for agent in self.agents if agent is not self.main and not idle(agent)]

    def start(
        self,
        function: Callable[..., object],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Agent:
        """A new thread that is going to call `function`; it is runnable, and not yet running."""
        if self._on_start is not None:
            self._on_start(self)
            self._on_start = None
        self.started += 1
        thread = getattr(function, "__self__", None)
        from_library = made_by_library(sys._getframe(1))
        name = _name_of(thread, function)
        if from_library:
            name = self._renumbered(name)
        name = self._unique(name)
        carrier = self._carriers.take()
        agent = Agent(self, name, self.started, carrier)
        agent.thread = thread
        agent.daemon = bool(getattr(thread, "_daemonic", True))
        agent.from_library = from_library
        carrier.load(functools.partial(self._life, agent, [function, args, kwargs]))
        self.agents.append(agent)
        self._born(agent)
        self._becomes_runnable(agent)
        return agent

    def _life(self, agent: Agent, call: list[Any]) -> None:
        present[agent.ident] = agent
        try:
            self._resume(agent)
            run_afresh(call)
        except (WorldEnded, SystemExit):
            pass
        except BaseException as error:
            self.failed(agent, error)
        finally:
            call.clear()
            if isinstance(agent.thread, threading.Thread):
                # If it ends before it has begun, `threading` still counts it among the starting.
                threading._limbo.pop(agent.thread, None)  # type: ignore[attr-defined]
            agent.thread = None
            self._end(agent)

    def _end(self, agent: Agent) -> None:
        if self.current is not agent and not agent.doomed:
            with suppress(WorldEnded):
                self._late(agent)
        for ended in agent.on_end:
            ended()
        self._dies(agent)
        present.pop(agent.ident, None)
        assert agent.carrier is not None
        self._carriers.give_back(agent.carrier)
        with self._mutex:
            if agent in self.lost:
                return
            agent.state = states.ENDED
            self.agents.remove(agent)
            if agent.doomed:
                self.main.gate.release()
                return
        chosen = self._dispatch()
        with self._mutex:
            if self.current is agent:
                self.current = chosen
                chosen.gate.release()

    def _renumbered(self, name: str) -> str:
        """A library numbers its threads in the process; here they count from 1 in each world."""
        renumbered = ""
        for text, number in re.findall(r"(\D*)(\d*)", name):
            renumbered += text
            if number:
                seen = self._numbers_seen.setdefault(renumbered, {})
                renumbered += str(seen.setdefault(number, len(seen) + 1))
        return renumbered

    def _unique(self, name: str) -> str:
        count = self._names[name] = self._names.get(name, 0) + 1
        return name if count == 1 else f"{name} ({count})"

    def next_hash(self, kind: str) -> int:
        """The hash of one more "thread" or "future"; the place of futures in sets is a choice."""
        number = self._numbers[kind] = self._numbers.get(kind, 0) + 1
        first = self._identities.next_hash()
        if kind == "future":
            first |= self._identities.choose_level(f"future {number}")
        return first

    def failed(self, agent: Agent, error: BaseException) -> None:
        """`agent` ends with `error`, which nobody caught."""
        self.failures.append((agent, error))

    # The end of the world.

    def _unwind(self) -> None:
        """The last one first; one that is started meanwhile, by a `finally`, has its turn, too."""
        self._ending = True
        while left := [agent for agent in self.agents[1:] if agent not in self.lost]:
            self._unwind_one(left[-1])

    def _unwind_one(self, agent: Agent) -> None:
        agent.doomed = True
        agent.vain = 0
        self._withdraw(agent)
        if agent.state is states.AWAY:
            self._lose(agent)
            return
        self.current = None
        agent.gate.release()
        if not self.main.gate.acquire(True, _UNWINDING_S):
            self._lose(agent)
        self.current = self.main

    def _lose(self, agent: Agent) -> None:
        """`agent` does not come back in time: nobody waits for it, also not at the exit."""
        with self._mutex:
            if self.main.gate.acquire(False):
                return  # It has just ended.
            self.lost.append(agent)
        for ended in agent.on_end:
            ended()

    # What is said of them.

    def deadlock(self) -> Deadlock:
        return deadlocked(self.agents)

    def stuck(self, agent: Agent) -> RealWorldError:
        return stuck(agent)

    def stop_spinning(self, agent: Agent) -> None:
        """`agent` goes round in a loop without a choice point: it ends, and so does the program."""
        with self._mutex:
            if self.current is not agent or len(self.agents) < 2:
                return
            self.verdict = self.verdict or spinning(agent)
            if agent is not self.main:
                self.main.error = self.verdict
            _raise_in(agent.ident, WorldEnded)

    def polled(self, agent: Agent, arrived: Sequence[Any]) -> None:
        """An event loop has polled its selector, and these handles arrived."""

    def _born(self, agent: Agent) -> None:
        """`agent` has been started."""

    def _dies(self, agent: Agent) -> None:
        """`agent` has ended."""


def _raise_in(ident: int, error: type[BaseException]) -> None:
    """Raise it in another thread as soon as that executes bytecode."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(error))


def _name_of(thread: Any, function: Callable[..., object]) -> str:
    """What a report calls the thread: what it runs, and the name that `threading` gave it."""
    name = getattr(thread, "_name", None)
    if name is None:
        return getattr(function, "__name__", "thread")
    base, _, inside = name.partition(" (")
    return f"{inside[:-1]} ({base})" if base.startswith("Thread-") and inside else str(name)
