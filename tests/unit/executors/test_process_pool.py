"""A process pool of a world: nothing is shared, sending costs time, children die."""

import asyncio
import multiprocessing
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, process
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import pytest

import spectest
from spectest.executors import VirtualProcessPool, process_pool
from spectest.executors.lent_pools import process_pools_lent
from spectest.executors.submissions import Submission
from tests.conformance import process_jobs as jobs

FORK = multiprocessing.get_context("fork")
pool_of_the_module = ProcessPoolExecutor(1, FORK)
virtual_pool_of_the_module = VirtualProcessPool(1, FORK, dies=2)


@pytest.fixture(autouse=True)
def fresh_jobs() -> Iterator[None]:
    yield
    assert (jobs.licence, jobs.tasks_done, jobs.seen) == (None, 0, [])


# Time.


def test_a_job_takes_its_usual_time_and_a_chunk_is_one_job() -> None:
    names: list[str] = []

    def latency(job: Submission) -> float:
        names.append(job.name)
        return 0.2

    def program() -> tuple[list[int], float]:
        with VirtualProcessPool(2, FORK, latency=latency) as pool:
            answers = list(pool.map(jobs.double, range(7), chunksize=2))
        return answers, time.monotonic()

    assert spectest.run(program) == ([0, 2, 4, 6, 8, 10, 12], 0.4)
    assert names == ["double"] * 4


def test_bytes_take_time_on_their_way() -> None:
    def took(thing: bytes, job: Callable[..., Any]) -> float:
        def program() -> float:
            with VirtualProcessPool(1, FORK, seconds_per_byte=1e-6) as pool:
                pool.submit(job, thing).result()
            return time.monotonic()

        return float(spectest.run(program))

    small = took(b"", len)
    assert 0 < small < 0.001
    assert took(bytes(1_000_000), len) == pytest.approx(1.0, abs=0.001)
    assert took(bytes(1_000_000), jobs.give_back) == pytest.approx(2.0, abs=0.001)


def test_a_declared_latency_varies_under_strict() -> None:
    moments: set[float] = set()

    def program() -> None:
        with VirtualProcessPool(1, FORK, latency=(0.1, 0.2, 0.9)) as pool:
            pool.submit(jobs.double, 1).result()
        moments.add(time.monotonic())

    assert spectest.explore(program, order="strict", runs=30).failure is None
    assert {0.1, 0.2, 0.9} <= moments


def test_arguments_are_pickled_when_they_are_sent() -> None:
    seen = set()

    def program() -> None:
        numbers = [1]
        with VirtualProcessPool(1, FORK) as pool:
            pool.submit(jobs.double, 1).result()
            future = pool.submit(jobs.append_to, numbers)
            numbers.append(2)
        seen.add(tuple(future.result()))

    assert spectest.explore(program, runs=50).failure is None
    assert seen == {(1, 7), (1, 2, 7)}


# Death.


@pytest.mark.parametrize("dies", ["double", jobs.double, "double#2", 3])
def test_a_job_that_kills_its_child_breaks_the_pool(dies: Any) -> None:
    def program() -> list[Any]:
        log: list[Any] = []
        with VirtualProcessPool(2, FORK, dies=dies, latency=0.1) as pool:
            log.append(pool.submit(jobs.give_back, 1).result())
            futures = [pool.submit(jobs.slowly, 1, 5.0), pool.submit(jobs.double, 1)]
            futures += [pool.submit(jobs.double, number) for number in range(3)]
            log += [type(future.exception()) for future in futures]
            with pytest.raises(BrokenProcessPool, match="not usable anymore"):
                pool.submit(jobs.double, 1)
        return [*log, time.monotonic() < 1.0]

    if dies == 3:
        assert spectest.run(program) == [1, *[BrokenProcessPool] * 5, True]
    else:
        assert spectest.run(program)[0] == 1


def test_a_name_of_no_job_is_worth_a_note() -> None:
    def program() -> None:
        with VirtualProcessPool(1, FORK, dies="nosuch") as pool:
            list(pool.map(jobs.give_back, range(2)))
        assert virtual_pool_of_the_module.submit(jobs.double, 1).result() == 2

    assert spectest.explore(program, runs=10).notes == (
        "dies='nosuch': no such job was submitted; there were double, give_back",
        "dies=2: no such job was submitted; there were double, give_back",
    )


def test_the_others_are_terminated_where_they_are() -> None:
    def program() -> float:
        with VirtualProcessPool(3, FORK, dies="double", latency=lambda job: None) as pool:
            slow = pool.submit(jobs.slowly, 1, 500.0)
            nested = pool.submit(runs_a_loop, 500.0)
            time.sleep(0.1)
            pool.submit(jobs.double, 1)
            assert isinstance(slow.exception(), BrokenProcessPool)
            assert isinstance(nested.exception(), BrokenProcessPool)
        return time.monotonic()

    assert spectest.run(program) == 0.1


def runs_a_loop(seconds: float) -> None:
    asyncio.run(asyncio.sleep(seconds))


def test_an_exit_stops_a_child_in_the_middle() -> None:
    def program() -> None:
        with ProcessPoolExecutor(1, FORK) as pool:
            assert isinstance(pool.submit(catches_everything).exception(), BrokenProcessPool)

    spectest.run(program)


def catches_everything() -> str:
    try:
        os.abort()
    except BaseException:
        return "survived"


def test_a_child_can_be_killed_from_outside() -> None:
    def program() -> tuple[str, list[bool]]:
        with ProcessPoolExecutor(2, FORK) as pool:
            future = pool.submit(jobs.slowly, 1, 500.0)
            time.sleep(0.1)
            children = list(pool._processes.values())
            children[0].kill()
            children[1].terminate()
            children[1].terminate()
            error = future.exception()
            return type(error).__name__, [child.is_alive() for child in children]

    assert spectest.run(program) == ("BrokenProcessPool", [False, False])


def test_a_child_ends_after_so_many_tasks() -> None:
    def program() -> list[str]:
        with VirtualProcessPool(1, max_tasks_per_child=2) as pool:
            return [pool.submit(jobs.who).result()[2] for _ in range(5)]

    spawned = [f"SpawnProcess-{number}" for number in (1, 1, 2, 2, 3)]
    assert spectest.run(program) == spawned
    assert spectest.run(program) == spawned


# What is a child's own.


def test_globals_are_a_child_s_own_while_others_run() -> None:
    def program() -> list[Any]:
        with ProcessPoolExecutor(2, FORK, jobs.initialize, ("child",)) as pool:
            waiting = pool.submit(takes_notes, "waits", 0.2)
            busy = pool.submit(takes_notes, "works", 0.1)
            time.sleep(0.05)
            seen: list[Any] = [(jobs.licence, jobs.tasks_done, list(jobs.seen))]
            jobs.licence = "parent"
            seen += [waiting.result(), busy.result(), jobs.licence]
        jobs.licence = None
        return seen

    note = ("child", 1)
    assert spectest.run(program) == [
        (None, 0, []),
        [*note, ["waits"], *note],
        [*note, ["works"], *note],
        "parent",
    ]


def takes_notes(text: str, seconds: float) -> list[Any]:
    jobs.remember(text)
    before = [jobs.licence, jobs.count_tasks(), jobs.seen]
    time.sleep(seconds)
    return [*before, jobs.licence, jobs.tasks_done]


def test_a_child_that_is_terminated_leaves_nothing_behind() -> None:
    def program() -> None:
        with ProcessPoolExecutor(2, FORK, jobs.initialize, ("child",)) as pool:
            pool.submit(takes_notes, "slow", 500.0)
            time.sleep(0.1)
            pool.submit(jobs.exit_at_once)

    spectest.run(program)
    assert spectest.explore(program, runs=50).failure is None


def test_the_world_unwinds_children() -> None:
    before = threading.active_count()

    def program() -> None:
        pool = ProcessPoolExecutor(2, FORK, jobs.initialize, ("child",))
        pool.submit(takes_notes, "slow", 500.0)
        time.sleep(0.1)
        raise LookupError("the program fails")

    with pytest.raises(LookupError):
        spectest.run(program)
    assert threading.active_count() == before


def test_a_child_may_have_a_pool_itself() -> None:
    def program() -> tuple[Any, ...]:
        with ProcessPoolExecutor(1, FORK) as pool:
            inner, outer = pool.submit(asks_a_grandchild).result()
        return inner[0] - outer[0], inner[1] == outer[0], inner[2]

    assert spectest.run(program) == (1, True, "ForkProcess-2")


def asks_a_grandchild() -> tuple[Any, Any]:
    with ProcessPoolExecutor(1, FORK) as pool:
        return pool.submit(jobs.who).result(), jobs.who()


# The end.


def test_an_idle_pool_is_no_leak_and_a_job_that_never_ends_is_one() -> None:
    def idle() -> int:
        return ProcessPoolExecutor(2, FORK).submit(jobs.double, 2).result()

    def busy() -> bool:
        future = ProcessPoolExecutor(2, FORK).submit(jobs.slowly, 1, 5_000.0)
        return future.done()

    assert spectest.run(idle) == 4
    with pytest.raises(spectest.ThreadLeaked, match="ForkProcess"):
        spectest.run(busy)


def test_a_loop_gets_its_answers() -> None:
    async def program() -> tuple[list[int], float]:
        loop = asyncio.get_running_loop()
        with VirtualProcessPool(2, FORK, latency=0.1) as pool:
            calls = [loop.run_in_executor(pool, jobs.double, number) for number in range(4)]
            return await asyncio.gather(*calls), loop.time()

    assert spectest.run(program) == ([0, 2, 4, 6], pytest.approx(0.2))


# The stock class in a world.


def test_a_stock_pool_starts_no_process() -> None:
    def program() -> list[Any]:
        with ProcessPoolExecutor(1, FORK) as pool:
            assert isinstance(pool, VirtualProcessPool)
            assert multiprocessing.active_children() == []
            return [type(pool).__qualname__, type(pool).__module__, pool.submit(jobs.who).result()]

    assert spectest.run(program)[:2] == ["ProcessPoolExecutor", "concurrent.futures.process"]


class CountingPool(ProcessPoolExecutor):
    def __init__(self, workers: int) -> None:
        super().__init__(workers, FORK)
        self.submitted = 0

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        self.submitted += 1
        return super().submit(*args, **kwargs)


def test_so_does_a_pool_of_a_derived_class() -> None:
    def program() -> tuple[Any, ...]:
        with CountingPool(1) as pool:
            pid = pool.submit(jobs.who).result()[0]
            return pid > 10_000_000, pool.submitted, isinstance(pool, CountingPool)

    assert spectest.run(program) == (True, 1, True)


@pytest.mark.parametrize("pool", [pool_of_the_module, virtual_pool_of_the_module])
def test_a_pool_that_was_made_before(pool: ProcessPoolExecutor) -> None:
    before, kind = dict(vars(pool)), type(pool)

    def program() -> tuple[int, Any]:
        pid = pool.submit(jobs.who).result()[0]
        return pid, pool.submit(jobs.double, 2).exception()

    for _ in range(2):
        pid, error = spectest.run(program)
        assert pid == 10_000_001
        assert isinstance(error, BrokenProcessPool) == (pool is virtual_pool_of_the_module)
        assert type(pool) is kind
        assert {key: vars(pool)[key] for key in before} == before


def test_two_threads_may_be_the_first_to_use_it() -> None:
    def program() -> list[int]:
        answers: list[int] = []
        jobs_of_two = [
            threading.Thread(
                target=lambda: answers.append(pool_of_the_module.submit(jobs.double, 2).result())
            )
            for _ in range(2)
        ]
        for thread in jobs_of_two:
            thread.start()
        for thread in jobs_of_two:
            thread.join()
        return answers

    assert spectest.run(program) == [4, 4]
    assert spectest.explore(program, runs=100).failure is None


def test_on_a_bare_loop_a_pool_is_virtual_and_afterwards_real() -> None:
    pool = VirtualProcessPool(1, FORK)

    async def program() -> int:
        loop = asyncio.get_running_loop()
        return (await loop.run_in_executor(pool, jobs.who))[0]

    with asyncio.Runner(loop_factory=spectest.VirtualEventLoop) as runner:
        assert runner.run(program()) == 10_000_001
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        assert pool.submit(jobs.who).result()[0] < 10_000_000
    pool.shutdown()


def test_nothing_stays_exchanged() -> None:
    init, submit = ProcessPoolExecutor.__init__, ProcessPoolExecutor.submit
    with process_pools_lent():
        assert ProcessPoolExecutor.__init__ is not init
        with process_pools_lent():
            spectest.run(lambda: ProcessPoolExecutor(1, FORK).submit(jobs.double, 2).result())
        assert ProcessPoolExecutor.submit is not submit
    assert ProcessPoolExecutor.__init__ is init
    assert ProcessPoolExecutor.submit is submit
    assert "__init_subclass__" not in vars(Executor)
    assert process._SafeQueue.__module__ == "concurrent.futures.process"
    assert process_pool._settled == {}


# Outside of a world.


def test_outside_of_a_world_a_job_sleeps_and_dies() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        began = time.monotonic()
        with VirtualProcessPool(1, FORK, latency=(0, 0.05, 9), dies="slowly") as pool:
            assert pool.submit(jobs.double, 2).result() == 4
            assert 0.05 <= time.monotonic() - began < 5
            assert isinstance(pool.submit(jobs.slowly, 1).exception(), BrokenProcessPool)


@pytest.mark.parametrize("cost", [-1, "cheap", float("inf"), None])
def test_a_cost_that_means_nothing_is_refused(cost: Any) -> None:
    with pytest.raises(spectest.UsageError, match="seconds_per_byte"):
        VirtualProcessPool(seconds_per_byte=cost)
    with pytest.raises(spectest.UsageError, match="dies=0 has 0"):
        VirtualProcessPool(dies=0)
