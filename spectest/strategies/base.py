"""A strategy answers the choices of one execution after the other.

Strategies that draw their answers derive from `Sampler`: each execution has a source of chance of
its own, made of the seed and the number of the execution, so that what one execution does depends
neither on hash order nor on anybody else's dice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

__all__ = ["NOBODY", "Profile", "Sampler", "Strategy", "options_of"]

NOBODY = -1
"""The chain of what belongs to no task: ready callbacks, and timers of the loop."""

_SEEDS = 1_000_003
_STEADY = 0.67  # of the chains that are not quick


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a program from its execution in stock order.

    `contested`: questions it asked. `chains`: for each chain (task, by number of creation), how
    many completions it waited for. `threads`: it started threads. `lines`: lines are choice points.
    """

    contested: int = 0
    chains: Mapping[int, int] = field(default_factory=dict)
    threads: bool = False
    lines: bool = False


class Strategy(Protocol):
    """Answers the choices of one execution after the other.

    `begin` is called before each execution, with its number from 1 and what is known so far; then
    `choose` any number of times (see `spectest.kernel.choices.Chooser`); then `end`, with the
    number of choices that were asked. `exhausted`: there is no other execution left to try.
    """

    name: str
    exhausted: bool

    def begin(self, execution: int, profile: Profile) -> None: ...

    def choose(self, n: int, label: str, chains: Sequence[int]) -> int: ...

    def end(self, contested: int) -> None: ...


class Sampler:
    """Base of the strategies that draw: never exhausted, one source of chance per execution.

    Who goes first is up to the strategy (`pick`); at which of the moments offered is drawn here:
    each equally likely, or, if the strategy is `paced`, as each chain keeps it throughout the
    execution: always early, always late, or now so, now so; how many chains are not early is drawn
    for each execution too. A bug that needs one chain to be quick twelve times in a row, or all
    chains but one to be quick, is out of reach of independent draws.
    """

    name = ""
    exhausted = False
    paced = False

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._random = Random(seed)
        self._shuffled_sets = False
        self._lateness = 0.0
        self._paces: dict[int, float | None] = {}

    def begin(self, execution: int, profile: Profile) -> None:
        self._random.seed(self._seed * _SEEDS + execution)
        self._shuffled_sets = self._random.random() < 0.5
        self._lateness = self._random.random()
        self._paces = {}
        self.prepare(profile)

    def prepare(self, profile: Profile) -> None:
        """Draw what is decided once for the whole execution."""

    def choose(self, n: int, label: str, chains: Sequence[int]) -> int:
        """An integer in `range(n)`."""
        if chains:
            return self.pick(n, chains)
        if label == "set" and not self._shuffled_sets:
            return 0
        return self.below(n)

    def pick(self, n: int, chains: Sequence[int]) -> int:
        """The answer to a choice between chains."""
        raise NotImplementedError

    def end(self, contested: int) -> None:
        """Nothing to learn, unless overridden."""

    def below(self, n: int) -> int:
        """Uniform in `range(n)`."""
        return int(self._random.random() * n)

    def pick_from(self, chain: int, chains: Sequence[int]) -> int:
        """One of the options of `chain`."""
        if chains.count(chain) == 1:
            return chains.index(chain)
        options = options_of(chain, chains)
        pace = self._pace(chain) if self.paced else None
        return options[self.below(len(options)) if pace is None else int(pace * len(options))]

    def _pace(self, chain: int) -> float | None:
        """From 0, always the first of its moments, to 1; None: each time another one."""
        if chain not in self._paces:
            draw = self._random.random
            quick = draw() >= self._lateness
            self._paces[chain] = 0.0 if quick else draw() if draw() < _STEADY else None
        return self._paces[chain]


def options_of(chain: int, chains: Sequence[int]) -> list[int]:
    """The options that let `chain` go first."""
    return [option for option, owner in enumerate(chains) if owner == chain]
