"""Speculation multiplies connections; a limiter keeps it from taking those that calls need.

A pool's capacity is declared. A speculative branch, one launched while another one of the same call
is running, needs a permit and is dropped when there is none. What a call cannot do without, its
first branch and a fallback for one that ended, is counted but never dropped. Nobody waits for a
permit, so the limiter cannot become a queue.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

__all__ = ["Limiter", "Usage"]


@dataclass(frozen=True, slots=True)
class Usage:
    """How a limiter stands: attempts launched and dropped so far, permits in use and their peak."""

    launched: int
    dropped: int
    in_use: int
    peak: int


class Limiter:
    """At most `capacity` attempts at once, across all calls that share it, but for needed ones.

    For coroutines and threads alike: nothing blocks, and every method may be called from any
    thread. Needed attempts are counted too, so `in_use` exceeds `capacity` when they alone are
    more; then nothing speculative is launched. A permit is given back when its attempt has really
    ended, not when it was cancelled: until then its connection is in use.
    """

    def __init__(self, capacity: int) -> None:
        if isinstance(capacity, bool) or not isinstance(capacity, int):
            raise TypeError(f"capacity is {capacity!r}; it is a number of attempts")
        if capacity < 1:
            raise ValueError(f"capacity is {capacity}; it is 1 or more")
        self.capacity = capacity
        self._lock = threading.Lock()
        self._launched = self._dropped = self._in_use = self._peak = 0

    def __repr__(self) -> str:
        return f"Limiter({self.capacity})"

    def acquire(self, *, speculative: bool) -> bool:
        """Take a permit, or return False: the attempt is dropped. Only speculative ones are."""
        with self._lock:
            if speculative and self._in_use >= self.capacity:
                self._dropped += 1
                return False
            self._launched += 1
            self._in_use += 1
            self._peak = max(self._peak, self._in_use)
            return True

    def release(self) -> None:
        """Give a permit back."""
        with self._lock:
            if not self._in_use:
                raise RuntimeError(f"{self!r}: more permits were given back than taken")
            self._in_use -= 1

    def usage(self) -> Usage:
        """All counters at one moment."""
        with self._lock:
            return Usage(self._launched, self._dropped, self._in_use, self._peak)

    @property
    def launched(self) -> int:
        """How many attempts got a permit."""
        return self._launched

    @property
    def dropped(self) -> int:
        """How many speculative attempts were not launched."""
        return self._dropped

    @property
    def in_use(self) -> int:
        """How many permits are taken."""
        return self._in_use

    @property
    def peak(self) -> int:
        """The most permits that were taken at once."""
        return self._peak
