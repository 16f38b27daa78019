"""A thread that waits by going round in a loop is stopped, wherever it runs."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import spectest
from spectest.threads.agents import present


def finish_late(done: list[int]) -> None:
    time.sleep(0.1)
    done.append(1)


def in_main() -> None:
    done: list[int] = []
    thread = threading.Thread(target=finish_late, args=(done,))
    thread.start()
    while not done:
        pass
    thread.join()


def in_a_thread() -> None:
    done: list[int] = []

    def wait() -> None:
        while not done:
            pass

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.1)
    done.append(1)
    thread.join()


async def in_a_task() -> None:
    done: list[int] = []

    async def wait() -> None:
        while not done:
            pass

    asyncio.get_running_loop().run_in_executor(None, finish_late, done)
    await asyncio.create_task(wait())


@pytest.mark.parametrize(
    "program, spinner",
    [(in_main, "main"), (in_a_thread, "wait (Thread-1)"), (in_a_task, "main")],
)
def test_it_is_a_livelock_that_names_thread_and_line(
    program: Callable[[], Any], spinner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spectest.threads.watchdog._SPINS_AFTER_S", 0.6)
    failure = spectest.explore(program, runs=20).failure
    assert failure is not None
    assert isinstance(failure.error, spectest.Livelock)
    assert failure.error.spinner == spinner
    assert "goes round and round at " in str(failure.error)
    assert f"{__file__.rpartition('/')[2]}:" in str(failure.error)
    assert not present


def test_who_computes_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long call of a C function uses the processor in a single place."""
    monkeypatch.setattr("spectest.threads.watchdog._SPINS_AFTER_S", 0.2)

    def program() -> int:
        thread = threading.Thread(target=time.sleep, args=(1,))
        thread.start()
        total = sum(bytes(30_000_000))
        thread.join()
        return total

    assert spectest.run(program) == 0
