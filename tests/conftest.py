"""What holds for all tests."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

# How long an example takes says something about the machine, and nothing about the code.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")

# pytest prints assertions in full where it believes to run in CI; the expected pages do not.
for name in ("CI", "BUILD_NUMBER"):
    os.environ.pop(name, None)


def lent() -> dict[str, Any]:
    """What a world exchanges in the process while it lasts."""
    from spectest.threads.agents import present

    return {
        "collector": gc.isenabled(),
        "sleep": time.sleep,
        "clock": time.monotonic,
        "lock": threading.Lock,
        "event": threading.Event.is_set,
        "loop": asyncio.new_event_loop,
        "agents": dict(present),
        "dead threads": [one for one in threading.enumerate() if not one.is_alive()],
    }


@pytest.fixture(scope="module")
def one_installation() -> Iterator[None]:
    """For all executions of a module: looking for locks in all test modules takes time.

    What keeps real clocks for itself is imported before they are exchanged, as by `spectest.run`.
    """
    import spectest.exploration.search  # noqa: F401
    from spectest.threads.patching import installed

    before = lent()
    with installed():
        yield
    assert lent() == before


@pytest.fixture(autouse=True)
def everything_is_given_back() -> Iterator[None]:
    """After each test, whatever it was about, the process is as it was before."""
    before = lent()
    yield
    assert lent() == before


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A name with an address in it is another one in each worker of xdist."""
    named = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if named:
        raise pytest.UsageError(f"give these tests ids without addresses: {named}")
