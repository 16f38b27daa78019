"""What a log says, in columns: the same from every format.

A row is a request and a column a branch, as in `simulators.results`, whose outcomes are used. A
time that was cut off by a cancellation or a timeout stays in the table, as the lower bound that it
is; its outcome says so.
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulators.errors import ScenarioError
from simulators.fit.account import Dropped, Tally
from simulators.results import NOT_LAUNCHED, Array
from spectest.patterns.policies import Decision, Policy

__all__ = ["Gathering", "Observations"]


@dataclass(frozen=True, eq=False)
class Observations:
    """Requests of a log, and what each of their branches did.

    For each request and branch: `outcomes`, numbers that `simulators.results.OUTCOMES` names;
    `seconds` from the launch to the end, NaN where unknown; `launched`, seconds from the beginning
    of the request, NaN where unknown. For each request: `start`, seconds since 1970, NaN where
    unknown; `weights`, how many requests the row stands for.

    `policy` and `decision`: what the log says of them, or None. `cancel`: for branches of which the
    log tells it, how their cancellation takes effect. `source`, `format`, `read`, `dropped` and
    `notes` are for the account.
    """

    source: str
    format: str
    branches: tuple[str, ...]
    seconds: Array
    outcomes: Array
    launched: Array
    start: Array
    weights: Array
    read: int
    dropped: tuple[Dropped, ...]
    notes: tuple[str, ...] = ()
    policy: Policy | None = None
    decision: Decision | None = None
    cancel: tuple[tuple[str, Any], ...] = ()

    def __len__(self) -> int:
        return len(self.seconds)

    @property
    def used(self) -> int:
        """How many rows of the log are in the table."""
        return self.read - sum(one.count for one in self.dropped)

    @property
    def requests(self) -> int:
        """How many requests the table stands for."""
        return int(self.weights.sum())


class Gathering:
    """Takes requests and their attempts in any order, and makes a table of them.

    Columns are typed arrays: a million attempts take some forty megabytes. With `absolute`,
    attempts say at which moment they were launched, and not how long after their request.
    """

    def __init__(
        self, source: str, form: str, branches: Sequence[str] = (), *, absolute: bool = False
    ) -> None:
        self.source, self.form, self._absolute = source, form, absolute
        self.tally = Tally()
        self._known: dict[Hashable, int] = {}
        self._branches = {name: place for place, name in enumerate(branches)}
        self._start, self._weights = array("d"), array("q")
        self._request, self._branch = array("q"), array("q")
        self._outcome, self._line = array("b"), array("q")
        self._seconds, self._launched = array("d"), array("d")

    def request(self, key: Hashable | None = None, start: float = np.nan, weight: int = 1) -> int:
        """The number of the request with this key; a new one if there is none, or without a key."""
        number = len(self._start)
        if key is not None and (known := self._known.setdefault(key, number)) != number:
            return known
        self._start.append(start)
        self._weights.append(weight)
        return number

    def knows(self, key: Hashable) -> bool:
        """Whether there is a request with this key."""
        return key in self._known

    def attempt(
        self,
        request: int,
        branch: str,
        outcome: int,
        line: int,
        seconds: float = np.nan,
        launched: float = np.nan,
    ) -> None:
        """What this branch of this request did, by this line of the log."""
        self._request.append(request)
        self._branch.append(self._branches.setdefault(branch, len(self._branches)))
        self._outcome.append(outcome)
        self._seconds.append(seconds)
        self._launched.append(launched)
        self._line.append(line)

    def earlier(self, request: int, start: float) -> None:
        """The request began at `start`, if that is earlier than what is known of it."""
        self._start[request] = np.fmin(self._start[request], start)

    def observations(self, **rest: Any) -> Observations:
        """The table; of several attempts of a branch in a request it has the first."""
        names, n = tuple(self._branches), len(self._start)
        if not len(self._request):
            told = "; ".join(f"{one.count:,} {one.reason}" for one in self.tally.dropped())
            why = f"holds no attempt of a branch{f' ({told})' if told else ''}"
            raise ScenarioError("the log", self.source, why, "use one with data, or other names")
        request, branch = np.array(self._request), np.array(self._branch)
        cells, first = np.unique(request * len(names) + branch, return_index=True)
        again = np.ones(len(request), dtype=bool)
        again[first] = False
        if again.any():
            line = int(np.array(self._line)[again].min())
            reason = "a further attempt of a branch in its request"
            self.tally.drop(reason, line, int(again.sum()))
        launched, start = np.array(self._launched), np.array(self._start)
        if self._absolute:
            launched -= start[request]
        outcomes = np.full(n * len(names), NOT_LAUNCHED, dtype=np.int8)
        outcomes[cells] = np.array(self._outcome)[first]
        for name, column in (("seconds", np.array(self._seconds)), ("launched", launched)):
            rest[name] = np.full(n * len(names), np.nan)
            rest[name][cells] = column[first]
            rest[name] = rest[name].reshape(n, len(names))
        return Observations(
            self.source,
            self.form,
            names,
            outcomes=outcomes.reshape(n, len(names)),
            start=start,
            weights=np.array(self._weights),
            read=self.tally.read,
            dropped=self.tally.dropped(),
            **rest,
        )
