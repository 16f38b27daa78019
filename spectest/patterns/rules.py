"""The rules by which speculation pays or not, each with its evidence.

A rule is about one number: how much faster, how often first, how dear, how large. It passes or
fails if the whole interval of that number is on one side of its line; in between it is undecided.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from spectest.patterns.intervals import (
    Interval,
    improvement_of,
    least_count,
    needed_for_share,
    quantile_of,
    share_of,
)
from spectest.patterns.records import Record

__all__ = ["EAGER", "Finding", "cost", "first_answers", "improvement", "memory"]

EAGER = "EagerRace"
"""The policy whose branches all run from the beginning, so that the first one is the fastest."""

Says = Literal["pass", "fail", "undecided", "not applicable"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says, and why.

    `decides`: the verdict depends on it. `growth`: by which factors records and control have to
    become more until an undecided rule is decided, if what was observed stays the same, or has an
    interval at all; None if that cannot be told.
    """

    rule: str
    says: Says
    evidence: str
    decides: bool = True
    interval: Interval | None = None
    growth: tuple[float, float] | None = None


def improvement(
    ours: Sequence[float],
    theirs: Sequence[float],
    p: float,
    *,
    least: float,
    confidence: float,
    decides: bool,
) -> Finding:
    """How much earlier answers come at the quantile `p`: at least by the part `least`?

    `ours` and `theirs` are sorted. Each quantile's interval errs with half of the probability that
    is left, so their ratio keeps the confidence.
    """
    each = (1 + confidence) / 2
    our, their = quantile_of(ours, p, each), quantile_of(theirs, p, each)
    gain = improvement_of(our, their)
    says = _side(gain.low >= least, gain.high < least)
    evidence = (
        f"{_percents(gain)} faster, {_percent(least)} is the line; {_ms(our)} against {_ms(their)}"
    )
    growth = None
    if says == "undecided":
        enough = least_count(p, each)
        factor = _growth(gain, least, min(len(ours), len(theirs)) < enough)
        if factor is not None:
            growth = max(factor, enough / len(ours)), max(factor, enough / len(theirs))
        for whose, group in (("records", ours), ("the control group", theirs)):
            if len(group) < enough:
                evidence += f"; {name_of(p)} of {whose} needs n >= {enough}, there are {len(group)}"
    return Finding(f"{name_of(p)} improvement", says, evidence, decides, gain, growth)


def first_answers(records: Sequence[Record], *, most: float, confidence: float) -> Finding:
    """How often is the same branch the first with a valid answer? More than `most`: the others
    are waste. Races are the records in which two branches were launched and one was valid.
    """
    rule = "first answers"
    policy = records[0].policy.partition("(")[0]
    if policy != EAGER:
        why = (
            f"for eager races only; {policy} launches a branch when another one is late or has "
            "failed, so one that is nearly always first is what it is made for"
        )
        return Finding(rule, "not applicable", why)
    firsts = Counter(first for record in records if (first := _first(record)) is not None)
    races = firsts.total()
    if not races:
        why = "no record has two branches that were launched, and a valid answer"
        return Finding(rule, "not applicable", why)
    fastest, wins = min(firsts.items(), key=lambda item: (-item[1], item[0]))
    share = share_of(wins, races, confidence)
    says = _side(share.high <= most, share.low > most)
    evidence = (
        f"{records[0].branch_names[fastest]!r} in {_percents(share)} of {races:,} races; "
        f"over {_percent(most)} the others are waste"
    )
    needed = needed_for_share(share.value, most, confidence) if says == "undecided" else None
    growth = None if needed is None else (max(needed, races + 1) / races, 1.0)
    return Finding(rule, says, evidence, interval=share, growth=growth)


def cost(
    records: Sequence[Record],
    costs: Mapping[str, float],
    control_cost: float,
    *,
    most: float,
) -> Finding:
    """What a request costs, against `control_cost`: `most` times as much, or more?

    A branch that was launched counts in full, whether it was cancelled or not: nothing in a record
    says how many tokens it had made by then.
    """
    launched = Counter(
        name
        for record in records
        for name, when in zip(record.branch_names, record.branch_launched_after_ms, strict=True)
        if when is not None
    )
    spent = math.fsum(costs[name] * number for name, number in sorted(launched.items()))
    each = spent / len(records)
    ratio = each / control_cost
    says = _side(ratio < most, ratio >= most)
    calls = launched.total() / len(records)
    evidence = (
        f"{each:.4g} a request against {control_cost:.4g}: {ratio:.3g} times, {most:g} times is "
        f"the line; {calls:.3g} calls a request, each in full"
    )
    return Finding("cost", says, evidence, interval=Interval(ratio, ratio, ratio))


def memory(names: Sequence[str], sizes: Mapping[str, float], device: float) -> Finding:
    """Do all branches fit into the device at once?"""
    total = math.fsum(sizes[name] for name in names)
    parts = " + ".join(f"{sizes[name]:g}" for name in names)
    evidence = f"{parts} = {total:g} of {device:g}, all branches at once"
    return Finding("memory", _side(total <= device, total > device), evidence)


def name_of(p: float) -> str:
    """Such as p99.9."""
    return f"p{100 * p:.12g}"


def _side(passes: bool, fails: bool) -> Says:
    return "pass" if passes else "fail" if fails else "undecided"


def _first(record: Record) -> int | None:
    """The branch that was first with a valid answer; the higher ranked one of two at once."""
    if sum(when is not None for when in record.branch_launched_after_ms) < 2:
        return None
    ends: dict[int, float] = {}
    for index in record.ranking:
        launched, latency = (
            record.branch_launched_after_ms[index],
            record.branch_latencies_ms[index],
        )
        if record.branch_validities[index] and launched is not None and latency is not None:
            ends[index] = launched + latency
    return min(ends, key=lambda index: ends[index]) if ends else None


def _growth(gain: Interval, line: float, few: bool) -> float | None:
    """An interval shrinks with the root of the number: the side to the line has to fit. Without an
    end, because there are too few to have one, it needs those first.
    """
    if not math.isfinite(gain.value) or gain.value == line:
        return None
    end = gain.low if gain.value > line else gain.high
    if few or math.isinf(end):
        return 1.0 if few else None
    return ((gain.value - end) / (gain.value - line)) ** 2


def _percent(part: float) -> str:
    return f"{100 * part:.3g} %" if math.isfinite(part) else "without bound"


def _percents(it: Interval) -> str:
    ends = f"{100 * it.low:.3g} to {100 * it.high:.3g} %".replace("-inf", "no bound")
    return f"{_percent(it.value)} ({ends})"


def _ms(it: Interval) -> str:
    high = "no bound" if math.isinf(it.high) else f"{it.high:.4g}"
    value = "no answer" if math.isinf(it.value) else f"{it.value:.4g} ms"
    return f"{value} ({it.low:.4g} to {high})"
