"""Which mistake makes the model do what the code does, in every bit of every request.

First each variant by itself, then two at a time. A variant is simulated up to a little beyond the
first request about which model and code differ, and as a whole only if it gets that one right.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from simulators.arrivals import Closed, Trace
from simulators.check.lattice import variants_of
from simulators.check.semantics import Semantics, run
from simulators.check.variants import Variant, combined
from simulators.check.views import View
from simulators.results import Array, Requests
from simulators.scenario import Scenario
from simulators.ticks import TICKS, as_ticks, in_ticks

__all__ = ["Diagnosis", "diagnose"]

_BEYOND = 50
"""How many requests beyond the first difference a variant is tried on."""

_LONGER = 4
"""By how many times more requests it is tried to tell variants apart."""

_AT_MOST = 20_000
"""By how many more at most."""

Choice: TypeAlias = tuple[Variant, ...]


@dataclass(frozen=True)
class Diagnosis:
    """What explains the code.

    `matches`: the variants that equal the code in every request, each the names of what is other
    than said. `tried`: how many variants were simulated, of `possible` ones. `nearest`: the variant
    that agrees longest, and for how many requests of the first seed that differs. `apart`: for each
    match after the first, the number of requests at which it would differ from the first, or None
    if `looked` requests do not tell.
    """

    matches: tuple[tuple[str, ...], ...]
    tried: int
    possible: int
    nearest: tuple[tuple[str, ...], int] | None
    apart: tuple[int | None, ...] = ()
    looked: int = 0

    def __str__(self) -> str:
        if not self.matches:
            return "\n".join(self._unexplained())
        lines = [f"your code behaves as: {_and(self.matches[0])}"]
        for match, needed in zip(self.matches[1:], self.apart, strict=True):
            lines.append(f"  or as: {_and(match)}")
            lines.append(f"    ({self._told_apart(needed)})")
        lines.append(f"{self.tried} variants tried")
        return "\n".join(lines)

    def _told_apart(self, needed: int | None) -> str:
        if needed is None:
            return f"cannot be told apart here, in {self.looked} requests"
        return f"cannot be told apart here; {needed} requests would do"

    def _unexplained(self) -> Iterator[str]:
        yield f"none of the {self.tried} variants tried behaves as your code"
        if self.nearest is not None:
            names, agreed = self.nearest
            yield f"  nearest: {_and(names)}, which agrees about the first {agreed} of its requests"
        if self.tried < self.possible:
            left = self.possible - self.tried
            yield f"  {left} more were left out to bound the cost; raise `effort` to try them"

    def to_data(self) -> dict[str, Any]:
        """What JSON can say."""
        return dataclasses.asdict(self)


def diagnose(
    scenario: Scenario,
    observed: Sequence[Requests],
    view: View,
    said: Semantics,
    effort: int,
    *,
    ticks: bool,
) -> Diagnosis:
    """The variants that explain what code did; for one seed at least it is not what the model does.

    `view`: what can be seen of it. `said`: the semantics that variants depart from. `effort`: how
    many requests may be simulated in the search. `ticks`: in whole nanoseconds.
    """
    search = _Search(scenario, view, said, effort, ticks=ticks)
    return search.diagnosis([view.of(as_ticks(one) if ticks else one) for one in observed])


class _Search:
    """In ticks everything is: the scenario, which then depends on the seed, and what code did."""

    def __init__(
        self, scenario: Scenario, view: View, said: Semantics, effort: int, *, ticks: bool
    ) -> None:
        self.scenario, self.view, self.said = scenario, view, said
        self.effort, self.ticks = effort, ticks
        self.spent = 0

    def diagnosis(self, observed: Sequence[Requests]) -> Diagnosis:
        """Of these results, all of them in the unit of the search."""
        self.observed = observed
        self.here, self.known = next(
            (one, found) for one in observed if (found := self._agreement((), one)) < len(one)
        )
        self.beyond = _prefix(self.here, self.known)
        said = self._scenario(self.here, len(self.here))
        second = TICKS if self.ticks else 1.0
        singles = [(variant,) for variant in variants_of(said, self.here, second)]
        agreed = self._tried(singles)
        matches, possible = self._matching(agreed), len(singles)
        for pairs in _pairs(agreed, self.known):
            if not matches:
                possible += len(pairs)
                tried = self._tried(pairs)
                agreed |= tried
                matches = self._matching(tried)
        apart, looked = self._told_apart(matches)
        nearest = max(agreed, key=lambda choice: agreed[choice], default=None)
        return Diagnosis(
            matches=tuple(_names(choice) for choice in matches),
            tried=len(agreed),
            possible=possible,
            nearest=None if nearest is None else (_names(nearest), agreed[nearest]),
            apart=apart,
            looked=looked,
        )

    def _tried(self, choices: Sequence[Choice]) -> dict[Choice, int]:
        """About how many requests each agrees with the code, while the effort lasts."""
        agreed = {}
        for choice in choices:
            if self.spent >= self.effort:
                break
            agreed[choice] = self._begun(choice)
        return agreed

    def _begun(self, choice: Choice) -> int:
        """About how many requests it agrees; about all of them only if it does at the beginning."""
        if self.beyond < len(self.here):
            begun = self._simulated(choice, self.here, self.beyond)
            if begun is None:
                return 0
            if (request := _difference(begun, self.here)) is not None:
                return request
        return self._agreement(choice, self.here)

    def _agreement(self, choice: Choice, observed: Requests) -> int:
        simulated = self._simulated(choice, observed, len(observed))
        if simulated is None:
            return 0
        found = simulated.difference(observed)
        return len(observed) if found is None else found.request

    def _matching(self, agreed: Mapping[Choice, int]) -> list[Choice]:
        """Those that agree about every request of every seed."""
        here = [choice for choice, count in agreed.items() if count == len(self.here)]
        here = list({_names(choice): choice for choice in reversed(here)}.values())[::-1]
        others = [one for one in self.observed if one is not self.here]
        return [
            choice
            for choice in here
            if all(self._agreement(choice, one) == len(one) for one in others)
        ]

    def _told_apart(self, matches: Sequence[Choice]) -> tuple[tuple[int | None, ...], int]:
        """How many requests tell each from the first, of so many that were looked at."""
        n, arrivals = len(self.here), self.scenario.arrivals
        looked = min(_LONGER * n, n + _AT_MOST)
        if isinstance(arrivals, Trace):
            looked = min(looked, len(arrivals.times))
        longer = [self._simulated(choice, self.here, looked) for choice in matches]
        known = [one for one in longer if one is not None]
        found = [known[0].difference(other) for other in known[1:]]
        return tuple(None if one is None else one.request + 1 for one in found), looked

    def _scenario(self, observed: Requests, n: int) -> Scenario:
        return in_ticks(self.scenario, n, observed.seed) if self.ticks else self.scenario

    def _simulated(self, choice: Choice, observed: Requests, n: int) -> Requests | None:
        """`n` requests of this choice; None if it makes no sense for the scenario."""
        bent = combined(choice, self._scenario(observed, n), self.said)
        if bent is None:
            return None
        self.spent += n
        return self.view.of(run(*bent, n, observed.seed))


def _prefix(observed: Requests, known: int) -> int:
    """How many requests have to arrive until all is over with the one that differs; and some."""
    if isinstance(observed.scenario.arrivals, Closed):
        return len(observed)
    over = float(_over(observed)[known])
    arrived = int(np.searchsorted(observed.arrival, over, side="right"))
    return min(max(known, arrived if math.isfinite(over) else known) + _BEYOND, len(observed))


def _over(requests: Requests) -> Array:
    """When a request and its attempts are over; infinity for never."""
    own = np.where(np.isnan(requests.latency), np.inf, requests.latency)
    left = np.nan_to_num(requests.began + requests.work, nan=0.0)
    over: Array = requests.arrival + np.maximum(own, left.max(axis=1))
    return over


def _difference(begun: Requests, observed: Requests) -> int | None:
    """The first request that differs, of those that nobody who came later could have changed."""
    rows = np.arange(len(begun))
    if begun.scenario.shares:
        rows = rows[_over(begun) < begun.arrival[-1]]
    found = begun.rows(rows).difference(observed.rows(rows))
    return None if found is None else int(rows[found.request])


def _pairs(agreed: Mapping[Choice, int], known: int) -> tuple[list[Choice], list[Choice]]:
    """Two variants at a time: those of which one explains the first difference, and all others."""
    explaining: list[Choice] = []
    others: list[Choice] = []
    for one, other in itertools.combinations(agreed, 2):
        if not one[0].excludes(other[0]):
            explains = max(agreed[one], agreed[other]) > known
            (explaining if explains else others).append((*one, *other))
    return explaining, others


def _names(choice: Choice) -> tuple[str, ...]:
    return tuple(variant.name for variant in choice)


def _and(names: Sequence[str]) -> str:
    return "; and ".join(names)
