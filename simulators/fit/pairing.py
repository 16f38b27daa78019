"""Which requests of a log are rows: all their branches ended, so that nothing is a lower bound.

A row keeps what branches have in common. A request in which one was cut off is none, and leaving it
out would leave out the slow ones; so where there are such requests, there are no rows at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from simulators import checks
from simulators.errors import ScenarioError
from simulators.fit.measured import Measured
from simulators.fit.observations import Observations
from simulators.results import CANCELLED, FAILED, INVALID, TIMED_OUT, VALID, Array

__all__ = ["rows_of"]

_FEW = 0.01
"""Requests in which a branch is missing may be left out of the rows if they are so few."""

_ENOUGH = 30
"""Requests from which a correlation is worth a note."""


def rows_of(
    log: Observations,
    known: Sequence[Measured],
    dependence: Any,
    by_branch: Mapping[str, str],
    most: int,
) -> tuple[Array | None, list[str]]:
    """Rows of seconds, a column for each branch; None where branches are fitted apart. Remarks.

    `dependence` is what the caller asked for, `by_branch` the models, and `most` how many rows are
    kept. `ScenarioError` if rows were asked for and there are none.
    """
    if isinstance(dependence, str):
        checks.one_of("dependence", dependence, ("paired", "independent"))
    if dependence == "paired" and by_branch:
        remedy = "use model=None, or another dependence"
        raise ScenarioError("dependence", dependence, "has measured rows, and no model", remedy)
    if dependence not in (None, "paired") or by_branch:
        return None, _apart(log, known) if dependence is None else []
    if len(known) == 1 and dependence is None:
        return None, []
    columns = [log.branches.index(one.name) for one in known]
    outcomes, seconds = log.outcomes[:, columns], log.seconds[:, columns]
    late = outcomes == TIMED_OUT
    limits = [np.inf if one.timeout is None else one.timeout for one in known]
    past = late & (seconds >= limits)
    seconds = np.where(past, np.maximum(seconds, np.nextafter(limits, np.inf)), seconds)
    cut = ((outcomes == CANCELLED) | (late & ~past)).any(axis=1)
    failed = (outcomes == FAILED).any(axis=1)
    whole = (np.isin(outcomes, (VALID, INVALID)) | past).all(axis=1)
    missing = ~(whole | failed | cut)
    usable = not cut.any() and missing.sum() <= _FEW * len(log) and whole.any()
    if dependence is None and not usable:
        return None, _apart(log, known)
    if cut.any() or not whole.any():
        why = f"needs requests in which all branches ended, and {int(cut.sum()):,} have one cut off"
        raise ScenarioError("dependence", dependence, why, "use dependence='independent'")
    return _kept(seconds[whole], failed, missing, most)


def _kept(rows: Array, failed: Array, missing: Array, most: int) -> tuple[Array, list[str]]:
    notes = [
        f"requests that are in no row because a branch {why}: {int(left.sum()):,}"
        for left, why in ((failed, "failed"), (missing, "was not launched"))
        if left.any()
    ]
    if len(rows) > most:
        notes.append(f"of {len(rows):,} rows {most:,} are kept, evenly spaced")
        rows = rows[(np.arange(most) * len(rows)) // most]
    return rows, notes


def _apart(log: Observations, known: Sequence[Measured]) -> list[str]:
    """Why branches are independent in the scenario, and what is known against it."""
    if len(known) < 2:
        return []
    notes = ["the scenario takes the branches as independent"]
    if any(one.counts[CANCELLED] for one in known):
        notes[0] += (
            ", and so does the estimate of what was cut off: if branches are slow together, tails "
            "are too short"
        )
    for place, one in enumerate(known):
        for other in known[:place]:
            columns = [log.branches.index(name) for name in (other.name, one.name)]
            both = np.isin(log.outcomes[:, columns], (VALID, INVALID)).all(axis=1)
            if both.sum() >= _ENOUGH:
                ranks = log.seconds[both][:, columns].argsort(axis=0).argsort(axis=0)
                found = float(np.atleast_2d(np.corrcoef(ranks.T))[0, 1])
                notes.append(
                    f"rank correlation of {other.name} and {one.name} is {found:.2f}, in the "
                    f"{int(both.sum()):,} requests in which both answered"
                )
    return notes
