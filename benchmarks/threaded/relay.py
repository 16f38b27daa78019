"""The bare cost of passing a baton: threads that stand at raw locks and do nothing else.

No tool that runs real threads one at a time can be cheaper.
"""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable

__all__ = ["FreshRelay", "Relay"]

Gate = tuple[Callable[[], object], Callable[[], object]]


def _gates(threads: int) -> list[Gate]:
    """For each thread, how it waits for the baton and how the one before passes it on."""
    locks = [_thread.allocate_lock() for _ in range(threads)]
    for lock in locks:
        lock.acquire()
    return [(lock.acquire, lock.release) for lock in locks]


def _lead(gates: list[Gate], rounds: int) -> None:
    """Send the baton round the circle so many times."""
    wait, pass_on = gates[0][0], gates[1][1]
    for _ in range(rounds):
        pass_on()
        wait()


def _follow(gates: list[Gate], place: int, rounds: int) -> None:
    wait, pass_on = gates[place][0], gates[(place + 1) % len(gates)][1]
    for _ in range(rounds):
        wait()
        pass_on()


class Relay:
    """The threads are there already; each execution only passes the baton."""

    def __init__(self) -> None:
        self._circles: dict[int, list[Gate]] = {}

    def explore(self, size: tuple[int, int], executions: int, _seed: int) -> None:
        threads, passes = size
        gates = self._circles.get(threads)
        if gates is None:
            gates = self._circles[threads] = _gates(threads)
            for place in range(1, threads):
                _thread.start_new_thread(_follow, (gates, place, 1 << 62))
        _lead(gates, round(executions * passes / threads))


class FreshRelay:
    """Each execution starts its threads and joins them."""

    def explore(self, size: tuple[int, int], executions: int, _seed: int) -> None:
        threads, passes = size
        rounds = max(1, round(passes / threads))
        for _ in range(executions):
            gates = _gates(threads)
            others = [
                threading.Thread(target=_follow, args=(gates, place, rounds))
                for place in range(1, threads)
            ]
            for thread in others:
                thread.start()
            _lead(gates, rounds)
            for thread in others:
                thread.join()
