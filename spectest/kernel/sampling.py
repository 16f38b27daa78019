"""What draws durations and mishaps, where an execution is one sample and not part of a search."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["Sampler"]


class Sampler(Protocol):
    """The draws of one request. Equal questions have equal answers, in whatever order."""

    def uniform(self, branch: str, attempt: int, kind: str) -> float:
        """A number between 0 and 1."""
        ...

    def seconds(self, branch: str, attempt: int, latency: Any) -> float:
        """How long this attempt takes, by its latency distribution."""
        ...
