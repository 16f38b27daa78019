"""Who may run jobs: one thread at a time, and that one as deep as it likes.

A thread that finds another at work does not wait for its turn alone but also for what it came for:
the other may bring it, and may itself be waiting for what this thread does next.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Turn"]


class Turn:
    """A re-entrant lock that one may stop waiting for."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._owner: int | None = None
        self._depth = 0

    @contextmanager
    def unless(self, done: Callable[[], bool]) -> Iterator[bool]:
        """Hold the turn and yield True; or yield False without it as soon as `done()` is true."""
        mine = threading.get_ident()
        with self._changed:
            self._changed.wait_for(lambda: self._owner in (None, mine) or done())
            taken = self._owner in (None, mine) and not done()
            if taken:
                self._owner = mine
                self._depth += 1
        try:
            yield taken
        finally:
            if taken:
                self._give_back()

    def look_again(self) -> None:
        """Wake those who wait: what they came for may be there."""
        with self._changed:
            self._changed.notify_all()

    def _give_back(self) -> None:
        with self._changed:
            self._depth -= 1
            if not self._depth:
                self._owner = None
            self._changed.notify_all()
