"""The platform's own clocks, for those who must know what time it really is.

freezegun exchanges whatever a module has by name, spectest's modules included, so the functions are
kept in an object. It may also be active when this is imported, by a test that it decorates; then it
knows the real ones.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Callable
from types import BuiltinFunctionType
from typing import Any

__all__ = ["REAL"]


def _real(name: str) -> Any:
    function = getattr(time, name)
    if isinstance(function, BuiltinFunctionType):
        return function
    return getattr(sys.modules["freezegun.api"], f"real_{name}")


class _Real:
    """By the names they have in `time` and `datetime`."""

    def __init__(self) -> None:
        self.sleep = time.sleep
        self.time: Callable[[], float] = _real("time")
        self.time_ns: Callable[[], int] = _real("time_ns")
        self.monotonic: Callable[[], float] = _real("monotonic")
        self.monotonic_ns: Callable[[], int] = _real("monotonic_ns")
        self.perf_counter: Callable[[], float] = _real("perf_counter")
        self.perf_counter_ns: Callable[[], int] = _real("perf_counter_ns")
        self.gmtime = _real("gmtime")
        self.localtime = _real("localtime")
        self.strftime = _real("strftime")
        self.asctime = time.asctime
        self.ctime = time.ctime
        # What stands for them is a subclass.
        self.date: type[dt.date] = dt.date.__mro__[-2]
        self.datetime: type[dt.datetime] = dt.datetime.__mro__[-3]


REAL = _Real()
