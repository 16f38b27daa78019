"""Programs that fail while what made them fail is still going on: found, replayed, confirmed."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import spectest

SEEDS = 10


def still_alive() -> None:
    thread = threading.Thread(target=time.sleep, args=(0.095,))
    thread.start()
    thread.join(0.100)
    assert not thread.is_alive(), "too late"


def nobody_set_it() -> None:
    event = threading.Event()

    def work() -> None:
        time.sleep(0.095)
        event.set()

    threading.Thread(target=work).start()
    assert event.wait(0.100), "too late"


def nothing_came() -> None:
    inbox: queue.Queue[int] = queue.Queue()

    def work() -> None:
        time.sleep(0.095)
        inbox.put(1)

    threading.Thread(target=work, daemon=True).start()
    try:
        inbox.get(timeout=0.100)
    except queue.Empty:
        raise AssertionError("too late") from None


async def task_not_done() -> None:
    task = asyncio.ensure_future(asyncio.sleep(0.095))
    await asyncio.wait([task], timeout=0.100)
    assert task.done(), "too late"


async def shielded() -> None:
    task = asyncio.ensure_future(asyncio.sleep(0.095))
    try:
        await asyncio.wait_for(asyncio.shield(task), 0.100)
    except TimeoutError:
        raise AssertionError("too late") from None


async def thread_not_done() -> None:
    task = asyncio.ensure_future(asyncio.to_thread(time.sleep, 0.095))
    done, _ = await asyncio.wait([task], timeout=0.100)
    assert done, "too late"


@pytest.mark.parametrize(
    "program",
    [still_alive, nobody_set_it, nothing_came, task_not_done, shielded, thread_not_done],
)
def test_the_failure_is_the_programs_own_and_is_confirmed(program: Callable[[], Any]) -> None:
    for seed in range(SEEDS):
        failure = spectest.explore(program, seed=seed, confirm=seed == 0).failure
        assert failure is not None
        assert type(failure.error) is AssertionError, failure.error
        assert failure.plan
        with pytest.raises(AssertionError, match="too late"):
            spectest.replay(program, failure.token)
        if seed == 0:
            assert failure.confirmation is not None
            assert failure.confirmation.confirmed, failure.confirmation
