"""Real threads, side by side, that play from a score.

Here nobody holds a baton: the threads run whenever the operating system lets them. What they use
is CPython's own (`Thread`, `Condition`, `Queue`, `ThreadPoolExecutor`, event loops), and a lock is
taken if the real lock can be taken, not otherwise. Three things differ from production:

* a thread pauses where in the score it lost the processor, or waited, until it is its turn again;
* the clocks show the virtual time of that turn;
* what is decided by sets of futures has the order that the plan says.

So if the program fails here, then because threads were slow at these places, as threads may be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spectest.ambient import REAL
from spectest.errors import Deadlock
from spectest.kernel.clock import FOREVER_NS, NANOSECONDS
from spectest.kernel.operations import Kind
from spectest.threads import agents as states
from spectest.threads.agents import Agent, Loop, WorldEnded, present
from spectest.threads.lives import Threads
from spectest.threads.score import TurnScore

__all__ = ["TICK_S", "Performers", "length_of"]

_LONGEST_IDLE_S = 0.05
_PATIENCE_S = 0.5
_AFTER_THE_END_S = 1.0
_NAP_S = 0.0002
_LOOK_EVERY_S = 0.002

TICK_S = 1e-8
"""How much later each tick is on the clocks of event loops, so that no two are equal."""


class Performers(Threads):
    """The threads of one try. `gap_s`: the least real time from one thread's turn to another's.

    `strayed`: a thread came to a point that the score does not know. `lagged_s`: how late the
    machine was, at worst. `on_birth`: told of each thread that is started, `on_pause` of each that
    is about to stand still.
    """

    def __init__(self, score: TurnScore, gap_s: float, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.score = score
        self.strayed = False
        self.lagged_s = 0.0
        self.over = False
        self._place: dict[Agent, int] = {}
        self._now: dict[Agent, int] = {}
        self._points: dict[Agent, int] = {}
        self._done = [False] * len(score.ticks)
        self._starts = _starts(score, gap_s)
        self._began = REAL.monotonic()
        self.on_birth: Callable[[Agent], object] | None = None
        self.on_pause: Callable[[Agent], object] | None = None

    @property
    def length_s(self) -> float:
        """Real seconds that the whole score takes."""
        return self._starts[-1] if self._starts else 0.0

    def now_ns(self, agent: Agent) -> int:
        number = self._now.get(agent)
        return 0 if number is None else self.score.ticks[number].instant_ns

    def loop_time(self, agent: Agent | None, readings: int) -> float:
        """What an event loop's clock shows: later at each tick, and at each reading."""
        number = self._now.get(agent, 0) if agent is not None else len(self.score.ticks)
        instant_ns = self.score.ticks[number].instant_ns if number < len(self._done) else 10**18
        return instant_ns / NANOSECONDS + number * TICK_S + readings * 1e-13

    def due(self, label: str, when: float) -> float:
        """The deadline of a loop's sleep that the program wants to be `when`."""
        number = self.score.arrivals.get(label)
        if number is None:
            return when + 1e6
        return self.score.ticks[number].instant_ns / NANOSECONDS + (number - 0.5) * TICK_S

    def _born(self, agent: Agent) -> None:
        if self.on_birth is not None:
            self.on_birth(agent)

    # Turns.

    def point(self, agent: Agent) -> None:
        count = self._points[agent] = self._points.get(agent, 0) + 1
        if count in self.score.lost_at.get(agent.name, ()):
            self._await_turn(agent)

    def look_at_clock(self, agent: Agent) -> None:
        self._look(agent, 1)

    def rest(self, agent: Agent) -> None:
        agent.state = states.BLOCKED
        self._await_turn(agent)
        agent.state = states.RUNNING

    def wait(self, agent: Agent) -> bool:
        self.rest(agent)
        return not agent.timed_out

    def polls(self, agent: Agent, loop: Loop) -> None:
        """Until the next poll of the loop that `agent` runs; raises if the score has no more."""
        ticks, known = self.score.ticks, self.score.by_agent.get(agent.name, [])
        while self._place.get(agent, 0) < len(known):
            polls = ticks[known[self._place.get(agent, 0)]].polls
            self._await_turn(agent)
            if polls:
                return
        loop.nothing_happens(self)

    def _await_turn(self, agent: Agent) -> None:
        known = self.score.by_agent.get(agent.name)
        if known is None:
            REAL.sleep(_LOOK_EVERY_S)  # Not of the rehearsal: the thread of a real process pool.
            return
        if self.on_pause is not None and not agent.loops:
            self.on_pause(agent)
        before = self._now.get(agent)
        if before is not None:
            self._done[before] = True
        place = self._place.get(agent, 0)
        if place >= len(known):
            self.beyond(agent)
            return
        number = known[place]
        self._pause(number)
        self._place[agent] = place + 1
        self._now[agent] = number
        agent.timed_out = self.score.ticks[number].timed_out

    def _pause(self, number: int) -> None:
        """Until the time of this tick, and until whoever was before has come to its end."""
        left = self._starts[number] - (REAL.monotonic() - self._began)
        if left > 0:
            REAL.sleep(left)
        else:
            self.lagged_s = max(self.lagged_s, -left)
        until = REAL.monotonic() + _PATIENCE_S
        while number and not self._done[number - 1] and not self.over:
            if REAL.monotonic() > until:
                self.strayed = True
                return
            REAL.sleep(_NAP_S)

    def beyond(self, agent: Agent) -> None:
        """In the score `agent` never went on from here; perhaps it does in the real world."""
        place = self._place[agent] = self._place.get(agent, 0) + 1
        waited = (place - len(self.score.by_agent[agent.name])) * _LOOK_EVERY_S
        if agent is self.main and waited > _AFTER_THE_END_S:
            raise self.deadlock()
        if self.over and agent is not self.main:
            raise WorldEnded
        agent.timed_out = False
        REAL.sleep(_LOOK_EVERY_S)

    # What the baton does, and nobody needs here.

    def wake(self, agent: Agent) -> None:
        """Each knows by itself when it is its turn."""

    def unwake(self, agent: Agent) -> bool:
        return False

    def alarm(self, agent: Agent, name: str, seconds: float) -> None:
        """The score knows how the wait ends."""

    def silence(self, agent: Agent) -> None:
        """See `alarm`."""

    def sleep(self, agent: Agent, *sleep: Any, **options: Any) -> None:
        """The score knows how long."""
        del sleep, options
        self._to_its_end(agent)

    def perform(
        self, agent: Agent, kind: Kind, label: str, interval_ns: tuple[int, int, int]
    ) -> None:
        """The score knows how long; what never ends is not in it."""
        del kind, label
        self._to_its_end(agent)
        while interval_ns[0] >= FOREVER_NS:
            self._to_its_end(agent)

    def _to_its_end(self, agent: Agent) -> None:
        """One that is still going on when the score ends goes on until the performance does."""
        known = self.score.by_agent.get(agent.name)
        while known is not None and agent is not self.main:
            if self._place.get(agent, 0) < len(known):
                break
            if self.over:
                raise WorldEnded
            REAL.sleep(_LOOK_EVERY_S)
        self.wait(agent)

    # Lives.

    def start(self, *args: Any) -> Agent:
        agent = super().start(*args)
        agent.gate.release()
        return agent

    def _becomes_runnable(self, agent: Agent) -> None:
        """It runs."""

    def _resume(self, agent: Agent) -> None:
        self._await_turn(agent)

    def _end(self, agent: Agent) -> None:
        for ended in agent.on_end:
            ended()
        agent.state = states.ENDED
        number = self._now.get(agent)
        if number is not None:
            self._done[number] = True
        self.agents.remove(agent)
        present.pop(agent.ident, None)
        assert agent.carrier is not None
        self._carriers.give_back(agent.carrier)

    def drain(self, until_ns: int) -> None:
        """The main thread is done: let the others play to their end."""
        number = self._now.get(self.main)
        if number is not None:
            self._done[number] = True
        end = self._began + self.length_s + _PATIENCE_S
        while len(self.others) > self._left_in_score() and REAL.monotonic() < end:
            REAL.sleep(_LOOK_EVERY_S)

    def _left_in_score(self) -> int:
        """How many of the others have nothing more to do in the score."""
        return sum(
            self._place.get(agent, 0) >= len(self.score.by_agent.get(agent.name, ()))
            for agent in self.others
        )

    def _unwind(self) -> None:
        self.over = True
        until = REAL.monotonic() + _AFTER_THE_END_S
        while len(self.agents) > 1 and REAL.monotonic() < until:
            REAL.sleep(_LOOK_EVERY_S)
        self.lost = self.agents[1:]

    def deadlock(self) -> Deadlock:
        return Deadlock("stock threads wait for ever", blocked=super().deadlock().blocked)


def length_of(score: TurnScore, gap_s: float) -> float:
    """How many real seconds a performance takes."""
    starts = _starts(score, gap_s)
    return starts[-1] if starts else 0.0


def _starts(score: TurnScore, gap_s: float) -> list[float]:
    """When each tick begins, in real seconds from the beginning."""
    starts: list[float] = []
    now = 0.0
    for before, tick in zip([None, *score.ticks], score.ticks, strict=False):
        if before is not None:
            if before.agent != tick.agent:
                now += gap_s
            now += min((tick.instant_ns - before.instant_ns) / NANOSECONDS, _LONGEST_IDLE_S)
        starts.append(now)
    return starts
