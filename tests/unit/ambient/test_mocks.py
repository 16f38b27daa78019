"""What a test has put in the place of the platform before the run stays there."""

import random
import time
from unittest import mock

import pytest

import spectest


def test_mocks_are_called() -> None:
    def program() -> tuple[float, float]:
        time.sleep(3600)
        return time.time(), random.random()

    with (
        mock.patch("time.time", return_value=42.0),
        mock.patch("random.random", return_value=0.5),
        mock.patch("time.sleep") as sleep,
    ):
        assert spectest.run(program) == (42.0, 0.5)
        assert spectest.explore(program).failure is None
    assert sleep.call_count > 2
    assert time.time() > 1e9


def test_what_is_patched_by_a_fixture_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 7.0)
    assert spectest.run(lambda: time.monotonic()) == 7.0
