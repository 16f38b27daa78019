"""CPython's timer heap: in which order equal deadlines leave it depends on all that is in it.

Pushing, popping and pruning are `BaseEventLoop`'s own, step by step, since each of them may change
the places of entries with equal keys.
"""

from __future__ import annotations

import heapq

from spectest.kernel.operations import Operation

__all__ = ["TimerHeap"]

# BaseEventLoop rebuilds its heap beyond these.
_MANY_TIMERS = 100
_MANY_CANCELLED = 0.5


class TimerHeap:
    """Operations by moment and reading of the clock. `cancelled`: how many of those inside are."""

    __slots__ = ("cancelled", "entries")

    def __init__(self) -> None:
        self.entries: list[tuple[int, int, Operation]] = []
        self.cancelled = 0

    def push(self, moment_ns: int, operation: Operation) -> None:
        heapq.heappush(self.entries, (moment_ns, operation.reading, operation))

    def prune(self) -> None:
        """Drop cancelled timers exactly when CPython does: at each poll, before the clock moves."""
        entries = self.entries
        if len(entries) > _MANY_TIMERS and self.cancelled / len(entries) > _MANY_CANCELLED:
            entries[:] = [entry for entry in entries if not entry[2].cancelled]
            heapq.heapify(entries)
            self.cancelled = 0
        while entries and entries[0][2].cancelled:
            heapq.heappop(entries)
            self.cancelled -= 1

    def take(self, now_ns: int) -> list[Operation]:
        """What is due, in order; cancelled entries go with it, as in CPython."""
        entries = self.entries
        taken = []
        while entries and entries[0][0] <= now_ns:
            operation = heapq.heappop(entries)[2]
            if operation.cancelled:
                self.cancelled -= 1
            else:
                taken.append(operation)
        return taken
