"""Shrinking moves no stall to where a thread waits for nothing."""

import threading
import time

import spectest


def cancel_too_late() -> None:
    lock = threading.Lock()
    fired: list[int] = []
    timer = threading.Timer(0.100, fired.append, args=(1,))
    time.sleep(0.010)
    with lock:
        timer.start()
    began = time.monotonic()
    time.sleep(0.050)
    timer.cancel()
    timer.join()
    assert not fired, f"began at {began:.3f}"


def test_no_time_passes_between_two_acts() -> None:
    for seed in range(10):
        failure = spectest.explore(cancel_too_late, seed=seed).failure
        assert failure is not None
        assert str(failure.error).startswith("began at 0.010")
