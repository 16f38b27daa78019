"""What holds for all properties."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from spectest.threads.patching import installed


@pytest.fixture(autouse=True)
def one_installation() -> Iterator[None]:
    """For all executions of a test: looking for locks in all of these test modules takes time."""
    with installed():
        yield
