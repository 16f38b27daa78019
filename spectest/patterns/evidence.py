"""What advice goes by: which requests stand for all of them, and which arguments make sense."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from spectest.patterns.records import Record

__all__ = [
    "AdviceError",
    "check_lines",
    "check_parts",
    "control_group",
    "costs_of",
    "memory_of",
    "one_pipeline",
    "record_group",
]


class AdviceError(ValueError):
    """From what was given, no advice can follow; the message says what is missing."""


def record_group(
    records: Sequence[Record], whose: str
) -> tuple[list[Record], list[float], list[str]]:
    """The records that stand for all, how long each took, sorted, and what was left out."""
    if not records:
        raise AdviceError(f"there are no {whose}, so there is nothing to go by")
    single = list(dict.fromkeys(records))
    whole = any(record.sampled_because is None for record in single)
    stand = [record for record in single if whole or record.sampled_because == "hash"]
    kept = [record for record in stand if record.decided_after_ms is not None]
    if not kept:
        raise AdviceError(
            f"among {len(records)} {whose} there is none that was sampled by hash and came to a "
            "decision; those that were kept because a loser was faster do not stand for all"
        )
    remarks = []
    if out := len(records) - len(single):
        remarks.append(f"left out: {out:,} of the {whose}, which stand there twice")
    if out := len(single) - len(stand):
        remarks.append(f"left out: {out:,} of the {whose}, kept because a loser was faster")
    if out := len(stand) - len(kept):
        remarks.append(f"left out: {out:,} of the {whose}, whose caller left before the decision")
    if failed := sum(record.winning_branch_index is None for record in kept):
        remarks.append(f"without an answer: {failed:,} of the {whose}, counted as endless")
    return kept, sorted(_latency(record) for record in kept), remarks


def _latency(record: Record) -> float:
    assert record.decided_after_ms is not None
    return math.inf if record.winning_branch_index is None else record.decided_after_ms


def control_group(control: Sequence[Record | float]) -> tuple[list[Record], list[float], list[str]]:
    """The records of control, if it has some; how long each request took, sorted; remarks."""
    records = [one for one in control if isinstance(one, Record)]
    numbers = [one for one in control if not isinstance(one, Record)]
    if not control:
        raise AdviceError(
            "control= is empty; without requests that do not speculate nobody can tell whether "
            "speculating is faster"
        )
    if records and numbers:
        raise AdviceError("control= has both records and latencies; give the one or the other")
    if records:
        return record_group(records, "records of control")
    for one in numbers:
        if isinstance(one, bool) or not one >= 0:
            raise AdviceError(f"control= has {one!r}, which is no latency in milliseconds")
    return [], sorted(map(float, numbers)), []


def one_pipeline(records: Sequence[Record]) -> tuple[str, tuple[str, ...]]:
    """The policy and the branches that all records have."""
    pipelines = sorted({(record.policy, record.branch_names) for record in records})
    if len(pipelines) > 1:
        shown = "; ".join(f"{policy} of {', '.join(names)}" for policy, names in pipelines)
        raise AdviceError(f"the records are of several pipelines; advice is about one: {shown}")
    return pipelines[0]


def check_parts(**parts: float) -> None:
    """Raises AdviceError for one that is not between 0 and 1."""
    for name, part in parts.items():
        if not 0 < part < 1:
            raise AdviceError(f"{name}={part!r} must be a part between 0 and 1, such as 0.99")


def check_lines(least_improvement: float, most_wins: float, most_cost: float) -> None:
    """Raises AdviceError for a line on whose one side there is nothing."""
    if not -math.inf < least_improvement < 1:
        raise AdviceError(f"{least_improvement=!r} must be a part below 1, such as 0.15")
    if not 0 < most_wins <= 1:
        raise AdviceError(f"{most_wins=!r} must be a part above 0 and up to 1, such as 0.85")
    _amount("most_cost", most_cost)


def memory_of(
    memory: Mapping[str, float] | None, device: float | None, names: Sequence[str]
) -> tuple[Mapping[str, float], float]:
    """What each branch holds, and how much there is."""
    if memory is None or device is None:
        raise AdviceError("memory= and device= need each other")
    return _for_each("memory", memory, names), _amount("device", device)


def costs_of(
    costs: Mapping[str, float] | None,
    control_cost: float | None,
    names: Sequence[str],
    control: Sequence[Record],
) -> tuple[Mapping[str, float], float]:
    """What a call of each branch costs, and what a request of control does."""
    if costs is None:
        raise AdviceError("control_cost= needs costs=, what a call of each branch costs")
    others = sorted({name for record in control for name in record.branch_names})
    if control_cost is not None:
        return _for_each("costs", costs, names), _amount("control_cost", control_cost)
    if not control:
        raise AdviceError("costs= needs control_cost=, what a request of control costs")
    each = _for_each("costs", costs, sorted({*names, *others}))
    spent = math.fsum(
        each[name]
        for record in control
        for name, when in zip(record.branch_names, record.branch_launched_after_ms, strict=True)
        if when is not None
    )
    return each, _amount("the cost of control", spent / len(control))


def _for_each(what: str, given: Mapping[str, float], names: Sequence[str]) -> Mapping[str, float]:
    missing = [name for name in names if name not in given]
    unknown = sorted(given.keys() - set(names))
    if missing or unknown:
        wrong = f"lacks {', '.join(missing)}" if missing else f"names {', '.join(unknown)}"
        raise AdviceError(f"{what}= {wrong}; the branches are {', '.join(names)}")
    for name, value in given.items():
        if not 0 <= value < math.inf:
            raise AdviceError(f"{what}= has {value!r} for {name}; it must be 0 or more")
    return given


def _amount(what: str, value: float) -> float:
    if not 0 < value < math.inf:
        raise AdviceError(f"{what}={value!r} must be more than 0")
    return value
