"""anyio works on our loop: bare, as its backend's loop factory, and in a world."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.to_thread
import pytest

from spectest.eventloop.loop import VirtualEventLoop
from spectest.world import World


async def task_group() -> list[str]:
    log: list[str] = []

    async def work(name: str, seconds: float) -> None:
        try:
            await anyio.sleep(seconds)
            log.append(name)
        except anyio.get_cancelled_exc_class():
            log.append(f"{name} cancelled")
            raise

    async with anyio.create_task_group() as group:
        group.start_soon(work, "slow", 3600)
        group.start_soon(work, "fast", 60)
        await anyio.sleep(600)
        group.cancel_scope.cancel()
    return log


async def failing_task_group() -> list[str]:
    async def fail() -> None:
        await anyio.sleep(1)
        raise KeyError("on purpose")

    with pytest.raises(ExceptionGroup) as caught:
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep, 3600)
            group.start_soon(fail)
    return [str(error) for error in caught.value.exceptions]


async def cancel_scopes() -> list[Any]:
    with anyio.move_on_after(10) as outer:
        with anyio.move_on_after(5) as inner:
            await anyio.sleep(3600)
        with anyio.CancelScope(shield=True):
            await anyio.sleep(7)
        await anyio.sleep(1)
    return [inner.cancelled_caught, outer.cancelled_caught, round(anyio.current_time())]


async def fail_after() -> list[float]:
    try:
        with anyio.fail_after(60):
            await anyio.sleep(3600)
    except TimeoutError:
        return [anyio.current_time()]
    return []


async def streams_and_locks() -> list[int]:
    send, receive = anyio.create_memory_object_stream[int](1)
    received: list[int] = []
    limiter = anyio.CapacityLimiter(1)

    async def produce() -> None:
        async with send:
            for number in range(3):
                async with limiter:
                    await send.send(number)
                await anyio.sleep(1)

    async with anyio.create_task_group() as group:
        group.start_soon(produce)
        async with receive:
            received += [number async for number in receive]
    return received


async def to_thread() -> list[int]:
    return [await anyio.to_thread.run_sync(pow, 2, 5)]


PROGRAMS: dict[Callable[[], Awaitable[Any]], Any] = {
    task_group: ["fast", "slow cancelled"],
    failing_task_group: ["'on purpose'"],
    cancel_scopes: [True, True, 12],
    fail_after: [60],
    streams_and_locks: [0, 1, 2],
    to_thread: [32],
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_under_anyio_run(program: Callable[[], Awaitable[Any]]) -> None:
    options = {"loop_factory": VirtualEventLoop}
    assert anyio.run(program, backend_options=options) == PROGRAMS[program]


@pytest.mark.parametrize("program", PROGRAMS)
def test_in_a_world(program: Callable[[], Awaitable[Any]]) -> None:
    assert World().run(program) == PROGRAMS[program]


def test_anyio_run_within_a_world_uses_its_loop() -> None:
    world = World()
    answer = world.run(lambda: anyio.run(task_group))
    assert answer == ["fast", "slow cancelled"]
    assert len(world.loops) == 1
    assert not isinstance(world.loops[0], asyncio.SelectorEventLoop)
