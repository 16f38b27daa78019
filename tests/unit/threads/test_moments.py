"""At what point of its work a thread loses the processor, in words."""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import SimpleNamespace
from typing import Any

import pytest

from spectest.exploration.execution import execute
from spectest.exploration.settings import Settings
from spectest.kernel.plan import Hold, Plan

pytestmark = pytest.mark.usefixtures("one_installation")
Use = Callable[[Any], object]


def moments(program: Callable[[], Any], thread: str) -> list[str]:
    """All moments at which the thread can lose the processor, in order."""
    found: dict[str, None] = {}
    for number in range(1, 80):
        name = f"{thread} stall#{number}"
        plan = Plan({name: Hold(by_ns=1_000)})
        trace = execute(program, plan, Settings().limits, record=True).trace
        assert trace is not None
        lost = [event for event in trace.of_kind("start") if event.subject == name]
        found |= {event.detail.removeprefix("stall 0 "): None for event in lost}
    return list(found)


def moments_of(use: Use) -> list[str]:
    """Of a thread that does nothing else; `it` is what it may use."""

    def main() -> None:
        it = SimpleNamespace(
            condition=threading.Condition(),
            done=Future(),
            event=threading.Event(),
            lock=threading.Lock(),
            pool=ThreadPoolExecutor(1),
            queue=queue.Queue(),
            simple=queue.SimpleQueue(),
        )
        it.done.set_result(None)
        user = threading.Thread(target=use, args=(it,), name="user")
        user.start()
        time.sleep(0.010)
        user.join()

    return [moment for moment in moments(main, "user") if moment != "before it began"]


@pytest.mark.parametrize(
    "use, expected",
    [
        (lambda it: it.lock.acquire(), ["before taking `it.lock`"]),
        (lambda it: (it.lock.acquire(), it.lock.release())[0], "after releasing `it.lock`"),
        (lambda it: it.condition.acquire(), ["before taking `it.condition`"]),
        (lambda it: threading.Lock(), ["after making a lock"]),
        (lambda it: it.event.set(), ["in `it.event.set()`"]),
        (lambda it: it.event.is_set(), ["in `it.event.is_set()`"]),
        (lambda it: it.queue.put(1), ["in `it.queue.put()`"]),
        (lambda it: it.simple.put(1), ["in `it.simple.put()`"]),
        (lambda it: it.pool.submit(len, ()), "in `it.pool.submit()`"),
        (lambda it: wait([it.done]), ["in `concurrent.futures.wait()`"]),
        (lambda it: time.sleep(0), ["in `time.sleep()`"]),
        (lambda it: deque([threading.Lock()]).pop().acquire(), "before taking a threading.Lock"),
    ],
)
def test_calls_of_primitives(use: Use, expected: str | list[str]) -> None:
    found = moments_of(use)
    if isinstance(expected, str):
        assert expected in found
    else:
        assert found == expected


def test_the_block_of_a_lock() -> None:
    def use(it: Any) -> None:
        with it.lock:
            pass

    assert moments_of(use) == ["before taking `it.lock`", "after releasing `it.lock`"]


def test_threads_are_started_and_joined() -> None:
    def use(it: Any) -> None:
        other = threading.Thread(target=it.event.wait, args=(0.005,), name="other")
        other.start()
        other.join()

    found = moments_of(use)
    assert {"after starting other", "while joining other"} <= set(found)


def test_a_worker_before_and_after_its_job() -> None:
    def main() -> None:
        with ThreadPoolExecutor(1, "io") as pool:
            pool.submit(time.sleep, 0.010).result()
            time.sleep(0.010)

    found = moments(main, "io_0")
    assert {"before it took up a job", "before it began", "after its end"} <= set(found)
    assert "in `time.sleep()`" in found


def test_every_line_of_a_module() -> None:
    def main() -> None:
        thread = threading.Thread(target=count, name="counter")
        thread.start()
        thread.join()

    def count() -> None:
        n = 1
        n += 1

    limits = Settings(lines=(__name__,)).limits
    details = set()
    for number in range(1, 20):
        plan = Plan({f"counter turn#{number}": Hold(behind=1)})
        trace = execute(main, plan, limits, record=True).trace
        assert trace is not None
        details |= {event.detail for event in trace.of_kind("overtaken")}
    assert "before this line" in details
