"""What a plan made happen on virtual time, as a timetable that a real clock can keep.

A `Score` is a scheduler that writes down each poll: at which instant, and what it delivered. A
`Timetable` gives every instant of a score a moment of real time, so far from its neighbours that
the noise of a real machine does not confuse them. The loop's clock is then one fixed, increasing,
piecewise linear function of the real monotonic clock:

* between two instants it runs as fast as is needed, at real speed where that is reasonable;
* for some milliseconds after each instant, while the program's callbacks run, it nearly stands
  still. That is what a very fast machine would show, and the reason why a duration of the plan is
  kept to the nanosecond although starting an operation takes real microseconds.

Nearly: it goes on by a millionth or less, so that two readings are never equal and the later one is
the larger, as on every real machine. Deadlines of one instant stay in the order of their readings.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from time import perf_counter
from typing import Any

from spectest.kernel.clock import NANOSECONDS
from spectest.kernel.operations import Operation
from spectest.kernel.scheduler import Scheduler

__all__ = ["Item", "Poll", "Score", "Timetable"]

_LONGEST_IDLE_S = 0.1
_SLOWEST = 1e-6
_BREATH_S = 1e-6
_ROUNDING_S = 0.5 / NANOSECONDS


@dataclass(slots=True, eq=False)
class Item:
    """An operation or timer of a score; polls by their numbers, -1 for none."""

    operation: Operation
    started: int
    delivered: int = -1
    cancelled: int = -1

    @property
    def label(self) -> str:
        return self.operation.label

    @property
    def exact(self) -> bool:
        return self.operation.kind == "timer"

    @property
    def duration_ns(self) -> int:
        return self.operation.due_ns - self.operation.started_ns


@dataclass(slots=True)
class Poll:
    """One poll of the selector. `idle`: no callback was ready. `stage`: see `Timetable`."""

    instant_ns: int
    idle: bool
    batch: list[Item] = field(default_factory=list)
    spent_s: float = 0.0
    instant: int = 0
    stage: int = 0


class Score(Scheduler):
    """A scheduler that follows its plan and writes down what happens at which poll."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.items: dict[str, Item] = {}
        self.polls: list[Poll] = []
        self._left_at = perf_counter()

    def _pend(self, *args: Any) -> Operation:
        operation = super()._pend(*args)
        self.items[operation.label] = Item(operation, len(self.polls) - 1)
        return operation

    def cancel(self, operation: Operation) -> None:
        super().cancel(operation)
        self.items[operation.label].cancelled = len(self.polls) - 1

    def poll(self, ready: bool) -> Sequence[Operation]:
        if self.polls:
            self.polls[-1].spent_s += perf_counter() - self._left_at
        batch = super().poll(ready)
        if batch or ready:
            number = len(self.polls)
            items = [self.items[operation.label] for operation in batch]
            for item in items:
                item.delivered = number
            self.polls.append(Poll(self.clock.now_ns, not ready, items))
        self._left_at = perf_counter()
        return batch

    def overlooked(self, number: int, item: Item) -> bool:
        """Whether `item`, delivered at poll `number`, was there and due at the poll before."""
        before = self.polls[number - 1] if number else None
        return (
            before is not None
            and before.instant_ns == self.polls[number].instant_ns
            and item.started < number - 1
        )

    def beyond_latency(self) -> str:
        """The first thing that no choice of latencies brings about, as a clause, or ""."""
        for number, poll in enumerate(self.polls):
            exact = [item for item in poll.batch if item.exact]
            late = next((item for item in exact if self.overlooked(number, item)), None)
            at = f"at {poll.instant_ns / 1e6:g} ms"
            if late is not None:
                return f"the exact timer {late.label!r} misses a poll {at}"
            for first, second in pairwise(exact):
                keys = [(item.operation.due_ns, item.operation.reading) for item in (first, second)]
                if keys[0] > keys[1]:
                    return (
                        f"the exact timers {first.label!r} and {second.label!r} change places {at}"
                    )
        return ""


class Timetable:
    """The real moments of a score's instants, and the clock that follows from them.

    `gap_s`: the least real time from one instant to the next. An operation that misses polls of an
    instant (`Hold.polls`) becomes due a gap later, and the poll that delivers it waits for that: it
    opens the next `stage` of the instant. Real moments are seconds from the beginning.
    """

    def __init__(self, score: Score, gap_s: float) -> None:
        self.score = score
        self.gap_s = gap_s
        self.instants_ns = [0]
        windows = [gap_s]
        for number, poll in enumerate(score.polls):
            if poll.instant_ns > self.instants_ns[-1]:
                self.instants_ns.append(poll.instant_ns)
                windows.append(gap_s)
                stage = 0
            elif number == 0:
                stage = 0
            if any(score.overlooked(number, item) for item in poll.batch):
                stage += 1
                windows[-1] += gap_s
            windows[-1] += 3 * poll.spent_s
            poll.instant, poll.stage = len(self.instants_ns) - 1, stage
        lengths_ns = [b - a for a, b in pairwise(self.instants_ns)]
        self.starts = [0.0]
        for window, length_ns in zip(windows, lengths_ns, strict=False):
            idle = min(length_ns / NANOSECONDS, _LONGEST_IDLE_S)
            self.starts.append(self.starts[-1] + max(window + gap_s / 4, idle))
        self.windows = windows
        self.end_s = self.starts[-1] + windows[-1]
        shortest = min(lengths_ns, default=NANOSECONDS) / NANOSECONDS
        self.slowness = min(_SLOWEST, shortest / 4 / self.end_s)

    # The clock.

    def virtual(self, real: float) -> float:
        """Seconds of the loop's clock at `real`."""
        at = max(bisect_right(self.starts, real) - 1, 0)
        begins = self.instants_ns[at] / NANOSECONDS
        moved = real - self.starts[at] - self.windows[at]
        if moved > 0:
            begins += moved * self._speed(at)
        return begins + self.slowness * real

    def real(self, virtual: float) -> float:
        """The first moment at which the clock shows `virtual` or more."""
        low, high = 0.0, self.end_s + max(virtual, 0.0)
        while high - low > 1e-7:
            middle = (low + high) / 2
            low, high = (middle, high) if self.virtual(middle) < virtual else (low, middle)
        return high

    def _speed(self, at: int) -> float:
        if at + 1 == len(self.starts):
            return 1.0
        length_ns = self.instants_ns[at + 1] - self.instants_ns[at]
        idle = self.starts[at + 1] - self.starts[at] - self.windows[at]
        return length_ns / NANOSECONDS / idle

    # Deadlines.

    def due(self, item: Item, real: float, known: dict[str, float]) -> float:
        """When, on the loop's clock, `item` is due that is started at `real`.

        It takes as long as in the score. To the last nanosecond that is free, and there it goes
        where the score has it: before or after the others of its poll, whose deadlines are `known`.
        """
        at = max(bisect_right(self.starts, real) - 1, 0)
        in_window = real <= self.starts[at] + self.windows[at]
        begins = self.instants_ns[at] / NANOSECONDS if in_window else self.virtual(real)
        natural = begins + item.duration_ns / NANOSECONDS + self.slowness * real
        if not in_window or self.instants_ns[at] != item.operation.started_ns:
            return natural
        polls = self.score.polls
        if item.delivered < 0:
            return self._never(item, natural)
        poll = polls[item.delivered]
        base = poll.instant_ns / NANOSECONDS
        place = poll.batch.index(item)
        low = max((self._bounds(i, base, known)[1] for i in poll.batch[:place]), default=-math.inf)
        high = min(
            (self._bounds(i, base, known)[0] for i in poll.batch[place + 1 :]), default=math.inf
        )
        if self.score.overlooked(item.delivered, item):
            opens = self.starts[poll.instant] + poll.stage * self.gap_s
            low = max(low, base + self.slowness * opens)
        if low < natural < high:
            return natural
        breath = max(self.slowness * _BREATH_S, 4 * math.ulp(base))
        if high == math.inf:
            return low + breath
        return high - breath if low == -math.inf else (low + high) / 2

    def _bounds(self, item: Item, base: float, known: dict[str, float]) -> tuple[float, float]:
        """The earliest and the latest deadline that `item`, of the same poll, can have."""
        if item.label in known:
            return known[item.label], known[item.label]
        if not item.exact:
            return math.inf, -math.inf  # It is not started yet, and will find its own place.
        at = self.score.polls[item.started].instant if item.started >= 0 else 0
        start = self.starts[at]
        return (
            base + self.slowness * start - _ROUNDING_S,
            base + self.slowness * (start + self.windows[at]) + _ROUNDING_S,
        )

    def _never(self, item: Item, natural: float) -> float:
        """The deadline of what the score cancels before it is delivered: after the cancellation."""
        if item.cancelled < 0:
            return natural
        at = self.score.polls[item.cancelled].instant
        closes = self.starts[at] + self.windows[at]
        return max(natural, self.instants_ns[at] / NANOSECONDS + self.slowness * closes)
