"""After a run nothing is patched, running or referenced, however the program ended."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
import weakref
from asyncio import events, tasks
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from spectest.errors import Deadlock
from spectest.world import World

REGISTRY: Any = vars(tasks).get("_scheduled_tasks", vars(tasks).get("_all_tasks"))


def state() -> dict[str, Any]:
    """What a world lends to its program."""
    return {
        "new_event_loop": events.new_event_loop,
        "names in asyncio.tasks": dict(vars(tasks)),
        "all tasks": REGISTRY.data,
        "gc": gc.isenabled(),
        "running loop": asyncio._get_running_loop(),
        "async generator hooks": sys.get_asyncgen_hooks(),
        "sleep": time.sleep,
        "policy": type(asyncio.get_event_loop_policy()),
    }


async def returns() -> str:
    return "result"


async def raises() -> None:
    raise KeyError("on purpose")


async def is_interrupted() -> None:
    raise KeyboardInterrupt


async def exits() -> None:
    asyncio.create_task(asyncio.sleep(5))
    await asyncio.sleep(1)
    raise SystemExit(3)


async def is_interrupted_in_a_task() -> None:
    async def interrupt() -> None:
        await asyncio.sleep(1)
        raise KeyboardInterrupt

    await asyncio.gather(interrupt(), asyncio.sleep(2))


async def deadlocks() -> None:
    await asyncio.Event().wait()


async def numbers() -> AsyncIterator[int]:
    try:
        yield 1
    finally:
        await asyncio.sleep(1)


async def leaves_a_generator_open() -> None:
    generator = numbers()
    await anext(generator)
    raise KeyError("on purpose")


def runs_its_own_loops() -> None:
    asyncio.run(raises())


PROGRAMS = {
    "returns": (returns, None),
    "raises": (raises, KeyError),
    "is interrupted": (is_interrupted, KeyboardInterrupt),
    "is interrupted in a task": (is_interrupted_in_a_task, KeyboardInterrupt),
    "exits": (exits, SystemExit),
    "deadlocks": (deadlocks, Deadlock),
    "leaves a generator open": (leaves_a_generator_open, KeyError),
    "runs its own loops": (runs_its_own_loops, KeyError),
}


@pytest.fixture(params=[False, True], ids=["", "recording"])
def world(request: pytest.FixtureRequest) -> World:
    return World(record=request.param)


@pytest.mark.parametrize("program, error", PROGRAMS.values(), ids=PROGRAMS)
def test_everything_is_as_it_was(
    world: World, program: Callable[[], Any], error: type[BaseException] | None
) -> None:
    before = state()
    if error is None:
        world.run(program)
    else:
        with pytest.raises(error):
            world.run(program)
    assert state() == before
    assert all(loop.is_closed() for loop in world.loops)
    assert asyncio.run(returns()) == "result"


def test_the_state_that_is_compared_does_differ_during_a_run() -> None:
    before = state()

    async def main() -> list[str]:
        during = state()
        return [name for name, value in during.items() if value != before[name]]

    assert set(World().run(main)) >= {
        "new_event_loop",
        "names in asyncio.tasks",
        "gc",
        "running loop",
        "async generator hooks",
    }


def test_tasks_of_the_outside_are_still_known_afterwards() -> None:
    async def outside() -> set[str]:
        tasks_of_mine = [asyncio.create_task(asyncio.sleep(0), name=name) for name in "ab"]
        World().run(returns)
        alive = {task.get_name() for task in asyncio.all_tasks()} & {"a", "b"}
        await asyncio.gather(*tasks_of_mine)
        return alive

    assert asyncio.run(outside()) == {"a", "b"}


def test_a_world_runs_inside_a_running_loop_and_gives_it_back() -> None:
    async def outside() -> tuple[str, bool, bool]:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        result = World().run(returns)
        restored = asyncio.get_running_loop() is loop
        await asyncio.sleep(0)
        return result, restored, asyncio.current_task() is task

    assert asyncio.run(outside()) == ("result", True, True)


class Thing:
    """Something a program makes, to see whether it dies."""


@pytest.mark.parametrize("record", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_referenced_after_a_run(record: bool, fails: bool) -> None:
    references: list[weakref.ref[Any]] = []

    async def child(thing: Thing) -> None:
        await asyncio.sleep(1)

    async def main() -> None:
        thing = Thing()
        task = asyncio.create_task(child(thing))
        made = (thing, task, asyncio.current_task(), asyncio.get_running_loop())
        references.extend(map(weakref.ref, made))
        del made
        await task
        await asyncio.to_thread(lambda: None)
        if fails:
            raise KeyError(thing)

    def run() -> None:
        try:
            World(record=record).run(main)
        except KeyError:
            assert fails
        else:
            assert not fails

    run()
    gc.collect()
    assert [reference() for reference in references] == [None] * 4


def test_every_way_to_make_a_loop_makes_one_of_the_worlds() -> None:
    stock = asyncio.new_event_loop, asyncio.events.new_event_loop

    def program() -> list[type]:
        loops = [
            asyncio.new_event_loop(),
            asyncio.events.new_event_loop(),
            asyncio.get_event_loop_policy().new_event_loop(),
        ]
        for loop in loops:
            loop.close()
        return [type(loop) for loop in loops]

    kinds = World().run(program)
    assert {kind.__name__ for kind in kinds} == {"VirtualEventLoop"}
    assert (asyncio.new_event_loop, asyncio.events.new_event_loop) == stock
    loop = asyncio.get_event_loop_policy().new_event_loop()
    loop.close()
    assert type(loop).__module__ != "spectest.eventloop.loop"
