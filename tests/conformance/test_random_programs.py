"""Random trees of tasks behave on our loop exactly as on stock asyncio."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conformance.stock import MS, Log, stock_log, virtual_log

UNIT = 2 * MS
LONGEST = 400 * MS
MODES = ("FIRST_COMPLETED", "FIRST_EXCEPTION", "ALL_COMPLETED")

durations = st.integers(0, 4)
few = st.integers(0, 2)

leaves = st.one_of(
    st.tuples(st.just("sleep"), durations),
    st.tuples(st.just("cancel"), st.integers(0, 5)),
    st.tuples(st.just("raise")),
    st.tuples(st.just("later"), durations),
    st.tuples(st.just("soon")),
    st.tuples(st.just("set"), few),
    st.tuples(st.just("wait_event"), few),
    st.tuples(st.just("put"), few),
    st.tuples(st.just("get"), few),
    st.tuples(st.just("notify"), few),
)


def nested(actions: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    body = st.lists(actions, min_size=1, max_size=4)
    bodies = st.lists(body, min_size=1, max_size=3)
    return st.one_of(
        st.tuples(st.just("timeout"), durations, body),
        st.tuples(st.just("wait_for"), durations, body),
        st.tuples(st.just("lock"), few, body),
        st.tuples(st.just("semaphore"), few, body),
        st.tuples(st.just("condition"), few, body),
        st.tuples(st.just("shield"), body),
        st.tuples(st.just("spawn"), body),
        st.tuples(st.just("group"), bodies),
        st.tuples(st.just("gather"), bodies, st.booleans()),
        st.tuples(st.just("wait"), bodies, st.sampled_from(MODES), durations),
        st.tuples(st.just("as_completed"), bodies, durations),
        st.tuples(st.just("stubborn"), body),
    )


programs = st.lists(st.recursive(leaves, nested, max_leaves=12), min_size=1, max_size=5)


class Interpreter:
    """Runs one program on whatever loop is there, and logs all that can be seen."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.spawned: list[asyncio.Task[Any]] = []
        self.locks = [asyncio.Lock() for _ in range(3)]
        self.semaphores = [asyncio.Semaphore(2) for _ in range(3)]
        self.conditions = [asyncio.Condition() for _ in range(3)]
        self.events = [asyncio.Event() for _ in range(3)]
        self.queues: list[asyncio.Queue[int]] = [asyncio.Queue(1) for _ in range(3)]

    def note(self, *what: Any) -> None:
        now = asyncio.get_running_loop().time()
        self.log.append((round(now / MS), *what))

    async def body(self, label: str, actions: list[Any]) -> str:
        self.note(label, "begins")
        try:
            for number, action in enumerate(actions):
                self.note(label, number, action[0])
                await getattr(self, "do_" + action[0])(f"{label}.{number}", *action[1:])
        except (Exception, asyncio.CancelledError) as error:
            self.note(label, "fails", type(error).__name__)
            raise
        self.note(label, "ends")
        return label

    def tasks(self, label: str, bodies: list[Any]) -> list[asyncio.Task[str]]:
        loop = asyncio.get_running_loop()
        return [loop.create_task(self.body(f"{label}/{n}", body)) for n, body in enumerate(bodies)]

    async def do_sleep(self, label: str, n: int) -> None:
        await asyncio.sleep(n * UNIT)

    async def do_cancel(self, label: str, n: int) -> None:
        if self.spawned:
            self.note(label, self.spawned[n % len(self.spawned)].cancel())

    async def do_raise(self, label: str) -> None:
        raise KeyError(label)

    async def do_later(self, label: str, n: int) -> None:
        asyncio.get_running_loop().call_later(n * UNIT, self.note, label)

    async def do_soon(self, label: str) -> None:
        asyncio.get_running_loop().call_soon(self.note, label)

    async def do_set(self, label: str, n: int) -> None:
        self.events[n].set()

    async def do_wait_event(self, label: str, n: int) -> None:
        await self.events[n].wait()
        self.events[n].clear()

    async def do_put(self, label: str, n: int) -> None:
        await self.queues[n].put(n)

    async def do_get(self, label: str, n: int) -> None:
        await self.queues[n].get()

    async def do_notify(self, label: str, n: int) -> None:
        async with self.conditions[n]:
            self.conditions[n].notify(1 + n)

    async def do_timeout(self, label: str, n: int, body: Any) -> None:
        try:
            async with asyncio.timeout(n * UNIT):
                await self.body(label, body)
        except TimeoutError:
            self.note(label, "timed out")

    async def do_wait_for(self, label: str, n: int, body: Any) -> None:
        try:
            await asyncio.wait_for(self.body(label, body), n * UNIT)
        except TimeoutError:
            self.note(label, "timed out")

    async def do_lock(self, label: str, n: int, body: Any) -> None:
        async with self.locks[n]:
            await self.body(label, body)

    async def do_semaphore(self, label: str, n: int, body: Any) -> None:
        async with self.semaphores[n]:
            await self.body(label, body)

    async def do_condition(self, label: str, n: int, body: Any) -> None:
        async with self.conditions[n]:
            await self.conditions[n].wait()
            await self.body(label, body)

    async def do_shield(self, label: str, body: Any) -> None:
        task = asyncio.ensure_future(self.body(label, body))
        self.spawned.append(task)
        await asyncio.shield(task)

    async def do_spawn(self, label: str, body: Any) -> None:
        self.spawned.append(asyncio.create_task(self.body(label, body)))

    async def do_group(self, label: str, bodies: list[Any]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for n, body in enumerate(bodies):
                    group.create_task(self.body(f"{label}/{n}", body))
        except BaseExceptionGroup as errors:
            self.note(label, [type(error).__name__ for error in errors.exceptions])

    async def do_gather(self, label: str, bodies: list[Any], forgiving: bool) -> None:
        tasks = self.tasks(label, bodies)
        self.spawned += tasks
        self.note(label, str(await asyncio.gather(*tasks, return_exceptions=forgiving)))

    async def do_wait(self, label: str, bodies: list[Any], mode: str, n: int) -> None:
        tasks = self.tasks(label, bodies)
        self.spawned += tasks
        limit = n * UNIT if n else None
        done, pending = await asyncio.wait(tasks, timeout=limit, return_when=getattr(asyncio, mode))
        self.note(label, [tasks.index(t) for t in done], [tasks.index(t) for t in pending])

    async def do_as_completed(self, label: str, bodies: list[Any], n: int) -> None:
        coroutines = [self.body(f"{label}/{n}", body) for n, body in enumerate(bodies)]
        for answer in asyncio.as_completed(coroutines, timeout=n * UNIT if n else None):
            self.note(label, await answer)

    async def do_stubborn(self, label: str, body: Any) -> None:
        try:
            await self.body(label, body)
        except asyncio.CancelledError:
            if asyncio.get_running_loop().time() >= LONGEST:
                raise
            self.note(label, "refuses")


async def interpret(log: Log, actions: list[Any]) -> None:
    interpreter = Interpreter(log)
    try:
        async with asyncio.timeout(LONGEST):
            await interpreter.body("main", actions)
    except (Exception, asyncio.CancelledError) as error:
        interpreter.note(type(error).__name__)
    while alive := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in alive:
            task.cancel()
        await asyncio.sleep(UNIT)
    for task in interpreter.spawned:
        log.append("cancelled" if task.cancelled() else repr(task.exception()))


def check(actions: list[Any]) -> None:
    stock = stock_log(lambda log: interpret(log, actions))
    ours = virtual_log(lambda log: interpret(log, actions))
    assert ours == stock


quick = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@quick
@given(programs)
def test_a_random_program_gives_the_same_log(actions: list[Any]) -> None:
    check(actions)


@pytest.mark.soak
@settings(quick, max_examples=20_000, derandomize=False)
@given(programs)
def test_many_random_programs_give_the_same_log(actions: list[Any]) -> None:
    check(actions)
