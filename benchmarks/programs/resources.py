"""Leases, permits, items and connections that are lost or handed out twice."""

import asyncio
import itertools
from collections import deque


async def _lease_with_timeout(*, gives_back: bool) -> int:
    """How many leases are still held when a client and its timeout have come and gone."""
    held = 0
    reply: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def grant() -> None:
        nonlocal held
        await asyncio.sleep(0.010)
        if not reply.cancelled():
            held += 1
            reply.set_result(None)

    async def use() -> None:
        nonlocal held
        try:
            await reply
        except asyncio.CancelledError:
            if gives_back and not reply.cancelled():
                held -= 1
            raise
        try:
            await asyncio.sleep(0.005)
        finally:
            held -= 1

    granting, using = asyncio.create_task(grant()), asyncio.create_task(use())
    await asyncio.wait({using}, timeout=0.030)
    using.cancel()
    await asyncio.wait({granting, using})
    return held


async def lease_lost_at_timeout() -> None:
    """A lease is granted in the loop iteration in which its client is cancelled.

    https://bugs.python.org/issue37658 is the same in asyncio.wait_for.
    """
    held = await _lease_with_timeout(gives_back=False)
    assert held == 0, "nobody holds the lease, and nobody gave it back"


async def lease_lost_at_timeout_fixed() -> None:
    """A client that is cancelled looks whether the lease has arrived."""
    held = await _lease_with_timeout(gives_back=True)
    assert held == 0, "nobody holds the lease, and nobody gave it back"


class _Permits:
    """A semaphore that hands a permit to a waiter, and does not ask whether it still wants it."""

    def __init__(self) -> None:
        self.free = 1
        self.waiters: deque[asyncio.Future[None]] = deque()

    async def acquire(self) -> None:
        if self.free:
            self.free -= 1
            return
        waiter = asyncio.get_running_loop().create_future()
        self.waiters.append(waiter)
        await waiter

    def release(self) -> None:
        while self.waiters:
            waiter = self.waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self.free += 1


class _ReturnedPermits(_Permits):
    """The same semaphore; a waiter cancelled after it was woken passes its permit on."""

    async def acquire(self) -> None:
        if self.free:
            self.free -= 1
            return
        waiter = asyncio.get_running_loop().create_future()
        self.waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():
                self.release()
            raise


async def _work_and_give_up(permits: _Permits) -> None:
    async def work(seconds: float) -> None:
        await permits.acquire()
        try:
            await asyncio.sleep(seconds)
        finally:
            permits.release()

    holder = asyncio.create_task(work(0.010))
    impatient = asyncio.create_task(work(0.005))
    await asyncio.sleep(0.020)
    impatient.cancel()
    await asyncio.wait({holder, impatient})
    assert permits.free == 1, "all work is done and no permit is left"


async def permit_lost_with_cancelled_waiter() -> None:
    """A waiter is cancelled between being woken and running: its permit is lost.

    As in asyncio's first Semaphore, https://github.com/python/asyncio/issues/270, and its Lock,
    https://bugs.python.org/issue27585.
    """
    await _work_and_give_up(_Permits())


async def permit_lost_with_cancelled_waiter_fixed() -> None:
    """The cancelled waiter passes the permit on."""
    await _work_and_give_up(_ReturnedPermits())


async def _stop_while_consuming(*, keeps_last: bool) -> None:
    items: asyncio.Queue[str] = asyncio.Queue()
    stop = asyncio.Event()
    handled: list[str] = []

    async def consume() -> None:
        stopping = asyncio.create_task(stop.wait())
        while True:
            getting = asyncio.create_task(items.get())
            await asyncio.wait({getting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stopping.done():
                break
            handled.append(getting.result())
        getting.cancel()
        await asyncio.wait({getting})
        if keeps_last and not getting.cancelled():
            handled.append(getting.result())

    async def produce() -> None:
        for item in ("first", "second"):
            await asyncio.sleep(0.010)
            items.put_nowait(item)

    async def shut_down() -> None:
        await asyncio.sleep(0.050)
        stop.set()

    await asyncio.gather(consume(), produce(), shut_down())
    found = len(handled) + items.qsize()
    assert found == 2, f"neither handled nor left in the queue: {2 - found} of 2 items"


async def item_lost_at_shutdown() -> None:
    """An item and the order to stop arrive together; the item was already out of the queue.

    https://github.com/python/asyncio/issues/201 is about the same pattern.
    """
    await _stop_while_consuming(keeps_last=False)


async def item_lost_at_shutdown_fixed() -> None:
    """What the cancelled get() has taken out is still handled."""
    await _stop_while_consuming(keeps_last=True)


async def _share_connections(*, checks_lease: bool) -> None:
    """Three workers borrow; what is borrowed for longer than 30 ms is taken back."""
    names = map("connection {}".format, itertools.count(1))
    idle: list[str] = []
    using: dict[int, str] = {}
    clashes: list[str] = []

    def give_back(worker: int, connection: str) -> None:
        leased = using.pop(worker, None) is not None
        if leased or not checks_lease:
            idle.append(connection)

    async def work(worker: int, arrives: float) -> None:
        await asyncio.sleep(arrives)
        connection = idle.pop() if idle else next(names)
        if connection in using.values():
            clashes.append(connection)
        using[worker] = connection
        overdue = asyncio.get_running_loop().call_later(0.030, give_back, worker, connection)
        await asyncio.sleep(0.010)
        overdue.cancel()
        give_back(worker, connection)

    await asyncio.gather(work(1, 0.001), work(2, 0.035), work(3, 0.042))
    assert not clashes, f"{clashes[0]} is used by two workers at a time"


async def connection_returned_twice() -> None:
    """A connection is taken back, lent anew, and returned by its first, late borrower."""
    await _share_connections(checks_lease=False)


async def connection_returned_twice_fixed() -> None:
    """Only the one who holds the lease returns the connection."""
    await _share_connections(checks_lease=True)
