"""The baton: of all threads of a world, the one that holds it runs, and all others stand still.

A thread gives the baton on where threads of a real machine can lose the processor or must: at each
choice point (`point`) another one may go first, and a thread that waits (`rest`) lets the others go
until somebody wakes it. When nobody can run, the clock moves, and the scheduler says what completes
next. Who goes on is decided in `kernel.turns`; here it is carried out, on real threads, so that
`get_ident`, thread-locals, context variables and tracebacks are what they are in production.

What the baton's holder does to these structures needs no lock, since nobody else runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import _bootstrap

from spectest.errors import Livelock
from spectest.kernel.clock import NANOSECONDS, seconds_to_ns
from spectest.kernel.operations import Kind, Operation
from spectest.kernel.scheduler import Scheduler
from spectest.kernel.turns import STALL, Turns
from spectest.threads import agents as states
from spectest.threads.agents import Agent, Loop, Scene, WorldEnded
from spectest.threads.budget import Budget
from spectest.threads.handover import HandOver

__all__ = ["Baton"]

_being_imported = vars(_bootstrap)["_module_locks"]
_SLICE = 500
_VAIN, _VAIN_AT_DEADLINE = 1_000, 5
_LONGEST_NAP_S = 0.002


class Baton(HandOver):
    """Decides with `turns` who goes on, and moves the clock of `scheduler`.

    `draining_until_ns`: the program has returned, and what still runs has so much time. `waited`: a
    thread has waited for something, if only for time.
    """

    def __init__(self, scheduler: Scheduler, turns: Turns, budget: Budget) -> None:
        super().__init__()
        self.scheduler = scheduler
        self.turns = turns
        self.budget = budget
        self.draining_until_ns: int | None = None
        self.waited = False
        self._clock = scheduler.clock
        self._scenes: dict[Agent, Scene] = {}
        self._stock = turns.stock

    def now_ns(self, agent: Agent) -> int:
        """The virtual time at which `agent` is."""
        return self._clock.now_ns

    # Choice points.

    def point(self, agent: Agent) -> None:
        """`agent` could go on, and others may go first.

        One that never blocks lets others go after `_SLICE` points, as CPython's interpreter lock
        does after five milliseconds.
        """
        if self.current is not agent and self._late(agent):
            return
        if not self.budget.spend(self._clock.now_ns):
            self._spins(agent)
        agent.slice += 1
        if not self._stock or agent.slice >= _SLICE:
            self._offer(agent)

    def look_in_vain(self, agent: Agent, weight: int = 1) -> None:
        """`agent` looks for something that may not be there yet, and will perhaps look again.

        Whoever polls without waiting lets time pass by doing so: after `_VAIN` looks a little, and
        a little more each time.
        """
        self.point(agent)
        self._look(agent, weight)

    def look_at_clock(self, agent: Agent) -> None:
        """`agent` reads a clock, perhaps to wait for a moment to come. Not a choice point."""
        if self.current is agent or not self._late(agent):
            self._look(agent, 1)

    def _look(self, agent: Agent, weight: int) -> None:
        now_ns = self.now_ns(agent)
        if agent.vain_at_ns != now_ns:
            agent.vain, agent.vain_at_ns = 0, now_ns
        agent.vain += weight
        if agent.vain >= _VAIN:
            agent.nap_s = min(2 * agent.nap_s, _LONGEST_NAP_S)
            self.sleep(agent, f"{agent.name} polling", agent.nap_s, stretches=False)
        elif agent.expired_ns == now_ns and agent.vain >= _VAIN_AT_DEADLINE:
            # Who wakes at a deadline and looks whether it is over finds real clocks past it.
            self.sleep(agent, f"{agent.name} deadline", 1 / NANOSECONDS, stretches=False)

    def _offer(self, agent: Agent) -> None:
        """Ask who goes next: in stock order `agent`, then those that became runnable.

        Not while a module is being imported: that happens in one execution and not in the next, and
        others would block in the real lock of the import.
        """
        if _being_imported:
            return
        if not self._stock:
            self.turns.begin(agent)
        runnable = self.runnable
        order = [agent, *runnable]
        if agent.slice >= _SLICE:
            agent.slice = 0
            order = [*runnable, agent]
        place = self.turns.pick(order, late=self._may_be_late(order[0]))
        if place == STALL:
            if order[0] is not agent:
                runnable.remove(order[0])
                self._requeue(agent)
            self._stall(order[0])
            self._go_on(agent, self._dispatch())
        elif order[place] is not agent:
            self._overtaken(order[:place])
            runnable.remove(order[place])
            self._requeue(agent)
            self._go_on(agent, order[place])

    def _requeue(self, agent: Agent) -> None:
        agent.state = states.RUNNABLE
        self.runnable.append(agent)

    def _stall(self, agent: Agent) -> None:
        agent.state = states.STALLED
        self._begins(agent, self.turns.stall(agent, agent))

    def _spins(self, agent: Agent) -> None:
        """The budget is spent: the main thread hears of it, and `agent` stands still."""
        error = Livelock(
            f"the program goes on for ever in {agent.name}: {self.budget.spent} steps of threads, "
            f"and the clock is at {self._clock.now_ns / NANOSECONDS:.3f} s.\n"
            "Wait for an event instead of polling for it; if the program is only long, raise "
            "max_steps, max_steps_at_once or max_virtual_s.",
            spinner=agent.name,
        )
        self.verdict = self.verdict or error
        if agent is self.main:
            raise error
        self.main.error = error
        agent.state = states.BLOCKED
        self._withdraw(self.main)
        self._go_on(agent, self.main)

    # Waiting.

    def wait(self, agent: Agent) -> bool:
        """Until somebody wakes `agent`; False if its alarm went off first.

        If nothing can happen any more, the main thread hears of it here.
        """
        self.rest(agent)
        if agent.quiet:
            agent.quiet = False
            self.verdict = self.verdict or self.deadlock()
            raise self.verdict
        timed_out, agent.timed_out = agent.timed_out, False
        return not timed_out

    def rest(self, agent: Agent) -> None:
        """Until somebody wakes `agent`, its alarm goes off, or nothing can happen any more."""
        if self.current is not agent and self._late(agent):
            raise WorldEnded
        if not self.budget.spend(self._clock.now_ns):
            self._spins(agent)
        self.waited = True
        agent.timed_out = False
        agent.slice = 0
        agent.state = states.BLOCKED
        self._waits(agent)
        self._go_on(agent, self._dispatch())

    def alarm(self, agent: Agent, name: str, seconds: float) -> None:
        """From now on `agent` is woken at the latest when so many seconds have passed."""
        self._start(agent, name, seconds, stretches=False)

    def silence(self, agent: Agent) -> None:
        """The alarm is needed no longer."""
        operation, agent.alarm = agent.alarm, None
        if operation is not None:
            self.scheduler.cancel(operation)
            operation.payload = None

    def sleep(self, agent: Agent, name: str, seconds: float, *, stretches: bool) -> None:
        """`agent` does nothing for so many seconds, or longer if the sleep may stretch."""
        self._start(agent, name, seconds, stretches=stretches)
        try:
            self.wait(agent)
        finally:
            self.silence(agent)

    def operate(
        self, agent: Agent, kind: Kind, name: str, interval_ns: tuple[int, int, int]
    ) -> None:
        """`agent` is busy with what takes (shortest, usual, longest) nanoseconds, as declared."""
        self.perform(agent, kind, self.scheduler.name(name), interval_ns)

    def perform(
        self, agent: Agent, kind: Kind, label: str, interval_ns: tuple[int, int, int]
    ) -> None:
        """The same, for what has got its `label` from the scheduler before."""
        operation = self.scheduler.begin(kind, label, interval_ns, agent.chain, agent)
        agent.alarm = operation
        self._begins(agent, operation)
        try:
            self.wait(agent)
        finally:
            self.silence(agent)

    def _start(self, agent: Agent, name: str, seconds: float, *, stretches: bool) -> None:
        clock = self._clock
        due_ns = clock.now_ns + seconds_to_ns(seconds)
        start = self.scheduler.sleep if stretches else self.scheduler.timer
        agent.alarm = start(name, due_ns, clock.next_reading(), agent.chain, agent)
        self._begins(agent, agent.alarm)

    def wake(self, agent: Agent) -> None:
        """`agent` may go on, if it waits."""
        if agent.state is states.BLOCKED:
            self._woken(agent)
            self._becomes_runnable(agent)

    def unwake(self, agent: Agent) -> bool:
        """Take it back: what `agent` was woken for is gone. Whether it could be taken back."""
        if agent.state is not states.RUNNABLE or agent.timed_out:
            return False
        self.runnable.remove(agent)
        agent.state = states.BLOCKED
        return True

    def _becomes_runnable(self, agent: Agent) -> None:
        if not self._stock:
            self.turns.begin(agent)
        self._requeue(agent)

    # Event loops.

    def polls(self, agent: Agent, loop: Loop) -> None:
        """An event loop polls its selector, while there are other threads.

        While it has work, time stands still, and others may go first; without, it waits.
        """
        if loop.busy():
            self.deliver(self.scheduler.poll(ready=True))
            self.point(agent)
            return
        agent.looping = loop
        try:
            self.rest(agent)
            if agent.quiet:
                agent.quiet = False
                loop.nothing_happens(self)
        finally:
            agent.looping = None

    # What one thread alone sees.

    def set_apart(self, agent: Agent, scene: Scene) -> None:
        """From here on `agent`, which runs, does so inside `scene`, and whoever else outside."""
        if self.current is agent:
            self._scenes[agent] = scene
            scene.enter()

    def bring_back(self, agent: Agent) -> None:
        """`agent` has left its scene for good."""
        scene = self._scenes.pop(agent, None)
        if scene is not None:
            scene.leave()

    def _go_on(self, agent: Agent, chosen: Agent) -> None:
        scene = None if chosen is agent else self._scenes.get(agent)
        if scene is None:
            super()._go_on(agent, chosen)
            return
        scene.leave()
        try:
            super()._go_on(agent, chosen)
        finally:
            scene.enter()

    # What completes.

    def deliver(self, batch: Sequence[Operation]) -> None:
        """Hand each completion to whoever started it."""
        for operation in batch:
            payload, operation.payload = operation.payload, None
            payload.arrive(operation)

    def arrived(self, agent: Agent, operation: Operation) -> None:
        """An alarm went off; a sleep or a stall is over."""
        self._completes(agent, operation)
        if operation.kind == "stall":
            self.turns.stalled(operation)
            self._becomes_runnable(agent)
            return
        agent.alarm = None
        if agent.state is states.BLOCKED:
            agent.timed_out = True
            self._becomes_runnable(agent)

    # Who goes on.

    def _dispatch(self) -> Agent:
        """The one that gets the baton when its holder cannot keep it."""
        try:
            while not self._ending:
                if self.runnable:
                    chosen = self._next()
                    if chosen is not None:
                        return chosen
                elif self._away or self._returned:
                    self._admit()
                else:
                    batch = self.scheduler.poll(ready=False)
                    if not batch or self._over():
                        self.main.quiet = True
                        break
                    self.deliver(batch)
        except BaseException as error:
            # Whoever holds the baton, it is the main thread that has to hear of it.
            self.verdict = self.verdict or error
            self.main.error = error
        self._withdraw(self.main)
        return self.main

    def _next(self) -> Agent | None:
        if self._stock:
            return self.runnable.pop(0)
        place = self.turns.pick(self.runnable, late=self._may_be_late(self.runnable[0]))
        if place == STALL:
            self._stall(self.runnable.pop(0))
            return None
        self._overtaken(self.runnable[:place])
        return self.runnable.pop(place)

    def _may_be_late(self, agent: Agent) -> bool:
        """Whether `agent` comes back from a wait for time, and somebody could use the delay."""
        return agent.timed_out and len(self.agents) > 1

    def _over(self) -> bool:
        """Whether the time of the world is over."""
        now_ns, until_ns = self._clock.now_ns, self.draining_until_ns
        if until_ns is not None and now_ns > until_ns:
            return True
        if now_ns > self.budget.virtual_ns:
            self._spins(self.main)
        return False

    def deadlock(self) -> BaseException:
        """The error about a world in which nothing can happen any more."""
        raise NotImplementedError

    # For whoever records.

    def tell(self, kind: str, subject: str, agent: Agent, detail: str) -> None:
        """Something happened that the baton knows nothing of."""

    def _begins(self, agent: Agent, operation: Operation) -> None:
        """`agent` has started an operation."""

    def _completes(self, agent: Agent, operation: Operation) -> None:
        """An operation of `agent` is delivered."""

    def _waits(self, agent: Agent) -> None:
        """`agent` is going to wait."""

    def _woken(self, agent: Agent) -> None:
        """`agent` is woken by whoever runs."""

    def _overtaken(self, agents: Sequence[Agent]) -> None:
        """These stay behind somebody who became runnable later."""
