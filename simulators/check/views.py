"""What can be seen of code: only that is compared.

Code that holds its own line, before a semaphore say, does not show who stands in it; nor does it
say whom it never asked because a limiter was against it. A model knows both. So where nobody is
seen to wait, an attempt is what holds a server for some time, and is launched when that begins.

An attempt that is launched and cancelled at one moment has never been, for anybody outside, and
one that is given up was cancelled, whether for a timeout or for another answer. Cost is not
compared, since it follows from what was served.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulators.results import CANCELLED, DROPPED, NOT_LAUNCHED, TIMED_OUT, Requests
from simulators.scenario import Scenario

__all__ = ["View", "view_of"]


@dataclass(frozen=True, slots=True)
class View:
    """Whether the code shows its `drops`, and its `lines`: who waits, and for how long."""

    drops: bool
    lines: bool

    def of(self, requests: Requests) -> Requests:
        """The requests, as far as they can be seen."""
        outcome = requests.outcome.copy()
        outcome[outcome == TIMED_OUT] = CANCELLED
        launched, began = requests.launched.copy(), requests.began.copy()
        if not self.drops:
            outcome[outcome == DROPPED] = NOT_LAUNCHED
        at_once = requests.launched >= requests.latency[:, np.newaxis]
        unseen = (outcome == CANCELLED) & (requests.work == 0) & at_once
        if not self.lines:
            unseen |= (outcome == CANCELLED) & (requests.work == 0)
            unseen |= np.isnan(began) & (outcome != DROPPED)
            launched = began.copy()
        outcome[unseen], launched[unseen], began[unseen] = NOT_LAUNCHED, np.nan, np.nan
        columns: dict[str, Any] = {"outcome": outcome, "launched": launched, "began": began}
        columns["cost"] = np.zeros(len(requests))
        return dataclasses.replace(requests, **columns)

    def __str__(self) -> str:
        if not self.lines:
            return "nobody is seen to wait, so that an attempt is compared from its service on"
        return "" if self.drops else "drops are not told, and are compared as no launches"


def view_of(scenario: Scenario, observed: Sequence[Requests]) -> View:
    """What these results of code show, of that which there is to see in the scenario."""
    return View(
        drops=scenario.limiter.kind == "none"
        or any(bool((one.outcome == DROPPED).any()) for one in observed),
        lines=not scenario.shares or any(_waits(one) for one in observed),
    )


def _waits(requests: Requests) -> bool:
    left_waiting = ~np.isnan(requests.launched) & np.isnan(requests.began)
    return bool((requests.waits > 0).any() or left_waiting.any())
