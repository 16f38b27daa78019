"""Under the order model `any`, which runnable step goes next is a choice too.

A step is a callback in the ready queue. Steps of one chain keep their order; among the first steps
of all chains any may go. A step that lets others go first, who became ready later, is *overtaken*,
and how often it was is written down as its hold: a plan of these holds repeats the order exactly.
"""

from __future__ import annotations

from collections.abc import Sequence

from spectest.kernel.plan import Hold
from spectest.kernel.scheduler import Scheduler

__all__ = ["Step", "Steps"]


class Step:
    """One runnable step: `label`, the `chain` it belongs to, and how often it was overtaken."""

    __slots__ = ("chain", "label", "left", "overtaken")

    def __init__(self, label: str, chain: int, left: int) -> None:
        self.label = label
        self.chain = chain
        self.left = left
        self.overtaken = 0


class Steps:
    """Decides the order of steps of one world."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._door = scheduler.door

    def step(self, name: str, chain: int) -> Step:
        """A step that has just become runnable."""
        label = self._scheduler.name(f"{name} step")
        return Step(label, chain, self._door.hold(label).behind)

    def pick(self, first: Sequence[Step]) -> int:
        """Which of the first steps of all chains, in the order of the ready queue, goes next."""
        place = 0
        if self._door.chooser is not None:
            chains = [step.chain for step in first]
            place = self._door.decide(len(first), "step", chains)
        else:
            while place + 1 < len(first) and first[place].left > 0:
                place += 1
            if first[place].left > 0:
                place = 0
        # Written down at once: a step may be cancelled before its turn comes.
        for step in first[:place]:
            step.overtaken += 1
            step.left -= 1
            self._door.holds[step.label] = Hold(behind=step.overtaken)
            self._scheduler.needs = "any"
        return place
