"""Random small asyncio programs, as plain data that Hypothesis can shrink and people can read.

A program is a list of tasks, a task a list of steps; a step is a tuple of a word and its arguments.
`make` turns it into a function that `execute` can run as often as it likes.
"""

import asyncio
import time
import zlib
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from hypothesis import strategies as st

from spectest.kernel.choices import Chooser
from spectest.kernel.plan import Hold, OrderModel, Plan
from spectest.world import Limits

__all__ = ["Dice", "call", "choosers", "limits", "make", "plans", "programs", "threads"]

Step = tuple[Any, ...]
Steps = Sequence[Step]


class Boom(Exception):
    pass


def call(name: str, shortest: float, usual: float, longest: float) -> "asyncio.Future[float]":
    """A declared operation on the running loop; its durations are milliseconds."""
    loop: Any = asyncio.get_running_loop()
    future = loop.create_future()
    interval = tuple(round(ms * 1_000_000) for ms in (shortest, usual, longest))

    def complete() -> None:
        if not future.done():
            future.set_result(loop.time())

    handle = loop.schedule_operation(
        loop.time() + usual / 1000,
        lambda handle: loop.scheduler.operation("call", name, interval, -1, handle),
        complete,
    )
    future.add_done_callback(lambda _: handle.cancel())
    return future  # type: ignore[no-any-return]


class _Machine:
    """One execution of one program."""

    def __init__(self, tasks: Sequence[Steps]) -> None:
        self.program = tasks
        self.log: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.locks = [asyncio.Lock(), asyncio.Lock()]
        self.queues: list[asyncio.Queue[int]] = [asyncio.Queue(1), asyncio.Queue()]
        self.event = asyncio.Event()
        self.deadline = asyncio.get_running_loop().time() + 0.005

    async def main(self, modulus: int) -> list[str]:
        self.tasks = [
            asyncio.create_task(self.run(f"t{n}", steps)) for n, steps in enumerate(self.program)
        ]
        await asyncio.gather(*self.tasks, return_exceptions=True)
        assert modulus == 0 or zlib.crc32(repr(self.log).encode()) % modulus, "an unlucky order"
        return self.log

    async def run(self, name: str, steps: Steps) -> None:
        for step in steps:
            self.log.append(f"{name} {step[0]}")
            try:
                await getattr(self, step[0])(name, *step[1:])
            except (TimeoutError, ExceptionGroup) as error:
                self.log.append(f"{name} {type(error).__name__}")
        self.log.append(f"{name} ends")

    async def sleep(self, name: str, ms: int) -> None:
        await asyncio.sleep(ms / 1000)

    async def spin(self, name: str, times: int) -> None:
        for _ in range(times):
            await asyncio.sleep(0)

    async def operation(self, name: str, ms: int, before: int, after: int) -> None:
        await call("op", max(ms - before, 0), ms, ms + after)

    async def timeout(self, name: str, ms: int, steps: Steps) -> None:
        async with asyncio.timeout(ms / 1000):
            await self.run(f"{name}t", steps)

    async def timeout_at(self, name: str, steps: Steps) -> None:
        async with asyncio.timeout_at(self.deadline):
            await self.run(f"{name}a", steps)

    async def wait_for(self, name: str, ms: int, steps: Steps) -> None:
        await asyncio.wait_for(self.run(f"{name}w", steps), ms / 1000)

    async def lock(self, name: str, which: int, steps: Steps) -> None:
        async with self.locks[which]:
            await self.run(f"{name}l", steps)

    async def put(self, name: str, which: int) -> None:
        await self.queues[which].put(1)

    async def get(self, name: str, which: int) -> None:
        await self.queues[which].get()

    async def set(self, name: str) -> None:
        self.event.set()

    async def await_event(self, name: str) -> None:
        await self.event.wait()

    async def race(self, name: str, left: Steps, right: Steps) -> None:
        runners = {
            asyncio.create_task(self.run(f"{name}r{n}", s)) for n, s in enumerate((left, right))
        }
        done, pending = await asyncio.wait(runners, return_when=asyncio.FIRST_COMPLETED)
        self.log.append(f"{name} won by {done.pop().get_name()}")
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    async def group(self, name: str, left: Steps, right: Steps) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.run(f"{name}g0", left))
            group.create_task(self.run(f"{name}g1", right))

    async def completed(self, name: str, left: Steps, right: Steps) -> None:
        runs = [self.run(f"{name}c{n}", steps) for n, steps in enumerate((left, right))]
        for next_one in asyncio.as_completed(runs):
            await next_one
            self.log.append(f"{name} one more")

    async def shield(self, name: str, steps: Steps) -> None:
        await asyncio.shield(self.run(f"{name}s", steps))

    async def cancel(self, name: str, which: int) -> None:
        self.tasks[which % len(self.tasks)].cancel()

    async def later(self, name: str, ms: int) -> None:
        asyncio.get_running_loop().call_later(ms / 1000, self.log.append, f"{name} later")

    async def thread(self, name: str, ms: int) -> None:
        await asyncio.to_thread(time.sleep, ms / 1000)

    async def fail(self, name: str) -> None:
        raise Boom(name)


def make(tasks: Sequence[Steps], modulus: int) -> Callable[[], Any]:
    """A program that fails in about one of `modulus` orders; 0: in none."""

    async def program() -> list[str]:
        return await _Machine(tasks).main(modulus)

    return program


class Dice(Chooser):
    """A chooser that answers 0 with probability `laziness`, else anything."""

    def __init__(self, seed: int, laziness: float) -> None:
        self._random = Random(seed)
        self._laziness = laziness

    def choose(self, n: int, label: str, chains: Sequence[int]) -> int:
        assert not chains or len(chains) == n
        if self._random.random() < self._laziness:
            return 0
        return self._random.randrange(n)


_MS = st.sampled_from([0, 1, 2, 3, 5, 10])
_LEAVES = st.one_of(
    st.tuples(st.just("sleep"), _MS),
    st.tuples(st.just("operation"), _MS, _MS, _MS),
    st.tuples(st.just("spin"), st.integers(1, 4)),
    st.tuples(st.just("put"), st.integers(0, 1)),
    st.tuples(st.just("get"), st.integers(0, 1)),
    st.tuples(st.sampled_from(["set", "await_event", "fail"])),
    st.tuples(st.just("cancel"), st.integers(0, 3)),
    st.tuples(st.just("later"), _MS),
)


def _nested(step: st.SearchStrategy[Step]) -> st.SearchStrategy[Step]:
    steps = st.lists(step, max_size=3).map(tuple)
    return st.one_of(
        st.tuples(st.sampled_from(["timeout", "wait_for"]), _MS, steps),
        st.tuples(st.just("lock"), st.integers(0, 1), steps),
        st.tuples(st.sampled_from(["race", "group", "completed"]), steps, steps),
        st.tuples(st.sampled_from(["shield", "timeout_at"]), steps),
    )


threads = st.tuples(st.just("thread"), _MS)


def programs(
    *more: st.SearchStrategy[Step],
) -> st.SearchStrategy[Callable[[], Any]]:
    """Programs of the steps above, and of `more`."""
    step = st.recursive(st.one_of(_LEAVES, *more), _nested, max_leaves=6)
    steps = st.lists(step, max_size=4).map(tuple)
    tasks = st.lists(steps, min_size=1, max_size=4).map(tuple)
    return st.builds(make, tasks, st.sampled_from([0, 2, 3]))


choosers = st.tuples(st.integers(0, 2**32), st.sampled_from([0.0, 0.5, 0.9]))
limits = st.sampled_from([0.0, 0.1, 3.0]).map(lambda elasticity: Limits(elasticity=elasticity))
_ORDERS: list[OrderModel] = ["strict", "ties", "any"]
_HOLDS = st.builds(Hold, st.integers(-(2**70), 2**70), st.integers(0, 2**20), st.integers(0, 2**20))
plans = st.builds(
    Plan,
    holds=st.dictionaries(st.text(), _HOLDS),
    picks=st.dictionaries(st.text(), st.integers(0, 2**40)),
    order=st.sampled_from(_ORDERS),
    seed=st.integers(),
)
