"""Three small programs, one for each thing that pipelines do: share, race, pass on.

They import the standard library and nothing else and are correct in every order, so that no
execution ends early.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

__all__ = ["PROGRAMS", "Counter", "ping_pong"]

Program = Callable[[], Awaitable[None]]


class Counter:
    """A number that three tasks increase, each three times, under a lock."""

    def __init__(self) -> None:
        self.value = 0
        self.lock = asyncio.Lock()

    async def increase(self) -> None:
        for _ in range(3):
            async with self.lock:
                seen = self.value
                await asyncio.sleep(0)
                self.value = seen + 1

    @property
    def complete(self) -> bool:
        return self.value == 9


async def locked_counter() -> None:
    """Three tasks, three increments each."""
    counter = Counter()
    await asyncio.gather(*(counter.increase() for _ in range(3)))
    assert counter.complete


async def hedge() -> None:
    """Two calls, the first answer wins, the other call is cancelled."""
    calls = [asyncio.create_task(asyncio.sleep(0.001, "answer")) for _ in range(2)]
    done, pending = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    for call in pending:
        call.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    assert done.pop().result() == "answer"


async def queue() -> None:
    """A producer, a consumer, and a queue that holds two items."""
    items: asyncio.Queue[int | None] = asyncio.Queue(maxsize=2)

    async def produce() -> None:
        for item in (1, 2, 3, 4, 5, None):
            await items.put(item)

    async def consume() -> list[int]:
        consumed = []
        while (item := await items.get()) is not None:
            consumed.append(item)
        return consumed

    _, consumed = await asyncio.gather(produce(), consume())
    assert consumed == [1, 2, 3, 4, 5]


PROGRAMS: dict[str, Program] = {
    "locked counter": locked_counter,
    "hedge": hedge,
    "queue": queue,
}


async def ping_pong(round_trips: int = 20_000) -> None:
    """Two tasks that send each other one item through two queues, again and again."""
    there: asyncio.Queue[int] = asyncio.Queue()
    back: asyncio.Queue[int] = asyncio.Queue()

    async def answer() -> None:
        for _ in range(round_trips):
            await back.put(await there.get())

    async def ask() -> None:
        for number in range(round_trips):
            await there.put(number)
            assert await back.get() == number

    await asyncio.gather(ask(), answer())
