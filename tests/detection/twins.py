"""Twins: for each named ending a program that deserves it, and one that differs in what matters."""

import asyncio
import sys
import time
from contextlib import suppress
from typing import Any

# Deadlock.


async def transfer(source: asyncio.Lock, target: asyncio.Lock) -> None:
    async with source:
        await asyncio.sleep(0.010)
        async with target:
            await asyncio.sleep(0.001)


async def crossed_locks() -> None:
    a, b = asyncio.Lock(), asyncio.Lock()
    await asyncio.gather(transfer(a, b), transfer(b, a))


async def ordered_locks() -> None:
    a, b = asyncio.Lock(), asyncio.Lock()
    await asyncio.gather(transfer(a, b), transfer(a, b))


async def no_producer() -> None:
    await asyncio.Queue[int]().get()


async def producer() -> None:
    queue = asyncio.Queue[int]()
    asyncio.get_running_loop().call_later(0.1, queue.put_nowait, 1)
    await queue.get()


# Livelock.


async def wait_for_flag(flag: list[int], pause: float) -> None:
    while not flag:
        await asyncio.sleep(pause)


async def spins() -> None:
    await wait_for_flag([], 0)


async def polls_for_ever() -> None:
    await wait_for_flag([], 0.001)


async def polls_until() -> None:
    flag: list[int] = []
    asyncio.get_running_loop().call_later(0.5, flag.append, 1)
    await wait_for_flag(flag, 0.001)


async def spins_a_while() -> None:
    for _ in range(2_000):
        await asyncio.sleep(0)


def reschedule() -> None:
    asyncio.get_running_loop().call_soon(reschedule)


async def callbacks_for_ever() -> None:
    reschedule()
    await asyncio.sleep(1)


# Tasks that outlive the program.


async def heartbeat() -> None:
    while True:
        await asyncio.sleep(30)


async def leaves_a_heartbeat() -> None:
    asyncio.create_task(heartbeat())
    await asyncio.sleep(0.1)


async def ends_its_heartbeat() -> None:
    task = asyncio.create_task(heartbeat())
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.wait([task])


async def stubborn() -> None:
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)


async def leaves_a_stubborn_task() -> None:
    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.sleep(0.1)


async def cleans_up_slowly() -> None:
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        await asyncio.sleep(5)
        raise


async def leaves_a_slow_cleanup() -> None:
    """Ends by itself within the drain."""
    task = asyncio.create_task(cleans_up_slowly())
    await asyncio.sleep(0.1)
    task.cancel()


# Exceptions that nobody retrieves.


async def fails(after: float = 0.0) -> None:
    await asyncio.sleep(after)
    raise ValueError("nobody asked")


async def forgets_a_task() -> None:
    asyncio.create_task(fails())
    await asyncio.sleep(0.1)


async def forgets_a_task_that_fails_after_the_end() -> None:
    asyncio.create_task(fails(1.0))


async def looks_at_the_task() -> None:
    task = asyncio.create_task(fails())
    await asyncio.wait([task])
    assert task.exception() is not None


async def forgets_a_future() -> None:
    asyncio.get_running_loop().create_future().set_exception(ValueError("nobody asked"))
    await asyncio.sleep(0.1)


async def looks_at_the_future() -> None:
    future = asyncio.get_running_loop().create_future()
    future.set_exception(ValueError("somebody asked"))
    assert future.exception() is not None


async def forgets_a_gather() -> None:
    both = asyncio.gather(fails(0.1), fails(0.2))
    await asyncio.sleep(1)
    assert both.done()


async def gathers_exceptions() -> None:
    results = await asyncio.gather(fails(0.1), fails(0.2), return_exceptions=True)
    assert [type(result) for result in results] == [ValueError, ValueError]


async def gathers_and_catches_the_first() -> None:
    """Stock gather retrieves the second exception too, silently."""
    with suppress(ValueError):
        await asyncio.gather(fails(0.1), fails(0.2))


# Callbacks.


def explode(*_: Any) -> None:
    raise ZeroDivisionError("in a callback")


async def broken_timer() -> None:
    asyncio.get_running_loop().call_later(0.1, explode)
    await asyncio.sleep(1)


async def broken_done_callback() -> None:
    task = asyncio.create_task(asyncio.sleep(0.1))
    task.add_done_callback(explode)
    await task


async def cancelled_timer() -> None:
    asyncio.get_running_loop().call_later(0.1, explode).cancel()
    await asyncio.sleep(1)


async def harmless_callbacks() -> None:
    task = asyncio.create_task(asyncio.sleep(0.1))
    task.add_done_callback(lambda task: None)
    await task


# The real world.


async def opens_a_connection() -> None:
    await asyncio.open_connection("example.org", 80)


async def starts_a_process() -> None:
    await asyncio.create_subprocess_exec(sys.executable, "-c", "pass")


async def resolves_a_name() -> None:
    await asyncio.get_running_loop().getaddrinfo("example.org", 80)


async def reads_a_fed_stream() -> None:
    reader = asyncio.StreamReader()
    asyncio.get_running_loop().call_later(0.1, reader.feed_data, b"answer\n")
    assert await reader.readline() == b"answer\n"


# Programs that are not the same program twice.

_started = time.time()
_calls: list[int] = []


class Branch:
    """Hashed by its address."""

    def __init__(self, number: int) -> None:
        self.number = number


_ballast: list[object] = []


async def decides_by_the_real_clock() -> None:
    await asyncio.sleep(time.clock_gettime(time.CLOCK_REALTIME) - _started)


async def decides_by_the_loops_clock() -> None:
    await asyncio.sleep(asyncio.get_running_loop().time() + 0.1)


async def walks_a_set_of_its_own_objects() -> None:
    _ballast.extend(bytearray(100 + len(_ballast)) for _ in range(7))
    for branch in {Branch(number) for number in range(30)}:
        await asyncio.sleep(0.001 * (branch.number + 1))


async def walks_a_dict_of_its_own_objects() -> None:
    for branch in {Branch(number): number for number in range(30)}:
        await asyncio.sleep(0.001 * (branch.number + 1))


async def remembers_in_a_module() -> None:
    _calls.append(1)
    await asyncio.sleep(0.1 if len(_calls) == 1 else 0.2)


async def remembers_inside() -> None:
    calls = [1]
    await asyncio.sleep(0.1 if len(calls) == 1 else 0.2)


# Two answers at one instant.


async def answer(number: int) -> int:
    await asyncio.sleep(0.010)
    return number


async def first_of_two() -> int:
    """`done.pop()` after both have come: the idiom with two answers."""
    branches = [asyncio.create_task(answer(1)), asyncio.create_task(answer(2))]
    done, pending = await asyncio.wait(branches, return_when=asyncio.FIRST_COMPLETED)
    winner = done.pop()
    for task in (*done, *pending):
        task.cancel()
    await asyncio.gather(*done, *pending, return_exceptions=True)
    return winner.result()


async def expects_the_first() -> None:
    assert await first_of_two() == 1


async def accepts_either() -> None:
    assert await first_of_two() in (1, 2)


async def first_done_in_order() -> None:
    """Chosen by position instead: one answer, as long as both are there."""
    branches = [asyncio.create_task(answer(1)), asyncio.create_task(answer(2))]
    done, _ = await asyncio.wait(branches)
    assert next(task for task in branches if task in done).result() == 1
