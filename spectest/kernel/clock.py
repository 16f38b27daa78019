"""Virtual time is an integer number of nanoseconds that only the scheduler moves.

Integers, because equal instants must compare equal whatever arithmetic led to them. At the edge,
where programs expect seconds as `float`, a reading of the clock is an `Instant`: a float that
remembers *which* reading it was. A real clock never gives the same answer twice, so two deadlines
computed from two readings are ordered by the readings; a virtual clock, which stands still, would
make them equal and lose that order. A deadline computed once and shared stays one instant.
"""

from __future__ import annotations

from spectest.errors import InternalError

__all__ = ["FOREVER_NS", "NANOSECONDS", "Instant", "VirtualClock", "seconds_to_ns"]

NANOSECONDS = 1_000_000_000


FOREVER_NS = 10**19
"""Three centuries: what is due then never comes."""


def seconds_to_ns(seconds: float) -> int:
    """Nearest whole nanosecond, at most `FOREVER_NS`; NaN raises `ValueError` as `round` does."""
    return round(min(seconds * NANOSECONDS, FOREVER_NS))


class Instant(float):
    """A reading of the clock in seconds; adding a duration keeps the number of the reading."""

    __slots__ = ("reading",)
    reading: int

    @classmethod
    def of(cls, seconds: float, reading: int) -> Instant:
        instant = cls(seconds)
        instant.reading = reading
        return instant

    def __add__(self, other: float) -> float:
        if isinstance(other, Instant):
            return float.__add__(self, other)
        return Instant.of(float.__add__(self, other), self.reading)

    __radd__ = __add__

    def __sub__(self, other: float) -> float:
        if isinstance(other, Instant):
            return float.__sub__(self, other)
        return Instant.of(float.__sub__(self, other), self.reading)

    def __reduce__(self) -> tuple[type[float], tuple[float]]:
        return float, (float(self),)


class VirtualClock:
    """The time of one world, from zero."""

    __slots__ = ("_readings", "now_ns")

    def __init__(self) -> None:
        self.now_ns = 0
        self._readings = 0

    def read(self) -> Instant:
        """The present in seconds."""
        return Instant.of(self.now_ns / NANOSECONDS, self.next_reading())

    def next_reading(self) -> int:
        """The number of one more reading; numbers start at 1, 0 means "not from this clock"."""
        self._readings += 1
        return self._readings

    def advance_to(self, instant_ns: int) -> None:
        """Move forward to `instant_ns`."""
        if instant_ns < self.now_ns:
            raise InternalError(
                f"the virtual clock was asked to go back from {self.now_ns} ns to {instant_ns} ns"
            )
        self.now_ns = instant_ns
