"""Worlds in which stock process pools are virtual."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from spectest.executors.lent_pools import process_pools_lent
from spectest.threads.patching import Installation, installed

__all__ = ["lends_process_pools"]


@contextmanager
def installed_and_lent() -> Iterator[Installation]:
    with installed() as installation, process_pools_lent():
        yield installation


@pytest.fixture(autouse=True)
def lends_process_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spectest.world.installed", installed_and_lent)
