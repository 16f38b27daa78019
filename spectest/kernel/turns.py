"""Whose turn is it? Among threads that could run, which one goes on at a choice point.

A *turn* is what a thread does from one of its choice points to the next. In stock order the thread
that has the processor keeps it until it blocks, and those that wait for it follow in the order in
which they became runnable. There are two deviations, both written down as holds of the turn they
concern:

* a thread is *overtaken*: it stays behind for so many turns of others (`Hold.behind`);
* a thread is *stalled*: its sleep or timeout is over, and it is kept from the processor for some
  time (`Hold.by_ns`), as happens on a busy machine, and then begins another turn. A stall is an
  operation like any other, so that what completes meanwhile, and what meets its end in one instant,
  are ordinary choices. All stalls of an execution together last no longer than the world allows: a
  thread that never gets the processor breaks every program. Between two acts that take no time
  nobody is stalled; there it is only a question of who goes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spectest.kernel.operations import Operation
from spectest.kernel.plan import Hold
from spectest.kernel.scheduler import Scheduler

__all__ = ["STALL", "Runner", "Turns", "turn_of"]

STALL = -1
"""Answer of `Turns.pick`: the first of those asked about gets no turn, but is stalled."""


_LEAST_COST_NS = 100_000
"""What the shortest stall takes of the time for all: there cannot be more than some hundreds."""


class Runner:
    """What takes turns: a thread. `name` is unique in its world; `chain` as in `Operation`."""

    __slots__ = ("chain", "left", "name", "overtaken", "stalls", "turn")

    def __init__(self, name: str, chain: int) -> None:
        self.name = name
        self.chain = chain
        self.turn = 0
        self.left = 0
        self.overtaken = 0
        self.stalls = False


class Turns:
    """Decides the turns of one world.

    `stall_ns`: how long all stalls of an execution together may last. `misplaced`: the plan has
    stalled a thread where a search never does.
    """

    def __init__(self, scheduler: Scheduler, stall_ns: int) -> None:
        self._scheduler = scheduler
        self._door = scheduler.door
        self._asking = self._door.chooser is not None and scheduler.order != "strict"
        self._following = self._door.chooser is None and bool(self._door.plan.holds)
        self.misplaced = False
        self._stall_left_ns = stall_ns

    @property
    def stock(self) -> bool:
        """Nothing can deviate, so that nothing needs to be asked."""
        return not self._asking and not self._following

    def begin(self, runner: Runner) -> None:
        """`runner` has come to a choice point, or became runnable: its next turn may begin."""
        runner.turn += 1
        runner.overtaken = 0
        if self._following:
            runner.left = self._door.hold(turn_of(runner)).behind
            runner.stalls = bool(self._door.hold(_stall(runner)).by_ns)

    def pick(self, runners: Sequence[Runner], *, late: bool) -> int:
        """The place of the one that goes next among `runners`, given in stock order, or `STALL`.

        `late`: the first of them may come back later than its time.
        """
        if self._asking:
            place = self._ask(runners, may_stall=late and self._may_stall)
        elif self._following:
            place = self._follow(runners, late=late)
        else:
            return 0
        if place > 0:
            # Written down at once: a turn may be taken back before it comes, or the world may end.
            for runner in runners[:place]:
                runner.overtaken += 1
                self._door.holds[turn_of(runner)] = Hold(behind=runner.overtaken)
            self._needs_ties()
        return place

    def _ask(self, runners: Sequence[Runner], *, may_stall: bool) -> int:
        chains = [runner.chain for runner in runners]
        if may_stall:
            chains.append(chains[0])
        place = self._door.decide(len(chains), "turn", chains)
        return STALL if place == len(runners) else place

    def _follow(self, runners: Sequence[Runner], *, late: bool) -> int:
        place = next((at for at, runner in enumerate(runners) if not runner.left), 0)
        for runner in runners[:place]:
            runner.left -= 1
        if place == 0 and runners[0].stalls:
            self.misplaced = self.misplaced or not late
            return STALL
        return place

    @property
    def _may_stall(self) -> bool:
        """Whether something would happen while a thread is stalled, as long as that may be."""
        left_ns = self._stall_left_ns
        return left_ns > 0 and self._scheduler.due_within(left_ns)

    def stall(self, runner: Runner, payload: Any) -> Operation:
        """Keep `runner` from the processor; `payload` is delivered when it may go on."""
        runner.stalls = False
        return self._scheduler.stall(_stall(runner), self._stall_left_ns, runner.chain, payload)

    def stalled(self, operation: Operation) -> None:
        """A stall is over."""
        self._stall_left_ns -= max(operation.due_ns - operation.started_ns, _LEAST_COST_NS)
        self._needs_ties()

    def _needs_ties(self) -> None:
        if self._scheduler.needs == "strict":
            self._scheduler.needs = "ties"


def turn_of(runner: Runner) -> str:
    """The name of the turn of `runner` that is going on or due."""
    return f"{runner.name} turn#{runner.turn}"


def _stall(runner: Runner) -> str:
    return f"{runner.name} stall#{runner.turn}"
