"""Executor jobs take turns, their sleeps are operations, and bugs around them are found."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import spectest


def test_one_job_runs_at_a_time() -> None:
    running: set[int] = set()
    together: list[int] = []
    threads: set[int] = set()

    def job() -> None:
        threads.add(threading.get_ident())
        for _ in range(3):
            running.add(threading.get_ident())
            together.extend(len(running) for _ in range(1_000))
            running.remove(threading.get_ident())
            time.sleep(0.010)

    async def program() -> None:
        jobs = [asyncio.create_task(asyncio.to_thread(job)) for _ in range(4)]
        while not all(task.done() for task in jobs):
            together.append(len(running) + 1)
            await asyncio.sleep(0.005)

    spectest.run(program)

    assert len(threads) == 4
    assert threading.get_ident() not in threads
    assert set(together) == {1}


def test_a_job_can_be_too_late() -> None:
    finished = []

    def job() -> None:
        time.sleep(0.8)
        finished.append(True)

    async def program() -> float:
        clock = asyncio.get_running_loop().time
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await asyncio.to_thread(job)
        return clock()

    assert spectest.run(program) == pytest.approx(0.3)
    assert finished == [True]


def test_a_job_waits_for_a_free_worker() -> None:
    async def program() -> list[float]:
        loop = asyncio.get_running_loop()
        ends: list[float] = []

        async def work() -> None:
            await loop.run_in_executor(pool, time.sleep, 0.3)
            ends.append(loop.time())

        with ThreadPoolExecutor(max_workers=1) as pool:
            await asyncio.gather(work(), work())
        return ends

    assert spectest.run(program) == pytest.approx([0.3, 0.6])


async def read_and_write(pause_first: bool) -> int:
    """Two jobs add 1 to a number; one that sleeps between reading and writing loses the other's."""
    number = 0

    def add() -> None:
        nonlocal number
        if pause_first:
            time.sleep(0.010)
        before = number
        if not pause_first:
            time.sleep(0.010)
        number = before + 1

    async def second() -> None:
        await asyncio.sleep(0.0105)
        await asyncio.to_thread(add)

    await asyncio.gather(asyncio.to_thread(add), second())
    return number


def test_a_lost_update_between_jobs_is_found() -> None:
    async def broken() -> None:
        assert await read_and_write(pause_first=False) == 2

    async def healthy() -> None:
        assert await read_and_write(pause_first=True) == 2

    assert asyncio.run(read_and_write(pause_first=True)) == 2
    assert spectest.run(broken) is None
    assert spectest.explore(broken).failure is not None
    assert spectest.explore(healthy).failure is None
