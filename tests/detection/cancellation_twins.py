"""Twins that a cancellation tells apart: one leaves something behind, the other does not.

Each program comes with a check of what it leaves, except where the promise is everybody's.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

Parts = tuple[Coroutine[Any, Any, None], Callable[[], Any]]


class Pool:
    """Connections; giving one back takes a moment, as closing a transaction does."""

    def __init__(self, size: int) -> None:
        self.free = list(range(size))

    def take(self) -> int:
        return self.free.pop()

    async def give_back(self, connection: int) -> None:
        await asyncio.sleep(0.001)
        self.free.append(connection)


async def query() -> None:
    await asyncio.sleep(0.010)


async def two(use: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(use())
        group.create_task(use())


# A connection that a cancelled request keeps.


def keeps_the_connection() -> Parts:
    pool = Pool(2)

    async def request() -> None:
        connection = pool.take()
        await query()
        pool.free.append(connection)

    def all_are_free() -> None:
        assert len(pool.free) == 2, "a connection is lost"

    return two(request), all_are_free


def returns_the_connection() -> Parts:
    pool = Pool(2)

    async def request() -> None:
        connection = pool.take()
        try:
            await query()
        finally:
            pool.free.append(connection)

    def all_are_free() -> None:
        assert len(pool.free) == 2, "a connection is lost"

    return two(request), all_are_free


# A lock that is left held.


def leaves_the_lock_held() -> Parts:
    lock = asyncio.Lock()

    async def write() -> None:
        await lock.acquire()
        await query()
        lock.release()

    async def can_be_taken() -> None:
        async with asyncio.timeout(1), lock:
            pass

    return write(), can_be_taken


def releases_the_lock() -> Parts:
    lock = asyncio.Lock()

    async def write() -> None:
        async with lock:
            await query()

    async def can_be_taken() -> None:
        async with asyncio.timeout(1), lock:
            pass

    return write(), can_be_taken


# A cancellation that is taken for an error.


async def retries_whatever_happens() -> None:
    for _ in range(3):
        try:
            return await query()
        except:  # noqa: E722
            continue
    return None


async def retries_errors() -> None:
    for _ in range(3):
        try:
            return await query()
        except Exception:
            continue
    return None


# A cleanup that is cancelled itself.


def cleans_up_unless_cancelled_there() -> Parts:
    pool = Pool(1)

    async def request() -> None:
        connection = pool.take()
        try:
            await query()
        finally:
            await pool.give_back(connection)

    def all_are_free() -> None:
        assert pool.free, "a connection is lost"

    return request(), all_are_free


def shields_its_cleanup() -> Parts:
    pool = Pool(1)

    async def request() -> None:
        connection = pool.take()
        try:
            await query()
        finally:
            await asyncio.shield(asyncio.create_task(pool.give_back(connection)))

    def all_are_free() -> None:
        assert pool.free, "a connection is lost"

    return request(), all_are_free


# A permit that is given back by who never got it.


def releases_what_it_has_not() -> Parts:
    permits = asyncio.Semaphore(1)

    async def request() -> None:
        try:
            await permits.acquire()
            await query()
        finally:
            permits.release()

    return two(request), lambda: _one_at_a_time(permits)


def releases_what_it_has() -> Parts:
    permits = asyncio.Semaphore(1)

    async def request() -> None:
        async with permits:
            await query()

    return two(request), lambda: _one_at_a_time(permits)


async def _one_at_a_time(permits: asyncio.Semaphore) -> None:
    await permits.acquire()
    assert permits.locked(), "a permit too many"
