"""Tasks that wait for what will not come: a deadlock and a lost wake-up."""

import asyncio


async def _both_finish(*tasks: asyncio.Task[None]) -> bool:
    """Whether the tasks end within a second, which is far more than they can need."""
    _, stuck = await asyncio.wait(tasks, timeout=1.0)
    for task in stuck:
        task.cancel()
    return not stuck


async def ab_ba_deadlock() -> None:
    """Two tasks take the same two locks in opposite order, and meet in the middle."""
    accounts, audit = asyncio.Lock(), asyncio.Lock()

    async def transfer(starts: float, first: asyncio.Lock, then: asyncio.Lock) -> None:
        await asyncio.sleep(starts)
        async with first:
            await asyncio.sleep(0.010)
            async with then:
                pass

    one = asyncio.create_task(transfer(0.010, accounts, audit))
    two = asyncio.create_task(transfer(0.030, audit, accounts))
    assert await _both_finish(one, two), "deadlock: each task holds the lock that the other wants"


async def ab_ba_deadlock_fixed() -> None:
    """Both tasks take the locks in the same order."""
    accounts, audit = asyncio.Lock(), asyncio.Lock()

    async def transfer(starts: float, first: asyncio.Lock, then: asyncio.Lock) -> None:
        await asyncio.sleep(starts)
        async with first:
            await asyncio.sleep(0.010)
            async with then:
                pass

    one = asyncio.create_task(transfer(0.010, accounts, audit))
    two = asyncio.create_task(transfer(0.030, accounts, audit))
    assert await _both_finish(one, two), "deadlock: each task holds the lock that the other wants"


async def pulse_lost() -> None:
    """An event is set and cleared at once, while the one it is meant for still looks elsewhere."""
    ready = asyncio.Event()

    async def worker() -> None:
        await asyncio.sleep(0.010)
        await ready.wait()

    async def announce() -> None:
        await asyncio.sleep(0.020)
        ready.set()
        ready.clear()

    working, announcing = asyncio.create_task(worker()), asyncio.create_task(announce())
    assert await _both_finish(working, announcing), "the worker waits for a pulse that is over"


async def pulse_lost_fixed() -> None:
    """The event stays set."""
    ready = asyncio.Event()

    async def worker() -> None:
        await asyncio.sleep(0.010)
        await ready.wait()

    async def announce() -> None:
        await asyncio.sleep(0.020)
        ready.set()

    working, announcing = asyncio.create_task(worker()), asyncio.create_task(announce())
    assert await _both_finish(working, announcing), "the worker waits for a pulse that is over"
