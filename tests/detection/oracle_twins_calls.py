"""Objects whose calls overlap, and the sequential models that say what is right."""

from __future__ import annotations

import asyncio
import threading

from spectest import watch
from spectest.services import FakeService

__all__ = [
    "Counter",
    "Register",
    "Shelf",
    "checks_and_acts_under_one_lock",
    "checks_then_acts",
    "counts_under_a_lock",
    "keeps_only_what_is_still_true",
    "keeps_what_was_read_before_a_write",
    "loses_an_update",
    "service",
]


def service(name: str, low: float, high: float) -> FakeService:
    return FakeService(name, latency=(low, high), answer=name)


# Models.


class Counter:
    def __init__(self) -> None:
        self.value = 0

    def increment(self) -> int:
        self.value += 1
        return self.value


class Shelf:
    def __init__(self) -> None:
        self.items = ["book"]

    def take(self) -> str | None:
        return self.items.pop() if self.items else None


class Register:
    def __init__(self) -> None:
        self.value = 0

    def write(self, value: int) -> None:
        self.value = value

    def read(self) -> int:
        return self.value


# Calls that overlap.


async def count(*, locked: bool) -> None:
    class Shared(Counter):
        lock = asyncio.Lock()

        async def increment(self) -> int:  # type: ignore[override]
            if not locked:
                return await self._increment()
            async with self.lock:
                return await self._increment()

        async def _increment(self) -> int:
            before = self.value
            await service("store", 0.010, 0.060)()
            self.value = before + 1
            return self.value

    counter = watch.calls(Shared(), name="counter", methods=("increment",))

    async def visit(low: float, high: float) -> None:
        await service("visitor", low, high)()
        await counter.increment()

    await asyncio.gather(visit(0.0, 0.040), visit(0.040, 0.160))


async def loses_an_update() -> None:
    await count(locked=False)


async def counts_under_a_lock() -> None:
    await count(locked=True)


def shelf(*, at_once: bool) -> None:
    class Shared(Shelf):
        def __init__(self) -> None:
            super().__init__()
            self.lock = threading.Lock()

        def take(self) -> str | None:
            if at_once:
                with self.lock:
                    return super().take()
            with self.lock:
                some = bool(self.items)
            with self.lock:
                return self.items.pop() if some else None

    shared = watch.calls(Shared(), name="shelf", methods="take")

    def reader() -> None:
        try:
            shared.take()
        except IndexError:
            return

    readers = [threading.Thread(target=reader) for _ in range(2)]
    for one in readers:
        one.start()
    for one in readers:
        one.join()


def checks_then_acts() -> None:
    shelf(at_once=False)


def checks_and_acts_under_one_lock() -> None:
    shelf(at_once=True)


async def cached(*, versioned: bool) -> None:
    class Cache:
        def __init__(self) -> None:
            self.stored = 0
            self.version = 0
            self.kept: int | None = None

        async def write(self, value: int) -> None:
            self.stored = value
            self.version += 1
            self.kept = None

        async def read(self) -> int:
            if self.kept is None:
                value, version = self.stored, self.version
                await service("disk", 0.010, 0.060)()
                if versioned and version != self.version:
                    return await self.read()
                self.kept = value
            return self.kept

    register = watch.calls(Cache(), name="register", methods=("read", "write"))

    async def writer() -> None:
        await service("writer", 0.070, 0.100)()
        await register.write(1)
        await service("pause", 0.001, 0.060)()
        await register.read()

    async def reader() -> None:
        await service("reader", 0.0, 0.060)()
        await register.read()

    await asyncio.gather(writer(), reader())


async def keeps_what_was_read_before_a_write() -> None:
    await cached(versioned=False)


async def keeps_only_what_is_still_true() -> None:
    await cached(versioned=True)
