"""A deadline that is computed from a clock is over when its wait is over."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest

import spectest


def test_as_completed_gives_up_at_its_deadline() -> None:
    """It goes on while time is left, and the wait of that length ends when none is."""

    def program() -> float:
        with ThreadPoolExecutor(1) as pool:
            job = pool.submit(time.sleep, 1)
            with pytest.raises(TimeoutError):
                list(as_completed([job], timeout=0.3))
            return time.monotonic()

    assert spectest.run(program) == pytest.approx(0.3, abs=1e-8)


def test_a_loop_of_waits_ends_at_its_deadline() -> None:
    def program() -> float:
        event, until = threading.Event(), time.monotonic() + 0.3
        while time.monotonic() <= until:
            event.wait(max(until - time.monotonic(), 0))
        return time.monotonic()

    assert spectest.run(program) == pytest.approx(0.3, abs=1e-8)


def test_a_wait_that_is_over_moves_no_clock() -> None:
    def program() -> list[float]:
        threading.Event().wait(0.3)
        return [time.monotonic() for _ in range(3)]

    assert spectest.run(program) == [0.3] * 3
