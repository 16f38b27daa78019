"""What the program waits for: operations, whose duration may vary, and timers, which are exact.

An operation happens outside the program (a remote call, the sleep that stands for one, an executor
job). It completes somewhere in `[earliest_ns, latest_ns]`; `nominal_ns` is when it does if nothing
deviates. A timer is the program's own deadline: the three moments are one. A stall keeps a thread
from the processor; if nothing deviates there is none, so its nominal moment, the present, comes
before its earliest.
"""

from __future__ import annotations

from typing import Any, Literal

__all__ = ["Kind", "Operation"]

Kind = Literal["timer", "sleep", "call", "job", "stall"]


class Operation:
    """One pending completion. All moments are virtual nanoseconds.

    `label` is unique in the execution and the same in every execution of the program: the name of
    what was called and how many of that name came before. `chain` is the task that started it (by
    number of creation, -1 for none). `reading` is the reading of the clock its deadline was
    computed from. `payload` is the platform's own object, returned at delivery. `polls`: how
    many polls the plan lets it miss; `missed`: how many it has. `place`: in which order it left the
    timer heap of a run without deviations, 0 while it is in there.
    """

    __slots__ = (
        "behind",
        "cancelled",
        "chain",
        "due_ns",
        "earliest_ns",
        "kind",
        "label",
        "latest_ns",
        "missed",
        "missed_at_ns",
        "nominal_ns",
        "number",
        "payload",
        "place",
        "polls",
        "reading",
        "started_ns",
    )

    def __init__(
        self,
        kind: Kind,
        label: str,
        number: int,
        started_ns: int,
        interval_ns: tuple[int, int, int],
        reading: int,
        chain: int,
        payload: Any,
    ) -> None:
        self.kind = kind
        self.label = label
        self.number = number
        self.started_ns = started_ns
        self.earliest_ns, self.nominal_ns, self.latest_ns = interval_ns
        self.due_ns = self.nominal_ns
        self.reading = reading
        self.chain = chain
        self.payload = payload
        self.cancelled = False
        self.missed = 0
        self.missed_at_ns = -1
        self.behind = 0
        self.place = 0
        self.polls = 0

    def __lt__(self, other: object) -> bool:
        """Never: equal keys stay in the order in which CPython's heap algorithm leaves them."""
        return False

    def __repr__(self) -> str:
        return f"<{self.kind} {self.label} due at {self.due_ns} ns>"

    @property
    def elastic(self) -> bool:
        """Whether its duration may vary at all."""
        return self.earliest_ns != self.latest_ns

    @property
    def declared(self) -> bool:
        """Whether the program said that it varies, so that `strict` may vary it too."""
        return self.kind in ("call", "job")

    @property
    def in_shadow(self) -> bool:
        """Whether it is in the timer heap of a run without deviations, where nothing is stalled."""
        return self.kind != "stall" and not self.place
