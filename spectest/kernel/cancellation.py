"""A cancellation of a plan: who is cancelled, and when: at which await of which task.

It is a pick like any other: the label of its choice point says all, option 1 is that it happens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args

__all__ = ["CANCEL", "MOMENTS", "WAYS", "Cancellation", "Moment", "Way", "cancellations_of"]

Moment = Literal["before", "at"]
"""Before the completion that the task waits for; or when it has come and the task has not gone on.

What comes right after the task went on comes before the completion it waits for next.
"""

MOMENTS: tuple[Moment, ...] = get_args(Moment)

Way = Literal["task", "caller", "timeout"]
"""The task itself is cancelled; or the program, by its caller; or a timeout around it expires."""

WAYS: tuple[Way, ...] = get_args(Way)

_WHOM: dict[Way, str] = {
    "task": "",
    "caller": "the program, with ",
    "timeout": "the program by timeout, with ",
}
CANCEL = "cancel "
"""Begins the label of every choice whether somebody is cancelled."""
_LABEL = re.compile(
    rf"{CANCEL}(?P<whom>{'|'.join(filter(None, _WHOM.values()))}|)"
    r"(?P<task>.+) at await (?P<number>\d+), (?P<moment>before|at)",
    re.DOTALL,
)


class Cancellation(NamedTuple):
    """One cancellation.

    `task`: the label of the task that is at an await. `number`: of the await, from 1; each
    suspension counts. `way`: who is cancelled then, and by whom.
    """

    task: str
    number: int
    moment: Moment
    way: Way = "task"

    @property
    def label(self) -> str:
        """The label of its choice point."""
        whom = _WHOM[self.way]
        return f"{CANCEL}{whom}{self.task} at await {self.number}, {self.moment}"

    @classmethod
    def of(cls, label: str) -> Cancellation | None:
        """The cancellation that a choice point is about, or None."""
        found = _LABEL.fullmatch(label)
        if found is None:
            return None
        moment: Moment = "before" if found["moment"] == "before" else "at"
        way = next(way for way, whom in _WHOM.items() if whom == found["whom"])
        return cls(found["task"], int(found["number"]), moment, way)


def cancellations_of(labels: Iterable[str]) -> dict[str, Cancellation]:
    """Those among the labels of a plan's picks that are cancellations."""
    found = {label: Cancellation.of(label) for label in labels}
    return {label: one for label, one in found.items() if one is not None}
