"""Blocking calls of a fake service, in threads."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import spectest
from spectest.faults import Duplicate, Hang, Raise
from spectest.services import FakeService


def test_a_call_blocks_its_thread_and_nobody_else() -> None:
    def program() -> list[float]:
        llm = FakeService("llm", latency=0.050, answer=str.upper)
        with ThreadPoolExecutor(2) as pool:
            jobs = [pool.submit(llm.blocking, word) for word in ("a", "b")]
            assert [job.result() for job in jobs] == ["A", "B"]
        return [time.monotonic()]

    assert spectest.run(program) == [pytest.approx(0.050)]


def test_capacity_is_shared_by_threads_and_tasks() -> None:
    async def program() -> float:
        llm = FakeService("llm", latency=0.050, capacity=1)
        await asyncio.gather(llm(), asyncio.to_thread(llm.blocking), llm())
        return asyncio.get_running_loop().time()

    assert spectest.run(program) == pytest.approx(0.150)


def test_the_search_delays_it() -> None:
    def program() -> None:
        llm = FakeService("llm", latency=(0.020, 0.040))
        with ThreadPoolExecutor(1) as pool:
            pool.submit(llm.blocking).result(timeout=0.035)

    report = spectest.explore(program, confirm=True)
    assert report.failure is not None
    assert isinstance(report.failure.error, TimeoutError)
    assert report.failure.order_model == "strict"
    assert report.failure.confirmation is not None
    assert report.failure.confirmation.confirmed


def test_a_hanging_call_hangs_whoever_waits() -> None:
    def program() -> None:
        threads = [threading.Thread(target=llm.blocking) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    llm = FakeService("llm", latency=0.010, capacity=1, failures=Hang())
    failure = spectest.explore(program).failure
    assert failure is not None
    assert isinstance(failure.error, spectest.Deadlock)


def test_a_failure_is_raised_in_the_thread_that_asked() -> None:
    def program() -> None:
        llm = FakeService("llm", failures=Raise(ConnectionError))
        with pytest.raises(ConnectionError):
            llm.blocking()
        llm.blocking()

    spectest.run(program, plan=spectest.Plan(picks={"fault llm#1 raises ConnectionError": 1}))


def test_a_request_that_is_delivered_twice_writes_twice() -> None:
    def program() -> None:
        db = FakeService("db", latency=0.010, effect=lambda row: row, failures=Duplicate(0.020))
        db.blocking("x")
        time.sleep(0.100)
        first, second = db.ledger.effects
        assert (first.repeated, second.repeated) == (False, True)
        assert first.at == pytest.approx(0.010)
        assert second.at == pytest.approx(0.030)

    spectest.run(program, plan=spectest.Plan(picks={"fault db#1 is delivered twice": 1}))


def test_what_must_be_awaited_is_refused() -> None:
    async def answer() -> None:
        """Nothing."""

    def program() -> None:
        FakeService("llm", answer=answer).blocking()

    with pytest.raises(spectest.UsageError, match="something to await"):
        spectest.run(program)
