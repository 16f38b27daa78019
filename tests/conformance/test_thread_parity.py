"""A program with threads gives the same log on real threads and in a world under the empty plan."""

from __future__ import annotations

import importlib

import pytest

from tests.conformance import threaded

for name in ("thread_programs",):
    importlib.import_module(f"tests.conformance.{name}")


@pytest.mark.parametrize("name", threaded.ALL)
def test_a_world_gives_the_log_of_real_threads(name: str) -> None:
    ours, stock = threaded.both_logs(threaded.ALL[name])
    assert len(stock) > 1
    assert ours == stock
