"""The sentences of a deadlock: who waits for what, and who has it."""

import asyncio
import queue
import re
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import pytest

from spectest.errors import Deadlock, ThreadLeaked
from spectest.exploration.execution import execute
from spectest.exploration.settings import Settings
from spectest.kernel.plan import Plan
from spectest.threads.waiting import first_cycle


def blocked(program: Callable[[], Any]) -> list[str]:
    """The lines of the deadlock, without their places."""
    error = execute(program, Plan(), Settings().limits).error
    assert isinstance(error, Deadlock), error
    return [
        re.sub(r", (?:at \S+:\d+ in [^\s,]+|outside your code)", "", it) for it in error.blocked
    ]


def started(*targets: Callable[[], object]) -> list[threading.Thread]:
    threads = [threading.Thread(target=target, name=f"t{i}") for i, target in enumerate(targets)]
    for thread in threads:
        thread.start()
    return threads


def joined(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        thread.join()


def test_a_lock_that_a_thread_left_locked() -> None:
    def main() -> None:
        lock = threading.Lock()
        joined(started(lambda: lock.acquire()))
        with lock:
            pass

    assert blocked(main) == ["main waits for threading.Lock `lock`, held by t0, which has ended"]


def test_a_lock_that_its_holder_wants_again() -> None:
    def main() -> None:
        lock = threading.Lock()
        with lock, lock:
            pass

    assert blocked(main) == [
        "main waits for threading.Lock `lock`, which it holds itself",
        "a cycle: main waits for itself",
    ]


def test_two_locks_in_opposite_order() -> None:
    def main() -> None:
        left, right = threading.RLock(), threading.RLock()
        met = threading.Barrier(2)

        def forth() -> None:
            with left:
                met.wait()
                right.acquire()

        def back() -> None:
            with right:
                met.wait()
                left.acquire()

        joined(started(forth, back))

    assert blocked(main) == [
        "main waits for the thread t0 to end",
        "t0 waits for threading.RLock `right`, held by t1",
        "t1 waits for threading.RLock `left`, held by t0",
        "a cycle: t0 waits for `right` held by t1; t1 waits for `left` held by t0",
    ]


def test_threads_that_join_each_other() -> None:
    def main() -> None:
        go = threading.Event()
        threads: list[threading.Thread] = []

        def join(number: int) -> Callable[[], None]:
            def run() -> None:
                go.wait()
                threads[number].join()

            return run

        threads += started(join(1), join(0))
        go.set()
        threads[0].join()

    assert blocked(main)[-1] == "a cycle: t0 waits for t1 to end; t1 waits for t0 to end"


@pytest.mark.parametrize(
    "make, use, words",
    [
        (threading.Event, "thing.wait()", "threading.Event `thing`, which is not set"),
        (threading.Semaphore, "thing.acquire()", "a permit of threading.Semaphore `thing`"),
        (
            lambda: threading.Barrier(3),
            "thing.wait()",
            "threading.Barrier `thing`, where 1 of 3 wait",
        ),
        (queue.Queue, "thing.get()", "an item of queue.Queue `thing`, which is empty"),
        (
            lambda: queue.SimpleQueue(),
            "thing.get()",
            "an item of queue.SimpleQueue `thing`, which is empty",
        ),
        (
            lambda: queue.Queue(1),
            "thing.put(1), thing.put(2)",
            "room in queue.Queue `thing`, which is full",
        ),
        (
            queue.Queue,
            "thing.put(1), thing.join()",
            "task_done() for 1 of the items of queue.Queue `thing`",
        ),
        (Future, "thing.result()", "concurrent.futures.Future `thing`, which is pending"),
        (
            lambda: [Future(), Future()],
            "wait(thing)",
            "2 futures in concurrent.futures.wait()",
        ),
    ],
)
def test_each_primitive(make: Callable[[], Any], use: str, words: str) -> None:
    def main() -> None:
        thing = make()
        taken = thing.acquire() if isinstance(thing, threading.Semaphore) else None
        eval(use, {"thing": thing, "wait": wait, "taken": taken})

    [line] = blocked(main)
    assert line == f"main waits for {words}"


def test_a_notification_that_came_too_early() -> None:
    def main() -> None:
        changed = threading.Condition()
        with changed:
            changed.notify()
        with changed:
            changed.wait()

    assert blocked(main) == ["main waits for a notification by threading.Condition `changed`"]


def test_a_notified_condition_whose_lock_is_gone() -> None:
    def main() -> None:
        changed = threading.Condition()

        def listen() -> None:
            with changed:
                changed.wait()

        threads = started(listen)
        time.sleep(0.010)
        changed.acquire()
        changed.notify()
        threads[0].join()

    assert blocked(main) == [
        "main waits for the thread t0 to end",
        "t0 waits for threading.Condition `changed`, held by main",
        "a cycle: main waits for t0 to end; t0 waits for `changed` held by main",
    ]


def test_a_job_that_waits_for_one_its_pool_cannot_begin() -> None:
    def main() -> None:
        with ThreadPoolExecutor(2) as pool:

            def inner() -> int:
                return 1

            def outer() -> int:
                time.sleep(0.010)
                return pool.submit(inner).result()

            for future in [pool.submit(outer), pool.submit(outer)]:
                future.result()

    no_worker = "which no worker has begun: the 2 workers of its pool are busy"
    assert blocked(main) == [
        "main waits for the result of `outer`, which ThreadPoolExecutor-0_0 runs",
        f"ThreadPoolExecutor-0_0 waits for the result of `inner`, {no_worker}",
        f"ThreadPoolExecutor-0_1 waits for the result of `inner`, {no_worker}",
    ]


def test_a_job_that_waits_for_who_waits_for_it() -> None:
    def main() -> None:
        lock = threading.Lock()

        def job() -> None:
            with lock:
                pass

        with ThreadPoolExecutor() as pool, lock:
            pool.submit(job).result()

    assert blocked(main)[-1] == (
        "a cycle: main waits for `job`, which ThreadPoolExecutor-0_0 runs; "
        "ThreadPoolExecutor-0_0 waits for `lock` held by main"
    )


def test_the_end_of_a_pool_that_does_not_come() -> None:
    def main() -> None:
        never = threading.Event()
        pool = ThreadPoolExecutor()
        pool.submit(never.wait)
        pool.shutdown()

    assert blocked(main) == [
        "main waits for the workers of concurrent.futures.ThreadPoolExecutor `pool` to end",
        "ThreadPoolExecutor-0_0 waits for threading.Event, which is not set",
    ]


def test_a_thread_whose_function_is_a_primitive() -> None:
    def main() -> None:
        joined(started(threading.Event().wait))

    assert blocked(main)[1] == "t0 waits for threading.Event, which is not set"


def test_a_loop_in_its_poll_speaks_for_its_tasks() -> None:
    async def main() -> None:
        lock = threading.Lock()
        lock.acquire()
        started(lambda: lock.acquire())
        await asyncio.Event().wait()

    assert blocked(main) == [
        "main (Task-1) waits for asyncio.Event, which is not set",
        "t0 waits for threading.Lock `lock`, held by main",
    ]


def test_a_task_that_stops_its_loop() -> None:
    async def main() -> None:
        lock, go = threading.Lock(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def hold() -> None:
            with lock:
                asyncio.run_coroutine_threadsafe(go.wait(), loop).result()

        other = asyncio.create_task(go.wait(), name="other")
        started(hold)
        await asyncio.sleep(0.010)
        with lock:
            go.set()
        await other

    assert blocked(main) == [
        "main waits for threading.Lock `lock`, held by t0, and its event loop stands still",
        "other waits for asyncio.Event, which is not set",
        "wait (Task-3) waits for asyncio.Event, which is not set",
        "t0 waits for concurrent.futures.Future, which is pending",
    ]


def test_a_thread_that_is_left_behind() -> None:
    def main() -> None:
        started(threading.Event().wait)

    error = execute(main, Plan(), Settings(drain_s=0).limits).error
    assert isinstance(error, ThreadLeaked)
    assert error.threads == ("t0 waits for threading.Event, which is not set, outside your code",)


def test_the_first_cycle_on_the_way() -> None:
    edges = {"a": ["b", "x"], "b": ["c"], "c": ["b"], "d": ["d"]}
    assert first_cycle(list(edges), edges) == ["b", "c"]
    assert first_cycle(["d"], edges) == ["d"]
    assert first_cycle(["a", "b"], {"a": ["b"], "b": []}) == []
