import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from spectest.errors import Deadlock, Livelock, TaskLeaked
from spectest.exploration.execution import execute
from spectest.kernel.plan import Plan
from spectest.world import Limits

HERE = "tests/unit/eventloop/test_waiting.py"


def error_of(program: Callable[[], Any], *, record: bool = False, **limits: Any) -> Any:
    return execute(program, Plan(), Limits(**limits), record=record).error


def blocked(program: Callable[[], Any]) -> list[str]:
    """The lines of the deadlock, without the places."""
    error = error_of(program)
    assert isinstance(error, Deadlock), error
    assert all(line.startswith("a cycle") or f", at {HERE}:" in line for line in error.blocked)
    return [line.partition(", at ")[0] for line in error.blocked]


@pytest.fixture(autouse=True)
def at_the_root(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(request.config.rootpath)


async def two_locks(first: Any, second: Any, take: Callable[..., Any]) -> None:
    a = asyncio.create_task(take(first, second), name="a")
    b = asyncio.create_task(take(second, first), name="b")
    await asyncio.gather(a, b)


@pytest.mark.parametrize("record", [False, True])
def test_ab_ba_names_the_variables_the_holders_and_the_cycle(record: bool) -> None:
    async def main() -> None:
        lock_a, lock_b = asyncio.Lock(), asyncio.Lock()

        async def ab() -> None:
            async with lock_a:
                await asyncio.sleep(0)
                async with lock_b:
                    pass

        async def ba() -> None:
            async with lock_b:
                await asyncio.sleep(0)
                async with lock_a:
                    pass

        await asyncio.gather(ab(), ba())

    error = error_of(main, record=record)
    line = main.__code__.co_firstlineno
    assert error.blocked == (
        (
            f"main (Task-1) waits for asyncio.gather of ab (Task-2), ba (Task-3), "
            f"at {HERE}:{line + 15} in main"
        ),
        (
            f"ab (Task-2) waits for asyncio.Lock `lock_b`, held by ba (Task-3), "
            f"at {HERE}:{line + 6} in ab"
        ),
        (
            f"ba (Task-3) waits for asyncio.Lock `lock_a`, held by ab (Task-2), "
            f"at {HERE}:{line + 12} in ba"
        ),
        (
            "a cycle: ab (Task-2) waits for `lock_b` held by ba (Task-3); "
            "ba (Task-3) waits for `lock_a` held by ab (Task-2)"
        ),
    )


def test_a_lock_taken_without_a_with_block_has_a_holder_too() -> None:
    async def take(mine: asyncio.Lock, theirs: asyncio.Lock) -> None:
        await mine.acquire()
        await asyncio.sleep(0)
        await theirs.acquire()
        theirs.release()
        mine.release()

    async def main() -> None:
        await two_locks(asyncio.Lock(), asyncio.Lock(), take)

    assert blocked(main)[1:] == [
        "a waits for asyncio.Lock `theirs`, held by b",
        "b waits for asyncio.Lock `theirs`, held by a",
        "a cycle: a waits for `theirs` held by b; b waits for `theirs` held by a",
    ]


def test_locks_kept_in_attributes_and_dictionaries_are_named() -> None:
    class Bank:
        def __init__(self) -> None:
            self.locks = {"alice": asyncio.Lock(), "bob": asyncio.Lock()}
            self.audit = asyncio.Lock()

        async def transfer(self, source: str, target: str) -> None:
            async with self.locks[source]:
                await asyncio.sleep(0)
                async with self.locks[target]:
                    pass

        async def check(self) -> None:
            async with self.audit:
                await asyncio.gather(self.report(), self.transfer("bob", "alice"))

        async def report(self) -> None:
            async with self.audit:
                pass

    async def main() -> None:
        bank = Bank()
        await asyncio.gather(bank.check(), bank.transfer("alice", "bob"))

    assert blocked(main)[1:] == [
        "check (Task-2) waits for asyncio.gather of report (Task-4), transfer (Task-5)",
        "transfer (Task-3) waits for asyncio.Lock `self.locks['bob']`, held by transfer (Task-5)",
        "report (Task-4) waits for asyncio.Lock `self.audit`, held by check (Task-2)",
        "transfer (Task-5) waits for asyncio.Lock `self.locks['alice']`, held by transfer (Task-3)",
        (
            "a cycle: check (Task-2) waits for report (Task-4); "
            "report (Task-4) waits for `self.audit` held by check (Task-2)"
        ),
    ]


def test_a_lock_that_was_never_released() -> None:
    async def main() -> None:
        lock = asyncio.Lock()
        await lock.acquire()
        await asyncio.create_task(forgetful(lock))

    async def forgetful(mutex: asyncio.Lock) -> None:
        async with mutex:
            pass

    assert blocked(main) == [
        "main (Task-1) waits for the task forgetful (Task-2)",
        "forgetful (Task-2) waits for asyncio.Lock `mutex`, which no living task holds",
    ]


def test_an_event_that_is_never_set() -> None:
    async def main() -> None:
        ready = asyncio.Event()
        await ready.wait()

    assert blocked(main) == ["main (Task-1) waits for asyncio.Event `ready`, which is not set"]


def test_queues() -> None:
    async def consume(jobs: Any) -> None:
        await jobs.get()

    async def produce(full: Any) -> None:
        while True:
            await full.put(1)

    async def finish(queue: Any) -> None:
        queue.put_nowait(1)
        await queue.join()

    async def main() -> None:
        full: asyncio.Queue[int] = asyncio.Queue(maxsize=1)
        await asyncio.gather(
            consume(asyncio.PriorityQueue()), produce(full), finish(asyncio.Queue())
        )

    assert blocked(main)[1:] == [
        "consume (Task-2) waits for an item of asyncio.PriorityQueue `jobs`, which is empty",
        "produce (Task-3) waits for room in asyncio.Queue `full`, which is full",
        "finish (Task-4) waits for task_done() for every item of asyncio.Queue `queue`",
    ]


def test_conditions_barriers_and_futures() -> None:
    async def notified(condition: asyncio.Condition) -> None:
        async with condition:
            await condition.wait()

    async def barrier(gate: asyncio.Barrier) -> None:
        await gate.wait()

    async def future(answer: Any) -> None:
        await answer

    async def main() -> None:
        never = asyncio.get_running_loop().create_future()
        await asyncio.gather(
            notified(asyncio.Condition()), barrier(asyncio.Barrier(2)), future(never)
        )

    assert blocked(main)[1:] == [
        "notified (Task-2) waits for a notification by asyncio.Condition `condition`",
        "barrier (Task-3) waits for asyncio.Barrier `gate`, where 1 of 2 wait",
        "future (Task-4) waits for the future `answer`",
    ]


def test_a_task_that_waits_for_itself_through_gather() -> None:
    async def main() -> None:
        this = asyncio.current_task()
        assert this is not None
        await asyncio.gather(this)

    assert blocked(main) == [
        "main (Task-1) waits for asyncio.gather of itself",
        "a cycle: main (Task-1) waits for itself",
    ]


def test_the_permits_of_a_semaphore_and_who_holds_them() -> None:
    async def greedy(slots: asyncio.Semaphore) -> None:
        async with slots:
            async with slots:
                async with slots:
                    pass

    async def modest(slots: asyncio.Semaphore) -> None:
        async with slots:
            pass

    async def main() -> None:
        slots = asyncio.Semaphore(2)
        await asyncio.gather(greedy(slots), modest(slots))

    assert blocked(main)[1:] == [
        "greedy (Task-2) waits for asyncio.Semaphore `slots`, held by greedy (Task-2) (2 times)",
        "modest (Task-3) waits for asyncio.Semaphore `slots`, held by greedy (Task-2) (2 times)",
        "a cycle: greedy (Task-2) waits for itself",
    ]


def test_shield_wait_and_task_groups_name_their_tasks() -> None:
    async def stuck(signal: asyncio.Event) -> None:
        await signal.wait()

    async def shielding(task: Any) -> None:
        await asyncio.shield(task)

    async def waiting(task: Any) -> None:
        await asyncio.wait({task})

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(stuck(asyncio.Event()))
            group.create_task(shielding(task))
            group.create_task(waiting(task))

    assert blocked(main) == [
        (
            "main (Task-1) waits for asyncio.TaskGroup `group` to end: "
            "stuck (Task-2), shielding (Task-3), waiting (Task-4)"
        ),
        "stuck (Task-2) waits for asyncio.Event `signal`, which is not set",
        "shielding (Task-3) waits for asyncio.shield of stuck (Task-2)",
        "waiting (Task-4) waits for asyncio.wait of stuck (Task-2)",
    ]


def test_a_lock_of_anyio() -> None:
    anyio = pytest.importorskip("anyio")

    async def take(mine: Any, theirs: Any) -> None:
        async with mine:
            await asyncio.sleep(0)
            async with theirs:
                pass

    async def main() -> None:
        await two_locks(anyio.Lock(), anyio.Lock(), take)

    assert blocked(main)[1:] == [
        "a waits for anyio.Lock `theirs`, held by b",
        "b waits for anyio.Lock `theirs`, held by a",
        "a cycle: a waits for `theirs` held by b; b waits for `theirs` held by a",
    ]


def test_a_wait_inside_an_asynchronous_generator() -> None:
    async def ticks(bell: asyncio.Event) -> Any:
        await bell.wait()
        yield 1

    async def main() -> None:
        async for _ in ticks(asyncio.Event()):
            pass

    error = error_of(main)
    assert "asyncio.Event `bell`" in error.blocked[0]
    assert error.blocked[0].endswith("in ticks")


def test_a_leaked_task_says_where_it_sleeps() -> None:
    async def heartbeat() -> None:
        while True:
            await asyncio.sleep(3600)

    async def main() -> None:
        asyncio.create_task(heartbeat())
        await asyncio.sleep(0)

    error = error_of(main)
    line = heartbeat.__code__.co_firstlineno + 2
    assert isinstance(error, TaskLeaked)
    assert error.tasks == (
        f"heartbeat (Task-2) waits for asyncio.sleep(3600), at {HERE}:{line} in heartbeat",
    )


def test_the_spinner_is_named() -> None:
    async def poller() -> None:
        while True:
            await asyncio.sleep(0)

    async def main() -> None:
        await poller()

    error = error_of(main, max_steps_at_once=1000)
    assert isinstance(error, Livelock)
    assert error.spinner == "main (Task-1)"


def test_a_spinning_callback_is_named() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()

        def again() -> None:
            loop.call_soon(again)

        again()
        await loop.create_future()

    assert error_of(main, max_steps_at_once=1000).spinner.endswith("again")
