"""Fifo: stock order, always. The baseline, and where the profile of a program comes from."""

from __future__ import annotations

from collections.abc import Sequence

from spectest.strategies.base import Profile

__all__ = ["Fifo"]


class Fifo:
    """Answers 0. `profile` describes the latest execution."""

    name = "fifo"
    exhausted = False

    def __init__(self, seed: int = 0) -> None:
        self._chains: dict[int, int] = {}
        self._contested = 0

    @property
    def profile(self) -> Profile:
        """What the latest execution was like."""
        return Profile(self._contested, dict(self._chains))

    def begin(self, execution: int, profile: Profile) -> None:
        self._chains = {}
        self._contested = 0

    def choose(self, n: int, label: str, chains: Sequence[int]) -> int:
        self._contested += 1
        if chains:
            self._chains[chains[0]] = self._chains.get(chains[0], 0) + 1
        return 0

    def end(self, contested: int) -> None:
        """Nothing to learn."""
