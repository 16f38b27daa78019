"""A timeout slightly above p99 ends who is stuck, and leaves alone who is slow."""

from __future__ import annotations

import numpy as np

from simulators.fast.draws import Bulk
from simulators.results import TIMED_OUT, VALID, Array
from simulators.verdict.findings import (
    Finding,
    Result,
    needed,
    percent,
    percents,
    seconds,
    side,
)
from simulators.verdict.trials import Trial

__all__ = ["MOST_SPURIOUS", "RANGE", "timeouts"]

RANGE = (1.0, 1.5)
"""How many times the 99th percentile a timeout should be."""

MOST_SPURIOUS = 0.01
"""The share of attempts that may time out although they would have been valid."""


def timeouts(trial: Trial) -> list[Finding]:
    """For each branch with a timeout: is it slightly above the 99th percentile of its latency, and
    does it end few attempts whose answer would have been valid?

    It decides nothing: its cure is another timeout.
    """
    found = [
        _timeout(trial, index)
        for index, branch in enumerate(trial.scenario.racing)
        if branch.timeout is not None
    ]
    if found:
        return found
    return [Finding("timeout", "not applicable", "no branch has one", decides=False)]


def _timeout(trial: Trial, index: int) -> Finding:
    branch = trial.scenario.racing[index]
    timeout, p99 = branch.timeout or 0.0, branch.service.quantile(0.99)
    value = trial.share(_spurious(trial, index), ~np.isnan(trial.requests.launched[:, index]))
    ratio = timeout / p99 if p99 else float("inf")
    # A p99 that was given as such comes back with the rounding of a logarithm.
    within = RANGE[0] <= round(ratio, 9) <= RANGE[1]
    rare: Result = side(
        favourable=value.high is not None and value.high <= MOST_SPURIOUS,
        adverse=value.low is not None and value.low > MOST_SPURIOUS,
    )
    result = rare if within else "against"
    sentence = (
        f"{seconds(timeout)} is {ratio:.3g} times the p99 of {seconds(p99)}, "
        f"{RANGE[0]:g} to {RANGE[1]:g} is right; "
    )
    if value.n and value.value == value.value:
        sentence += (
            f"{percents(value)} of its attempts time out although they would have been valid, "
            f"{percent(MOST_SPURIOUS)} is the line"
        )
    else:
        sentence += "it is never launched"
    if value.refused is not None and value.value == value.value:
        sentence += f"; no interval: {value.refused}"
    more = needed(value, MOST_SPURIOUS, trial.n) if result == "open" else None
    name = f"timeout of {branch.name}"
    return Finding(name, result, sentence, value, MOST_SPURIOUS, more, decides=False)


def _spurious(trial: Trial, index: int) -> Array:
    """Whose attempt timed out although neither an error nor an invalid answer was to come."""
    whole = trial.whole
    numbers = np.arange(len(whole), dtype=np.uint64)
    would = Bulk(whole.scenario, whole.seed).outcomes(numbers, index)
    spurious = (whole.outcome[:, index] == TIMED_OUT) & (would == VALID)
    counted: Array = spurious[len(whole) - len(trial.requests) :]
    return counted
