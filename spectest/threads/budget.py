"""How much may happen before an execution is called a livelock."""

from __future__ import annotations

__all__ = ["Budget"]


class Budget:
    """Choice points of threads: in all, within one virtual instant, and virtual nanoseconds.

    `spent`: how many there were.
    """

    __slots__ = ("_at_once", "_instant_ns", "_left", "_steps", "spent", "virtual_ns")

    def __init__(self, steps: int, at_once: int, virtual_ns: int) -> None:
        self.virtual_ns = virtual_ns
        self.spent = 0
        self._steps = steps
        self._at_once = at_once
        self._instant_ns = -1
        self._left = 0

    def spend(self, now_ns: int) -> bool:
        """One more step; whether there was one left."""
        if now_ns != self._instant_ns:
            self._instant_ns = now_ns
            self._left = min(self._at_once, self._steps - self.spent)
        self.spent += 1
        self._left -= 1
        return self._left >= 0
