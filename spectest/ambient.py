"""What programs read without asking: random numbers. The world's while a run lasts, restored after.

Each execution begins with `random` seeded from its plan, so that a program that draws is the same
program every time.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["lent", "seed"]


@contextmanager
def lent() -> Iterator[None]:
    """Give the generator of `random` back as it was, however the block ends."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)


def seed(number: int) -> None:
    """Begin an execution."""
    random.seed(number)
