"""The same program on real threads and in a world, each giving a log to compare.

A program sleeps and waits in units: some milliseconds of real time, as many of virtual time. What
it logs follows from what the documentation promises, as long as the machine is not late by a unit;
where it was, the program runs once more in longer units.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from spectest.world import Limits, World

UNITS_S = (0.01, 0.04, 0.2, 1.0)
LIMITS = Limits(leaks="ignore", stall_s=0.0, elasticity=0.0)


class Log(list[Any]):
    """What a program has seen. `unit`: the length of its shortest sleep in seconds."""

    def __init__(self, unit: float) -> None:
        super().__init__()
        self.unit = unit
        self._began = time.monotonic()

    def at(self, *seen: Any) -> None:
        """Write down when this was seen, in units since the program began, and what."""
        self.append((round((time.monotonic() - self._began) / self.unit), *seen))

    def raised(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Write down what the call raises, or what it returns."""
        try:
            self.append(function(*args, **kwargs))
        except Exception as error:
            self.append((type(error).__name__, str(error)))


Program = Callable[[Log], Any]
ALL: dict[str, Program] = {}


def program(function: Program) -> Program:
    assert function.__name__ not in ALL
    ALL[function.__name__] = function
    return function


def _run(function: Program, unit: float) -> Log:
    log = Log(unit)
    log.append(("result", function(log)))
    return log


def stock_log(function: Program, unit: float) -> Log:
    """On real threads, in real time."""
    return _run(function, unit)


def world_log(function: Program, unit: float) -> Log:
    """In a world under the empty plan."""
    log: Log = World(limits=LIMITS).run(lambda: _run(function, unit))
    return log


def both_logs(function: Program) -> tuple[Log, Log]:
    """That of a world, and that of real threads, if need be of a slower run of them."""
    ours = world_log(function, UNITS_S[0])
    for unit in UNITS_S:
        stock = stock_log(function, unit)
        if stock == ours:
            break
    return ours, stock


def in_thread(function: Callable[..., Any], *args: Any) -> None:
    """Call it in a new thread, and wait for that."""
    thread = threading.Thread(target=function, args=args)
    thread.start()
    thread.join()
