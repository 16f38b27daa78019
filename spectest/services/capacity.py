"""How many calls a service works on at once, and who waits for their turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

__all__ = ["Capacity"]


class Capacity:
    """Places for calls, first come, first served.

    `places`: how many at once; None: any number. `queue`: how many may wait; None: any number.
    """

    def __init__(self, places: int | None, queue: int | None) -> None:
        self._free = places
        self._queue = queue
        self._waiting: deque[Callable[[], None]] = deque()

    @property
    def full(self) -> bool:
        """Whether one more call could neither begin nor wait."""
        if self._free is None or self._free or self._queue is None:
            return False
        return len(self._waiting) >= self._queue

    def take(self, begin: Callable[[], None]) -> None:
        """Call `begin` when there is a place, which may be now."""
        if self._free == 0:
            self._waiting.append(begin)
            return
        if self._free is not None:
            self._free -= 1
        begin()

    def leave(self, begin: Callable[[], None]) -> None:
        """Whoever passed `begin` waits no longer."""
        self._waiting.remove(begin)

    def give_back(self) -> None:
        """A call is over: the next one begins."""
        if self._waiting:
            self._waiting.popleft()()
        elif self._free is not None:
            self._free += 1
