"""A thread pool of a world: jobs take declared times, hang, and are cancelled too late."""

import asyncio
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import spectest
from spectest.executors import VirtualThreadPool
from spectest.executors.submissions import Submission


def ask(question: Any = None) -> Any:
    return question


def rules() -> str:
    return "approve"


def test_a_job_takes_its_usual_time_in_stock_order() -> None:
    def program() -> tuple[list[int], float]:
        with VirtualThreadPool(2, latency=(0.1, 0.2, 0.9)) as pool:
            answers = list(pool.map(ask, range(3)))
        return answers, time.monotonic()

    assert spectest.run(program) == ([0, 1, 2], 0.4)


def test_the_function_is_called_at_the_end_of_the_latency() -> None:
    def program() -> tuple[float, float]:
        with VirtualThreadPool(1, latency=0.25) as pool:
            called = pool.submit(time.monotonic).result()
        return called, time.monotonic()

    assert spectest.run(program) == (0.25, 0.25)


def test_a_job_takes_longer_by_what_it_does() -> None:
    def program() -> float:
        with VirtualThreadPool(1, latency=0.25) as pool:
            pool.submit(time.sleep, 0.5).result()
        return time.monotonic()

    assert spectest.run(program) == 0.75


def test_a_latency_may_depend_on_the_call() -> None:
    seen: list[Submission] = []

    def latency(job: Submission) -> float | None:
        seen.append(job)
        return job.args[0] if job.args else None

    def program() -> list[float]:
        with VirtualThreadPool(3, latency=latency) as pool:
            futures = [pool.submit(ask, 0.5), pool.submit(partial(ask, 1)), pool.submit(rules)]
            ends: list[float] = []
            for future in futures:
                future.add_done_callback(lambda _: ends.append(time.monotonic()))
        return ends

    assert spectest.run(program) == [0.0, 0.0, 0.5]
    assert [(job.number, job.name, job.count) for job in seen] == [
        (1, "ask", 1),
        (2, "ask", 2),
        (3, "rules", 1),
    ]
    assert seen[1].function is ask


def test_a_name_of_no_job_is_worth_a_note() -> None:
    def program() -> None:
        keys: list[Any] = ["quey", "ask", "ask#2", 3, partial]
        with VirtualThreadPool(4, hangs=keys) as pool:
            pool.submit(rules)
        VirtualThreadPool(1, hangs="unused")

    others = "no such job was submitted; there were rules"
    unmet = ("'quey'", "'ask'", "'ask#2'", "3", "partial", "'unused'")
    found = spectest.explore(program, runs=20).notes
    assert found == tuple(f"hangs={key}: {others}" for key in unmet)


def test_a_pool_without_jobs_is_worth_a_note() -> None:
    def program() -> None:
        VirtualThreadPool(1, hangs=ask)

    assert spectest.explore(program).notes == ("hangs=ask: no such job was submitted",)
    assert spectest.explore(time.time).notes == (), "of another exploration"


def test_a_job_that_is_submitted_in_unusual_timings_only_is_one() -> None:
    def program() -> None:
        pool = VirtualThreadPool(1, hangs="rules")
        early = threading.Thread(target=time.sleep, args=(0.100,))
        early.start()
        time.sleep(0.105)
        pool.submit(ask).result()
        if early.is_alive():
            pool.submit(rules)
        pool.shutdown(wait=False)

    assert spectest.explore(program).notes == ()
    assert spectest.explore(program, order="strict").notes == (
        "hangs='rules': no such job was submitted; there were ask",
    )


@pytest.mark.parametrize("order", ["strict", "ties"])
def test_a_declared_latency_varies_under_every_order_model(order: Any) -> None:
    moments: set[float] = set()
    answers: set[str] = set()

    def program() -> None:
        with VirtualThreadPool(1, latency=(0.1, 0.2, 0.9)) as pool:
            pool.submit(ask).result()
        moments.add(time.monotonic())

    def timing_out() -> None:
        with VirtualThreadPool(1, latency=(0.1, 0.2, 0.9)) as pool:
            try:
                answers.add(pool.submit(rules).result(timeout=0.5))
            except TimeoutError:
                answers.add("timeout")

    assert spectest.explore(program, order=order, runs=50).failure is None
    assert spectest.explore(timing_out, order=order, runs=50).failure is None
    assert {0.1, 0.2, 0.9} <= moments
    assert all(0.1 <= moment <= 0.9 for moment in moments)
    assert answers == {"approve", "timeout"}


def test_a_constant_latency_does_not_vary() -> None:
    moments = set()

    def program() -> None:
        with VirtualThreadPool(2, latency=0.2) as pool:
            list(pool.map(ask, range(2)))
        moments.add(time.monotonic())

    assert spectest.explore(program, runs=50, stall_s=0.0).failure is None
    assert moments == {0.2}


def test_a_loop_waits_for_a_job_and_times_out() -> None:
    async def program() -> tuple[list[Any], float]:
        loop = asyncio.get_running_loop()
        pool = VirtualThreadPool(1, latency=0.4)
        answers: list[Any] = [await loop.run_in_executor(pool, ask, 1)]
        try:
            await asyncio.wait_for(loop.run_in_executor(pool, ask, 2), 0.3)
        except TimeoutError:
            answers.append("timeout")
        return answers, loop.time()

    assert spectest.run(program) == ([1, "timeout"], pytest.approx(0.7))


# Hanging.


@pytest.mark.parametrize("hangs", ["ask", ask, "ask#2", 3, ["nobody", "ask#2"], partial(ask)])
def test_a_job_that_hangs_is_running_and_cannot_be_cancelled(hangs: Any) -> None:
    def program() -> Any:
        pool = VirtualThreadPool(4, hangs=hangs)
        pool.submit(rules).result()
        pool.submit(ask, 1)
        future = pool.submit(ask, 2)
        with pytest.raises(TimeoutError):
            future.result(timeout=0.5)
        return future.running(), future.cancel(), future.done(), time.monotonic()

    assert spectest.run(program) == (True, False, False, 0.5)
    report = spectest.explore(program, runs=30)
    assert report.failure is None


def test_a_job_that_hangs_occupies_its_worker() -> None:
    def program() -> tuple[bool, bool]:
        pool = VirtualThreadPool(1, hangs=1)
        pool.submit(ask)
        behind = pool.submit(ask)
        time.sleep(60)
        return behind.running(), behind.cancel()

    assert spectest.run(program) == (False, True)


def test_leaving_the_block_would_never_end() -> None:
    def program() -> None:
        with VirtualThreadPool(1, hangs="ask") as pool:
            pool.submit(ask)

    with pytest.raises(spectest.Deadlock, match=r"main waits for .* to end") as caught:
        spectest.run(program)
    assert "test_thread_pool.py" in str(caught.value)


def test_a_loop_hears_of_the_deadlock_too() -> None:
    async def program() -> None:
        pool = VirtualThreadPool(1, hangs="ask")
        await asyncio.get_running_loop().run_in_executor(pool, ask)

    with pytest.raises(spectest.Deadlock):
        spectest.run(program)


def test_the_world_unwinds_what_hangs() -> None:
    before = threading.active_count()

    def program() -> None:
        VirtualThreadPool(1, hangs="ask").submit(ask)

    for _ in range(3):
        spectest.run(program)
    assert threading.active_count() == before


def test_jobs_are_counted_from_the_beginning_in_each_execution() -> None:
    pool = VirtualThreadPool(2, hangs=2)

    def program() -> bool:
        assert pool.submit(rules).result() == "approve"
        second = pool.submit(rules)
        time.sleep(1)
        return second.running()

    assert [spectest.run(program) for _ in range(3)] == [True, True, True]


pool_of_the_module = VirtualThreadPool(1, latency=0.1)


def test_two_threads_may_be_the_first_to_use_a_pool_that_was_made_before() -> None:
    def program() -> None:
        answers: list[int] = []
        threads = [
            threading.Thread(
                target=lambda: answers.append(pool_of_the_module.submit(ask, 1).result())
            )
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [1, 1]

    assert spectest.explore(program, runs=100).failure is None


# Cancelling.


def test_a_job_may_begin_before_it_is_cancelled() -> None:
    seen = set()

    def program() -> None:
        called: list[int] = []
        with VirtualThreadPool(1, latency=0.1) as pool:
            pool.submit(ask).result()
            future = pool.submit(called.append, 1)
            cancelled = future.cancel()
        seen.add((cancelled, future.cancelled(), bool(called)))

    assert spectest.explore(program, runs=100).failure is None
    assert seen == {(True, True, False), (False, False, True)}


def test_shutting_down_cancels_what_no_worker_has_taken_up() -> None:
    def program() -> list[bool]:
        pool = VirtualThreadPool(1, latency=0.1)
        futures = [pool.submit(ask) for _ in range(3)]
        pool.shutdown(cancel_futures=True)
        return [future.cancelled() for future in futures]

    assert spectest.run(program) == [False, True, True]


# Outside of a world.


def test_outside_of_a_world_jobs_really_sleep() -> None:
    began = time.monotonic()
    with VirtualThreadPool(2, latency=(0.0, 0.05, 9.0)) as pool:
        assert list(pool.map(ask, range(2))) == [0, 1]
    assert 0.05 <= time.monotonic() - began < 5


def test_outside_of_a_world_a_job_hangs_until_the_interpreter_exits(tmp_path: Path) -> None:
    program = tmp_path / "hang.py"
    program.write_text(
        "from spectest.executors import VirtualThreadPool\n"
        "future = VirtualThreadPool(1, hangs='print').submit(print, 'called')\n"
        "try:\n    future.result(timeout=0.05)\n"
        "except TimeoutError:\n    print(future.running(), future.cancel())\n"
    )
    ended = subprocess.run(
        [sys.executable, program],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        env={"PYTHONPATH": str(Path(spectest.__file__).parents[1])},
    )
    assert (ended.stdout, ended.stderr) == ("True False\n", "")


# The rest of the contract is stock's; see also tests/conformance.


def test_it_is_a_stock_pool() -> None:
    pool = VirtualThreadPool(2, "engines")
    assert isinstance(pool, ThreadPoolExecutor)
    future: Future[Any] = pool.submit(ask, question=3)
    assert future.result() == 3
    pool.shutdown()
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        pool.submit(ask)


def test_an_exception_of_a_job_is_its_future_s() -> None:
    def program() -> str:
        with VirtualThreadPool(1, latency=0.1) as pool:
            return repr(pool.submit(int, "x").exception())

    assert spectest.run(program).startswith("ValueError(")


@pytest.mark.parametrize(
    "latency",
    ["soon", -1, float("nan"), float("inf"), True, (1, 2), (3, 2, 1), (0, 1, float("inf")), ()],
)
def test_a_latency_that_means_nothing_is_refused(latency: Any) -> None:
    with pytest.raises(spectest.UsageError, match="is not a latency"):
        VirtualThreadPool(latency=latency)
    with VirtualThreadPool(latency=lambda job: latency) as pool:
        with pytest.raises(spectest.UsageError, match=r"latency\(ask#1\)=.* is not a latency"):
            pool.submit(ask)


@pytest.mark.parametrize("hangs", [0, -2, True, [1.5], [None], 2.5, None])
def test_a_name_of_a_job_that_means_nothing_is_refused(hangs: Any) -> None:
    with pytest.raises(spectest.UsageError, match="is no name of a job"):
        VirtualThreadPool(hangs=hangs)
