"""One task that never gets its turn because another is always quicker."""

import asyncio
import contextlib


async def one_against_twenty_five() -> None:
    """Twenty-five short calls, one after the other, all complete before one lonely heartbeat."""
    missed = 0

    async def heartbeat() -> None:
        nonlocal missed
        await asyncio.sleep(0.008)
        missed = 0

    async def watch() -> bool:
        nonlocal missed
        for _ in range(25):
            await asyncio.sleep(0.001)
            missed += 1
        return missed < 25

    _, alive = await asyncio.gather(heartbeat(), watch())
    assert alive, "a healthy worker was declared dead: 25 looks and no heartbeat"


async def one_against_twenty_five_fixed() -> None:
    """Before it gives a verdict, the watchdog waits for the heartbeat that is on its way."""
    missed = 0

    async def heartbeat() -> None:
        nonlocal missed
        await asyncio.sleep(0.008)
        missed = 0

    async def watch(beating: asyncio.Task[None]) -> bool:
        nonlocal missed
        for _ in range(25):
            await asyncio.sleep(0.001)
            missed += 1
        await beating
        return missed < 25

    beating = asyncio.create_task(heartbeat())
    _, alive = await asyncio.gather(beating, watch(beating))
    assert alive, "a healthy worker was declared dead: 25 looks and no heartbeat"


async def _compare_and_set(guard: contextlib.AbstractAsyncContextManager[None]) -> bool:
    """Whether a writer with four optimistic attempts gets through beside a busy one."""
    version = 0

    async def busy() -> None:
        nonlocal version
        for _ in range(6):
            await asyncio.sleep(0.010)
            async with guard:
                version += 1

    async def patient() -> bool:
        nonlocal version
        for _ in range(4):
            async with guard:
                seen = version
                await asyncio.sleep(0.004)
                if version == seen:
                    version += 1
                    return True
        return False

    _, written = await asyncio.gather(busy(), patient())
    return written


async def optimistic_writer_starves() -> None:
    """Each of four compare-and-set attempts is overtaken by another writer."""
    written = await _compare_and_set(contextlib.nullcontext())
    assert written, "four attempts, and each time somebody else had written in between"


async def optimistic_writer_starves_fixed() -> None:
    """Both writers take the same lock."""
    written = await _compare_and_set(asyncio.Lock())
    assert written, "four attempts, and each time somebody else had written in between"
