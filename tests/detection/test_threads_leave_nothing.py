"""Thousands of executions leak no thread, no lock and no memory."""

from __future__ import annotations

import _thread
import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from spectest import explore
from spectest.exploration.execution import execute
from spectest.kernel.plan import Plan
from spectest.strategies.base import Profile
from spectest.strategies.random_walk import RandomWalk
from spectest.threads.agents import present
from spectest.threads.clock import STAND_INS
from spectest.threads.patching import installed
from spectest.world import Limits
from tests.detection.thread_twins import TWINS

PROGRAMS = [
    TWINS[name].healthy
    for name in ("check_then_act", "pool_too_small", "write_after_stop", "forgotten_thread")
]
# A cache of CPython's or a fragmented heap may take this much in all, whatever the executions.
CLOCKS = {name: ours for _, name, ours in STAND_INS if name != "sleep"}
SLACK_BYTES = 2_000_000
BYTES_FOR_EACH = 100


def memory() -> int:
    """Resident bytes of this process."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def make(executions: int, first: int) -> None:
    walk = RandomWalk(1)
    for number in range(first, first + executions):
        walk.begin(number, Profile())
        execute(PROGRAMS[number % len(PROGRAMS)], Plan(), Limits(), chooser=walk)
    gc.collect()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize(
    "executions", [1_000, pytest.param(100_000, marks=pytest.mark.soak(reason="takes minutes"))]
)
def test_executions_leave_nothing(executions: int) -> None:
    def real_threads() -> int:
        return len(list(Path("/proc/self/task").iterdir()))

    before, known = real_threads(), set(threading.enumerate())
    with installed():
        make(500, 0)
        objects, carriers, resident = len(gc.get_objects()), real_threads(), memory()
        make(executions, 500)
        assert real_threads() <= carriers + 2, "carriers are used again"
        assert len(gc.get_objects()) < objects + 500
        assert memory() < resident + SLACK_BYTES + BYTES_FOR_EACH * executions
    for _ in range(200):  # A thread that has ended leaves the system a moment later.
        if real_threads() > before:
            threading.Event().wait(0.01)
    assert real_threads() <= before
    assert set(threading.enumerate()) <= known


def test_a_thread_that_polled_is_unwound_like_any_other() -> None:
    def program() -> None:
        done, condition = threading.Event(), threading.Condition()

        def poll() -> None:
            for _ in range(1_000):
                done.is_set()
            with condition:
                condition.wait()

        threading.Thread(target=poll).start()
        time.sleep(0.1)
        raise LookupError("while it waits")

    outcome = execute(program, Plan(), Limits())
    assert isinstance(outcome.error, LookupError)
    assert not present


def test_a_thread_outside_of_the_world_reads_the_real_clock() -> None:
    clocks = [getattr(time, name) for name in CLOCKS]
    with installed() as installation:
        installation.begin_world(lambda: (clocks, read_all))
        assert len(read_all()) == len(CLOCKS)


def read_all(clocks: tuple[Callable[[], float], ...] = tuple(CLOCKS.values())) -> list[float]:
    return [clock() for clock in clocks]


def test_thread_locals_of_the_calling_thread_stay() -> None:
    """In a process in which it is the first run: later ones find nothing to take away."""
    program = (
        "import threading, spectest\n"
        "kept = threading.local()\n"
        "kept.value = 'main'\n"
        "def program():\n"
        "    thread = threading.Thread(target=setattr, args=(kept, 'value', 'thread'))\n"
        "    thread.start()\n"
        "    thread.join()\n"
        "    return kept.value\n"
        "assert spectest.run(program) == kept.value == 'main'\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_end_of_a_world_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def program() -> None:
        hits = [0]

        def hit() -> None:
            seen = hits[0]
            hits[0] = seen + 1

        await asyncio.gather(asyncio.to_thread(hit), asyncio.to_thread(hit))
        assert hits == [2]

    failure = explore(program, lines="*", confirm=True, runs=1_000).failure
    assert failure is not None
    assert failure.confirmation is not None
    assert failure.confirmation.confirmed
    assert not caplog.records


def test_a_thread_that_never_began_is_forgotten() -> None:
    def program() -> None:
        threading.Thread(target=time.sleep, args=(1,), daemon=True).start()
        raise LookupError("before it began")

    known = set(threading.enumerate())
    walk = RandomWalk()
    for number in range(20):
        walk.begin(number, Profile())
        execute(program, Plan(), Limits(), chooser=walk)
    assert set(threading.enumerate()) <= known


def test_a_thread_that_is_started_while_its_world_ends_ends_too() -> None:
    begun: list[bool] = []

    def program() -> None:
        def work() -> None:
            try:
                time.sleep(10)
            finally:
                threading.Thread(target=begun.append, args=(True,)).start()

        threading.Thread(target=work).start()
        time.sleep(1)
        raise AssertionError

    threads = _thread._count()
    assert explore(program).failure is not None
    assert not begun
    assert _thread._count() == threads
    assert not [thread for thread in threading.enumerate() if not thread.is_alive()]
