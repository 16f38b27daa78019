"""What requests share: pools of servers with a line before them, and the limiter of speculation.

A pool knows attempts only as whatever stands in its line: it is told who comes and who leaves, and
says who is next. It has no clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from simulators.branches import Limiter, Pool

__all__ = ["Permits", "Servers"]

T = TypeVar("T")


class Servers(Generic[T]):
    """The servers of one pool, first come, first served.

    Nobody who comes later takes a server from those in line, also in the moment between `leave` and
    `next`. `still`: whether somebody in line still waits; who went away is passed over.
    """

    def __init__(self, pool: Pool, still: Callable[[T], bool]) -> None:
        self.pool = pool
        self._free = pool.capacity
        self._waiting = 0
        self._line: deque[T] = deque()
        self._still = still

    @property
    def full(self) -> bool:
        """Whether somebody who comes now has to wait."""
        return self._waiting > 0 or not self._free

    def full_after(self, others: int) -> bool:
        """Whether somebody who comes after so many others has to wait."""
        return self._waiting > 0 or self._free <= others

    def take(self) -> bool:
        """Take a server, if there is one for somebody who comes now."""
        if self.full:
            return False
        self._free -= 1
        return True

    def wait(self, who: T) -> None:
        """Stand in line."""
        self._line.append(who)
        self._waiting += 1

    def give_up(self) -> None:
        """Somebody in line waits no longer; `still` says who."""
        self._waiting -= 1

    def leave(self) -> None:
        """A server is free again."""
        self._free += 1

    def lose(self) -> None:
        """A free server never serves again."""
        self._free -= 1

    def next(self) -> T | None:
        """Who gets a free server now, and has it."""
        while self._waiting and self._free:
            who = self._line.popleft()
            if self._still(who):
                self._waiting -= 1
                self._free -= 1
                return who
        return None


class Permits(Generic[T]):
    """The limiter: whether a speculative attempt is launched, dropped, or has to wait.

    Every attempt under way has a permit; those that are not speculative get one in any case.
    """

    def __init__(self, limiter: Limiter, still: Callable[[T], bool]) -> None:
        self.kind = limiter.kind
        self._capacity = limiter.capacity
        self._ratio, self._burst = limiter.ratio or 0.0, limiter.burst
        self._saved = limiter.burst
        self._in_use = 0
        self.line: deque[T] = deque()
        self._still = still

    def request(self) -> None:
        """A request has arrived, and brings its share of the budget."""
        self._saved = min(self._burst, self._saved + self._ratio)

    def drops(self, pool: Servers[T] | None) -> bool:
        """Whether a speculative attempt for this pool is dropped; if not, a budget pays for it."""
        if self.kind == "drop":
            if self._capacity is not None:
                return self._in_use >= self._capacity
            return pool is not None and pool.full
        if self.kind == "budget":
            if self._saved < 1:
                return True
            self._saved -= 1
        return False

    @property
    def queues(self) -> bool:
        """Whether a speculative attempt has to wait for a permit."""
        return self.kind == "queue" and self._in_use >= (self._capacity or 0)

    def wait(self, who: T) -> None:
        """Stand in line for a permit."""
        self.line.append(who)

    def take(self) -> None:
        """An attempt is under way."""
        self._in_use += 1

    def leave(self) -> None:
        """An attempt has gone."""
        self._in_use -= 1

    def next(self) -> T | None:
        """Who gets a permit now, and has it."""
        while self.line and self._in_use < (self._capacity or 0):
            who = self.line.popleft()
            if self._still(who):
                self._in_use += 1
                return who
        return None
