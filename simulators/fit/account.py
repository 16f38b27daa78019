"""What became of a log: every row is accounted for, and every assumption is said."""

from __future__ import annotations

import dataclasses
import textwrap
from dataclasses import dataclass
from typing import Any

__all__ = ["Account", "BranchAccount", "Dropped", "Tally"]

_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Dropped:
    """So many rows were not used, the first of them in this line."""

    reason: str
    count: int
    first_line: int


class Tally:
    """Counts rows, and those that are dropped, by their reasons."""

    def __init__(self) -> None:
        self.read = 0
        self._reasons: dict[str, tuple[int, int]] = {}

    def drop(self, reason: str, line: int, count: int = 1) -> None:
        """`count` rows are not used; `line` is the first of them."""
        before, first = self._reasons.get(reason, (0, line))
        self._reasons[reason] = (before + count, min(first, line))

    def dropped(self) -> tuple[Dropped, ...]:
        """In the order of their first lines."""
        found = (Dropped(reason, *numbers) for reason, numbers in self._reasons.items())
        return tuple(sorted(found, key=lambda one: (one.first_line, one.reason)))


@dataclass(frozen=True, slots=True)
class BranchAccount:
    """What the log says of one branch.

    `attempts`: how many were launched. Of these `answered` ended with an answer, `invalid` of them
    with one that is not valid; `failed` ended with an error; `timed_out` and `cancelled` were cut
    off, so that their times are lower bounds. `known_to`: the quantile up to which the estimate of
    Kaplan and Meier tells the latency. `lasted_to_p99`: how many attempts lasted as long as its
    99th percentile, which is what the estimate rests on there; None if it does not reach it.
    `timeout`: seconds, None without one. `model`: what stands for the latency, "as measured" or the
    name of a distribution; then `distance` is that of Kolmogorov and Smirnov between the two.
    `usual`: what 5 % of samples of a given distribution exceed, None where times were cut off, for
    which this is not known.
    """

    name: str
    attempts: int
    answered: int
    invalid: int
    failed: int
    timed_out: int
    cancelled: int
    known_to: float
    lasted_to_p99: int | None
    timeout: float | None
    model: str
    distance: float | None = None
    usual: float | None = None

    def __str__(self) -> str:
        counts = {
            "invalid": self.invalid,
            "failed": self.failed,
            "timed out": self.timed_out,
            "cancelled": self.cancelled,
        }
        told = [f"{self.attempts:,} attempts", f"{self.answered:,} answered"]
        told += [f"{count:,} {what}" for what, count in counts.items() if count]
        known = f"latency known to the quantile {self.known_to:.6g}"
        lasted = "" if self.lasted_to_p99 is None else f" ({self.lasted_to_p99:,} lasted to p99)"
        told.append(known + lasted)
        if self.timeout is not None:
            told.append(f"timeout {self.timeout:.6g} s")
        if self.distance is not None:
            usual = "" if self.usual is None else f"; up to {self.usual:.3f} is usual"
            told.append(
                f"{self.model}, at most {self.distance:.3f} away from what was measured "
                f"(Kolmogorov-Smirnov{usual})"
            )
        return f"{self.name}: {', '.join(told)}"


@dataclass(frozen=True, slots=True)
class Account:
    """`read` rows of a log, of which `used` are in the scenario, and the rest in `dropped`.

    A row is a line of CSV or JSON Lines, a recorded value of a histogram, a span, or a record of a
    speculation. `requests`: how many these are about. `notes`: what was assumed, and what the
    scenario says otherwise than the log.
    """

    source: str
    format: str
    read: int
    used: int
    requests: int
    dropped: tuple[Dropped, ...]
    branches: tuple[BranchAccount, ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        rows = f"{self.read:,} rows read, {self.used:,} used, {self.requests:,} requests"
        told = [f"{self.source} ({self.format}): {rows}"]
        told += [
            f"dropped: {one.count:,}, {one.reason}, first in line {one.first_line}"
            for one in self.dropped
        ]
        told += [str(branch) for branch in self.branches]
        told += [f"note: {note}" for note in self.notes]
        told.append("not in a log, to be added where they matter: pools, costs, a limiter")
        lines = (textwrap.wrap(line, _WIDTH, subsequent_indent="  ") for line in told)
        return "\n".join(part for parts in lines for part in parts)

    def to_data(self) -> dict[str, Any]:
        """What JSON can say."""
        return dataclasses.asdict(self)
