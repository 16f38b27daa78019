"""How far a sweep has come, on stderr: a bar on a terminal, a line now and then elsewhere.

Nothing of it reaches a result: the clock is read here and nowhere else.
"""

from __future__ import annotations

import sys
import time
from typing import TextIO

__all__ = ["Progress"]

_WIDTH = 24
_STEPS = 10


class Progress:
    """Of `total` rows, `before` are there already. Without `shown`, nothing is written."""

    def __init__(self, total: int, before: int, *, shown: bool) -> None:
        self.total, self.done, self._before = total, before, before
        self._file: TextIO | None = sys.stderr if shown else None
        self._bar = bool(self._file and self._file.isatty())
        self._began = time.monotonic()
        self._step = -1
        self.show()

    def advance(self, rows: int) -> None:
        """So many more are done."""
        self.done += rows
        self.show()

    def show(self) -> None:
        """Draw the bar anew, or write a line if a tenth more is done."""
        if self._bar:
            full = _WIDTH * self.done // max(self.total, 1)
            self._write(f"\r[{'#' * full}{'.' * (_WIDTH - full)}] {self._state()}\x1b[K")
        elif (step := _STEPS * self.done // max(self.total, 1)) != self._step:
            self._step = step
            self._write(f"{self._state()}\n")

    def end(self, told: str = "") -> None:
        """Leave the bar as it is, and say what is to be said."""
        if self._bar:
            self._write("\n")
        if told:
            self._write(f"{told}\n")

    def _state(self) -> str:
        made, seconds = self.done - self._before, time.monotonic() - self._began
        state = f"{self.done}/{self.total} rows"
        if not made or not seconds:
            return state
        rate = made / seconds
        left = (self.total - self.done) / rate
        return f"{state}, {rate:.3g} a second, {_duration(left)} left"

    def _write(self, text: str) -> None:
        if self._file is not None:
            self._file.write(text)
            self._file.flush()


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 100 else f"{minutes} min"
