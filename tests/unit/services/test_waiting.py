"""What a deadlock, a leak and a page say of whoever waits for a service."""

import asyncio
import re
import threading

import pytest

import spectest
from spectest.faults import Hang
from spectest.services import FakeService

pytestmark = pytest.mark.usefixtures("one_installation")

PLAN = spectest.Plan(picks={"fault llm#1 hangs": 1})


def blocked(program: object) -> list[str]:
    with pytest.raises(spectest.Deadlock) as caught:
        spectest.run(program, plan=PLAN)  # type: ignore[arg-type]
    return [re.split(", at |, outside", line)[0] for line in caught.value.blocked]


def test_a_hanging_call_and_who_waits_behind_it() -> None:
    async def program() -> None:
        llm = FakeService("llm", capacity=1, failures=Hang())
        await asyncio.gather(llm(), llm())

    assert blocked(program)[1:] == [
        "llm (Task-2) waits for `llm#1`, which hangs",
        "llm (Task-3) waits for a place in `llm`, which is taken by `llm#1`",
    ]


def test_the_same_in_threads() -> None:
    def program() -> None:
        threads = [threading.Thread(target=llm.blocking, name=name) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    llm = FakeService("llm", latency=0.010, capacity=1, failures=Hang())
    assert blocked(program)[1:] == [
        "a waits for `llm#1`, which hangs",
        "b waits for a place in `llm`, which is taken by `llm#1`",
    ]


def test_the_place_is_that_of_the_caller() -> None:
    async def program() -> None:
        await FakeService("llm", failures=Hang())()

    with pytest.raises(spectest.Deadlock, match=r"waits for `llm#1`, which hangs, at .*in program"):
        spectest.run(program, plan=PLAN)


def test_a_leaked_call_is_named() -> None:
    async def program() -> None:
        llm = FakeService("llm", failures=Hang())
        spawned.append(asyncio.create_task(llm()))
        await asyncio.sleep(0.010)

    spawned: list[object] = []
    with pytest.raises(spectest.TaskLeaked, match="waits for `llm#1`, which hangs"):
        spectest.run(program, plan=PLAN)
    spawned.clear()


def test_a_page_says_that_a_thread_waits_for_a_place() -> None:
    def program() -> None:
        llm = FakeService("llm", latency=(0.010, 0.020), capacity=1)

        def ask() -> None:
            llm.blocking()

        threads = [threading.Thread(target=ask, name=name) for name in ("first", "second")]
        for thread in threads:
            thread.start()
        threads[0].join()
        threads[1].join(0.018)
        assert not threads[1].is_alive()

    page = spectest.render(spectest.explore(program, stall_s=0))
    assert "waits for a place in `llm`" in page
    assert "through a place in `llm`" in page
    assert "FakeService" not in page.replace("llm = FakeService", "")
