"""What one execution draws from, all of it made from the seed of its plan."""

from __future__ import annotations

import functools
from collections.abc import Callable
from random import Random
from typing import Any, TypeAlias

__all__ = ["Here", "Sources", "StandIn"]


class Sources:
    """The chance of one execution, except for the generator of `random` itself.

    Each source is a stream of its own, so that a program which draws more from one gets the same
    from the others. `node`: 48 bits that stand for the machine. `last_uuid1`: the timestamp of the
    latest `uuid1`.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._streams: dict[str, Random] = {}
        self.last_uuid1 = 0

    def stream(self, name: str) -> Random:
        """The stream of that name; the same numbers in every process and version of Python."""
        stream = self._streams.get(name)
        if stream is None:
            stream = self._streams[name] = Random(f"spectest {name} {self._seed}")
        return stream

    @functools.cached_property
    def node(self) -> int:
        return self.stream("node").getrandbits(48)

    def urandom(self, size: int) -> bytes:
        """`size` bytes, as if from the operating system."""
        return self.stream("system").randbytes(size)


Here: TypeAlias = Callable[[], Sources | None]
"""The sources of the world whose thread is asking; None outside of every world."""

StandIn: TypeAlias = tuple[Any, Any, Any]
"""A module, class or dict, a name or key in it, and what is there while a run lasts."""
