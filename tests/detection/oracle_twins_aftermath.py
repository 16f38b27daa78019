"""Races in pairs: in one of each something that a loser has begun goes on and writes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from spectest import watch
from spectest.services import FakeService
from tests.detection.told_races import Branch, best_of, best_of_threads, each, nothing, services

# What a loser has begun goes on.


async def with_helpers(begin: Callable[[list[str], str], Any]) -> Any:
    audit: list[str] = []
    watch.objects(audit=audit)

    def made(service: FakeService) -> Branch:
        async def branch(name: str) -> Any:
            helper = begin(audit, name)
            answer = await service()
            if isinstance(helper, asyncio.TimerHandle):
                helper.cancel()
            audit.append(f"{name} by itself") if helper is None else None
            return answer

        return branch

    return await best_of([made(service) for service in services()])


async def note(audit: list[str], name: str) -> None:
    await asyncio.sleep(0.100)
    audit.append(name)


async def orphan() -> Any:
    return await with_helpers(lambda audit, name: asyncio.create_task(note(audit, name)))


async def awaited_child() -> Any:
    """The child ends with its parent, and it is the pipeline that writes."""
    audit: list[str] = []
    watch.objects(audit=audit)

    def made(service: FakeService) -> Branch:
        async def branch(name: str) -> Any:
            async with asyncio.TaskGroup() as group:
                asked = group.create_task(service())
            return asked.result()

        return branch

    answer = await best_of([made(service) for service in services()])
    audit.append(answer)
    return answer


async def forgotten_timer() -> Any:
    def begin(audit: list[str], name: str) -> int:
        asyncio.get_running_loop().call_later(0.100, audit.append, name)
        return 1

    return await with_helpers(begin)


async def timer_of_the_pipeline() -> Any:
    audit: list[str] = []
    watch.objects(audit=audit)
    answer = await best_of(each(nothing))
    asyncio.get_running_loop().call_later(0.100, audit.append, answer)
    return answer


# A dead handle.


async def booking(effect: Any) -> Any:
    def made(service: FakeService) -> Branch:
        async def branch(name: str) -> Any:
            return await service(name)

        return branch

    llm = FakeService("llm", latency=(0.020, 0.040))
    rules = FakeService("rules", latency=(0.035, 0.060), effect=effect, on_cancel="ignores")
    return await best_of([made(llm), made(rules)])


async def dead_handle() -> Any:
    return await booking(str)


async def booked_by_the_pipeline() -> Any:
    answer = await booking(None)
    await FakeService("desk", latency=0.010, effect=str)(answer)
    return answer


# A thread that nobody can stop.


def in_threads(write: Callable[[list[str], str], object], *, after: bool) -> Any:
    audit: list[str] = []
    watch.objects(audit=audit)

    def made(seconds: float) -> Callable[[str], str]:
        def branch(name: str) -> str:
            time.sleep(seconds)
            write(audit, name)
            return name

        return branch

    answer = best_of_threads([made(0.020), made(0.060)])
    if after:
        audit.append(answer)
    return answer


def thread_writes_after_the_return() -> Any:
    return in_threads(list.append, after=False)


def caller_of_threads_writes() -> Any:
    return in_threads(lambda audit, name: None, after=True)


async def job_goes_on(*, jobs: bool) -> Any:
    """`asyncio.to_thread` can be cancelled, what it runs cannot."""
    audit: list[str] = []
    watch.objects(audit=audit)

    def slowly(name: str) -> str:
        time.sleep(0.050 if jobs else 0.010)
        if jobs:
            audit.append(name)
        return name

    async def threaded(name: str) -> Any:
        await asyncio.to_thread(slowly, name)
        return await rules()

    llm, rules = services()

    async def asked(name: str) -> Any:
        return await llm()

    answer = await best_of([asked, threaded])
    # This job may run in the worker that the loser has started.
    await asyncio.to_thread(audit.append, answer)
    return answer


async def job_of_a_loser() -> Any:
    return await job_goes_on(jobs=True)


async def job_of_the_pipeline() -> Any:
    return await job_goes_on(jobs=False)


# A loser's last words.


async def last_words(*, spoken: bool) -> Any:
    audit: list[str] = []
    watch.objects(audit=audit)

    def made(service: FakeService) -> Branch:
        async def branch(name: str) -> Any:
            try:
                return await service()
            except asyncio.CancelledError:
                if spoken:
                    audit.append(f"{name} gave up")
                raise

        return branch

    return await best_of([made(service) for service in services()])


async def speaks_when_cancelled() -> Any:
    return await last_words(spoken=True)


async def goes_silently() -> Any:
    return await last_words(spoken=False)
