"""A pipeline of every kind of branch: an event loop, threads, a process pool, and a timeout."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

__all__ = ["careful", "hasty"]


def embed(size: int) -> int:
    """The branch that computes."""
    time.sleep(0.040)
    return sum(range(size))


def look_up() -> str:
    time.sleep(0.030)
    return "found"


async def pipeline(*, careful: bool) -> list[object]:
    billed: list[str] = []

    def call() -> str:
        time.sleep(0.045)
        billed.append("call")
        return "answer"

    def ask(pool: Executor) -> str:
        future = pool.submit(call)
        try:
            return future.result(timeout=0.050)
        except TimeoutError:
            return future.result() if careful else "no answer"

    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(2) as processes, ThreadPoolExecutor(2) as pool:
        branches = (
            asyncio.to_thread(look_up),
            asyncio.to_thread(ask, pool),
            loop.run_in_executor(processes, embed, 1000),
        )
        answers: list[object] = list(await asyncio.gather(*branches))
    assert "no answer" not in answers or not billed, "billed for no answer"
    return answers


async def hasty() -> list[object]:
    return await pipeline(careful=False)


async def careful() -> list[object]:
    return await pipeline(careful=True)
