"""SimPy's calendar, with appointments at a moment; what stands in it, and what is written down.

At one instant services end first, then cancellations take effect, then patience with a pool ends,
then timers ring, then requests arrive. Among equals the earlier request comes first, then the
earlier branch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from heapq import heappush
from typing import Any, NamedTuple

import simpy

__all__ = ["ARRIVED", "LEFT", "RANG", "SERVED", "UNSERVED", "Calendar", "Event", "Try"]

SERVED, LEFT, UNSERVED, RANG, ARRIVED = range(5)
"""The order of what happens at one instant."""


class Event(NamedTuple):
    """What happened: `time` in seconds of the calendar, `request`, `what`, and to which branch."""

    time: float
    request: int
    what: str
    branch: str | None = None


class _Appointment(simpy.Event):
    """An event that has happened when its turn comes, as `simpy.Timeout` is."""

    def __init__(
        self, calendar: simpy.Environment, call: Callable[[int], None], argument: int
    ) -> None:
        self.env = calendar
        self.call, self.argument = call, argument

    def keep(self) -> None:
        """Do what was to be done at this moment."""
        self.call(self.argument)

    callbacks: Any = (keep,)  # nobody adds to them, so all appointments have the same
    _value, _ok = None, True


class Calendar(simpy.Environment):
    """SimPy's calendar, with appointments at a moment and not after a delay.

    SimPy adds a delay to the present, and that sum is rounded differently for each present.
    """

    def at(
        self, moment: float, order: tuple[int, int, int], call: Callable[[int], None], argument: int
    ) -> None:
        """Call `call(argument)` at this moment; `order` decides among equal moments."""
        appointment = _Appointment(self, call, argument)
        heappush(self._queue, (moment, order, next(self._eid), appointment))  # type: ignore[misc]

    def rewind(self) -> None:
        """Begin again at 0."""
        self._now = 0.0


class Try:
    """Where an attempt is, and since when, in seconds of the request's clock; `made` how often."""

    place, made = "nowhere", 1
    launched = began = due = gone = service = math.nan
