"""Small threaded programs: some correct in every order, some with one known bug each.

They import the standard library and nothing else. Each is written as a *model*, for tools that do
not take a program but functions on a state; the program starts a thread for each function, joins
them, and looks at the state. None of the broken ones fails in stock order.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

__all__ = ["BROKEN", "CORRECT", "Model"]


@dataclass(frozen=True)
class Model:
    """`parts` run on what `state` makes, each in a thread of its own; then `holds` must be true.

    `alone`: there is one part, it starts threads itself, and the program calls it directly.
    """

    state: Callable[[], Any]
    parts: tuple[Callable[[Any], object], ...]
    holds: Callable[[Any], bool]
    alone: bool = False

    @property
    def threads(self) -> int:
        """How many the program has, the main thread included; a pool here has two workers."""
        return 3 if self.alone else 1 + len(self.parts)

    def __call__(self) -> None:
        """The program."""
        state = self.state()
        if self.alone:
            self.parts[0](state)
        else:
            threads = [threading.Thread(target=part, args=(state,)) for part in self.parts]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert self.holds(state)


# Correct in every order.


class Counter:
    def __init__(self) -> None:
        self.value = 0
        self.lock = threading.Lock()

    def increase(self) -> None:
        for _ in range(3):
            with self.lock:
                seen = self.value
                self.value = seen + 1


class HandOff:
    def __init__(self) -> None:
        self.items: queue.Queue[int | None] = queue.Queue(maxsize=2)
        self.consumed: list[int] = []

    def produce(self) -> None:
        for item in (1, 2, 3, 4, 5, None):
            self.items.put(item)

    def consume(self) -> None:
        while (item := self.items.get()) is not None:
            self.consumed.append(item)


class Squares:
    def __init__(self) -> None:
        self.results: list[int] = []

    def compute(self) -> None:
        with ThreadPoolExecutor(max_workers=2) as pool:
            jobs = [pool.submit(pow, number, 2) for number in range(4)]
            self.results = [job.result() for job in jobs]


class Impatient:
    """Two locks taken in both orders; who does not get the second one in time goes without."""

    def __init__(self) -> None:
        self.locks = (threading.Lock(), threading.Lock())
        self.finished: list[int] = []

    def take(self, first: int, second: int) -> None:
        with self.locks[first]:
            if self.locks[second].acquire(timeout=0.1):
                self.locks[second].release()
        self.finished.append(first)

    def forwards(self) -> None:
        self.take(0, 1)

    def backwards(self) -> None:
        self.take(1, 0)


CORRECT: dict[str, Model] = {
    "locked counter": Model(Counter, (Counter.increase,) * 3, lambda it: it.value == 9),
    "queue": Model(
        HandOff, (HandOff.produce, HandOff.consume), lambda it: it.consumed == [1, 2, 3, 4, 5]
    ),
    "pool": Model(Squares, (Squares.compute,), lambda it: it.results == [0, 1, 4, 9], alone=True),
    "AB-BA with timeout": Model(
        Impatient, (Impatient.forwards, Impatient.backwards), lambda it: len(it.finished) == 2
    ),
}


# With one bug each.


class UnlockedCounter:
    """Between reading and writing the counter a thread notes what it does, under another lock."""

    def __init__(self) -> None:
        self.value = 0
        self.lock = threading.Lock()
        self.notes: list[int] = []

    def increase(self) -> None:
        seen = self.value
        with self.lock:
            self.notes.append(seen)
        self.value = seen + 1


class SlowCounter:
    """The second thread begins when the first, if it is not late, has finished."""

    def __init__(self) -> None:
        self.value = 0

    def increase(self, begin_s: float) -> None:
        time.sleep(begin_s)
        seen = self.value
        time.sleep(0.001)
        self.value = seen + 1

    def early(self) -> None:
        self.increase(0.010)

    def late(self) -> None:
        self.increase(0.0115)


class Crossed:
    def __init__(self) -> None:
        self.one, self.two = threading.Lock(), threading.Lock()

    def forwards(self) -> None:
        with self.one, self.two:
            pass

    def backwards(self) -> None:
        with self.two, self.one:
            pass


class LastItem:
    """Two consumers look whether there is an item, and then take it."""

    def __init__(self) -> None:
        self.items: queue.Queue[str] = queue.Queue()
        self.items.put("only")
        self.disappointed = 0

    def consume(self) -> None:
        if not self.items.empty():
            try:
                self.items.get_nowait()
            except queue.Empty:
                self.disappointed += 1


class Registry:
    """Looks under a lock, makes what is missing, and puts it in under the lock."""

    def __init__(self) -> None:
        self.sessions: dict[str, object] = {}
        self.lock = threading.Lock()
        self.made = 0

    def session(self) -> None:
        with self.lock:
            known = "user" in self.sessions
        if not known:
            session = object()
            with self.lock:
                self.sessions["user"] = session
                self.made += 1


class Signal:
    """Who waits clears the event after it has looked whether there is anything to wait for."""

    def __init__(self) -> None:
        self.ready = False
        self.event = threading.Event()

    def wait(self) -> None:
        if not self.ready:
            self.event.clear()
            self.event.wait()

    def announce(self) -> None:
        self.ready = True
        self.event.set()


class PooledCounter:
    """`UnlockedCounter` with the workers of a pool."""

    def __init__(self) -> None:
        self.counter = UnlockedCounter()

    def compute(self) -> None:
        with ThreadPoolExecutor(max_workers=2) as pool:
            jobs = [pool.submit(self.counter.increase) for _ in range(2)]
            for job in jobs:
                job.result()


BROKEN: dict[str, Model] = {
    "lost update": Model(
        UnlockedCounter, (UnlockedCounter.increase,) * 2, lambda it: it.value == 2
    ),
    "lost update around sleeps": Model(
        SlowCounter, (SlowCounter.early, SlowCounter.late), lambda it: it.value == 2
    ),
    "AB-BA deadlock": Model(Crossed, (Crossed.forwards, Crossed.backwards), lambda _: True),
    "queue, check then get": Model(
        LastItem, (LastItem.consume,) * 2, lambda it: not it.disappointed
    ),
    "dict, check then act": Model(Registry, (Registry.session,) * 2, lambda it: it.made == 1),
    "event, lost wake-up": Model(Signal, (Signal.wait, Signal.announce), lambda _: True),
    "lost update in a pool": Model(
        PooledCounter, (PooledCounter.compute,), lambda it: it.counter.value == 2, alone=True
    ),
}
