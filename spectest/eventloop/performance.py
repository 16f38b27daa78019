"""A performance keeps a timetable in real time: its clock, its deadlines, its stalls.

It decides *when* things become due, and nothing else. It never touches a ready queue, never wakes a
task and delivers nothing: what is due is found, ordered and run by the stock loop.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

from spectest.ambient import REAL
from spectest.eventloop.timetable import Poll, Timetable

__all__ = ["Performance"]

_OVERTIME_S = 0.5
_TEARDOWN_S = 0.25
_SETTLE_S = 0.5
_NAP_S = 0.0002


class Performance:
    """One try: a timetable, kept in real time by the loops of one program.

    `lagged_s`: how late the machine was, at worst, for a poll of an idle loop. `strayed`: the polls
    were no longer those of the score, which is then followed no further; durations stay the plan's.
    """

    def __init__(self, timetable: Timetable) -> None:
        self.timetable = timetable
        self.lagged_s = 0.0
        self.strayed = False
        self.pending: dict[str, asyncio.TimerHandle] = {}
        self.deadlines: dict[str, float] = {}
        self.limit_s = timetable.end_s + _OVERTIME_S
        self._next = 0
        self._began = REAL.monotonic()
        self._shown = -math.inf

    def now(self) -> float:
        """Real seconds since the beginning."""
        return REAL.monotonic() - self._began

    def clock(self) -> float:
        """The loop's clock: a reading, larger than every one before."""
        reading = max(self.timetable.virtual(self.now()), math.nextafter(self._shown, math.inf))
        self._shown = reading
        return reading

    # What the program starts.

    def deadline(self, label: str, when: float) -> float:
        """The deadline of the sleep `label`, which would be `when` at the program's own delay."""
        item = self.timetable.score.items.get(label)
        if item is None or item.exact:
            return when
        return self.timetable.due(item, self.now(), self.deadlines)

    def waits(self, label: str, handle: asyncio.TimerHandle) -> None:
        """The loop has scheduled what `label` stands for."""
        self.pending[label] = handle
        self.deadlines[label] = handle.when()

    # Polls.

    def expected(self, idle: bool) -> Poll | None:
        """The next poll of the score of this kind, if the score is still followed."""
        polls = self.timetable.score.polls
        if self.strayed or self._next >= len(polls) or polls[self._next].idle != idle:
            return None
        return polls[self._next]

    def stall(self, scheduled: Sequence[asyncio.TimerHandle], idle: bool) -> None:
        """Wait until everything is due that the score delivers at this poll.

        `scheduled`: the timer heap of the loop, which is only looked at.
        """
        poll = self.expected(idle)
        if poll is None:
            return
        table = self.timetable
        opens = table.starts[poll.instant]
        if idle and self.now() < opens - table.gap_s / 4:
            return  # Woken by a thread, before the poll of the score.
        if idle:
            self.lagged_s = max(self.lagged_s, self.now() - opens)
        waiting_for = [self.pending.get(item.label) for item in poll.batch]
        handles = [one for one in waiting_for if one is not None]
        target = max([opens, *(table.real(handle.when()) for handle in handles)])
        closes = opens + table.windows[poll.instant]
        if None in waiting_for or target > closes + table.gap_s / 4:
            self._stray()
            return
        while (left := target - self.now()) > 0:
            REAL.sleep(left)
        while any(handle.when() >= self.clock() for handle in handles):
            REAL.sleep(_NAP_S)
        now = self.clock()
        due = [one for one in scheduled if one.when() < now and not one.cancelled()]
        if {id(one) for one in due} != {id(one) for one in handles}:
            self._stray()
            return
        self._next += 1
        for item in poll.batch:
            del self.pending[item.label]

    def release(self) -> None:
        """The program is over: what is left has little time."""
        self._next = len(self.timetable.score.polls)
        self.limit_s = self.now() + _TEARDOWN_S

    def _stray(self) -> None:
        self.strayed = True
