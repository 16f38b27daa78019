"""What speculation gains and what it costs, against the control group."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from simulators.estimators import Estimate
from simulators.verdict.findings import Finding, needed, percent, percents, seconds, side, unsure
from simulators.verdict.trials import Trial, fewest

__all__ = ["control_group", "cost", "improvement", "more_for"]


def improvement(trial: Trial, measure: str, least: float, *, decides: bool) -> Finding:
    """How much earlier answers come at this percentile: at least by the part `least`?"""
    name = f"{measure} improvement"
    ours, theirs, value = trial.saved(measure)
    if not (math.isfinite(ours) and math.isfinite(theirs)):
        lost, control = (float((~one.answered).mean()) for one in (trial.requests, trial.control))
        sentence = (
            f"there is no {measure} of the time to the answer: {percent(lost)} of requests get "
            f"none, {percent(control)} in control; name a lower percentile"
        )
        return Finding(name, "open", sentence, None, least, None, decides)
    result = side(
        favourable=value.low is not None and value.low >= least,
        adverse=value.high is not None and value.high < least,
    )
    sentence = (
        f"{percents(value)} faster, {percent(least)} is the line; "
        f"{seconds(ours)} against {seconds(theirs)}{_how(value)}"
    )
    more = more_for(trial, measure, value, least) if result == "open" else None
    return Finding(name, result, sentence, value, least, more, decides)


def cost(trial: Trial, most: float) -> Finding:
    """What a request costs, against control: `most` times as much, or more?

    An attempt that was cancelled costs what it had done by then.
    """
    free = not (trial.requests.cost.any() or trial.control.cost.any())
    measure = "work" if free else "cost"
    ours, theirs, saved = trial.saved(measure)
    work, usual, _ = trial.saved("work")
    if not theirs:
        why = "attempts take no time" if free else f"control is free, and this is {ours:.4g}"
        return Finding("cost", "not applicable" if free else "against", why)
    value = _times(saved)
    times = f"{value.value:.4g} times{_ends(value)}"
    if free:
        sentence = (
            f"no branch has a cost; {seconds(ours)} of service a request against "
            f"{seconds(theirs)}: {times}"
        )
        return Finding("cost", "note", sentence, value, most, decides=False)
    result = side(
        favourable=value.high is not None and value.high < most,
        adverse=value.low is not None and value.low >= most,
    )
    sentence = (
        f"{ours:.4g} a request against {theirs:.4g}: {times}, {most:g} times is the line; "
        f"{seconds(work)} of service against {seconds(usual)}{_how(value)}"
    )
    more = more_for(trial, measure, value, most) if result == "open" else None
    return Finding("cost", result, sentence, value, most, more)


def control_group(trial: Trial) -> Finding:
    """What became of the same requests without speculation."""
    control = trial.control
    answered = np.count_nonzero(control.answered)
    parts = [f"the same {len(control):,} requests, one branch at a time, on the same draws"]
    if answered:
        parts.append(f"mean {seconds(float(control.latency[control.answered].mean()))}")
    launches = float(control.launches.mean())
    ours = float(trial.requests.launches.mean())
    parts.append(f"attempts a request: {launches:.4g}, with speculation {ours:.4g}")
    return Finding("control group", "note", "; ".join(parts), decides=False)


def more_for(trial: Trial, measure: str, value: Estimate, line: float) -> int | None:
    """How many requests would decide, see `needed`; if there are too few for an interval, enough
    for one.
    """
    if len(trial.requests) < fewest(measure):
        return math.ceil(fewest(measure) * trial.n / len(trial.requests))
    return needed(value, line, trial.n)


def _times(saved: Estimate) -> Estimate:
    """How many times as much it is, of which this is the share saved: 1 - saved."""
    low = None if saved.high is None else 1 - saved.high
    high = None if saved.low is None else 1 - saved.low
    return dataclasses.replace(saved, value=1 - saved.value, low=low, high=high)


def _ends(value: Estimate) -> str:
    if value.low is None or value.high is None or value.low == value.high:
        return ""
    return f" ({value.low:.4g} to {value.high:.4g})"


def _how(value: Estimate) -> str:
    return f"; {value.method}" if value.n == 0 else unsure(value)
