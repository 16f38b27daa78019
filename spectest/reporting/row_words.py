"""What happened in one row, in words: why somebody went on, and what it did."""

from __future__ import annotations

from collections.abc import Sequence

from spectest.reporting.interleaving import Act, Row
from spectest.reporting.labels import Labels
from spectest.reporting.measures import duration

__all__ = ["row"]

_MOST_NAMES = 24
_OF_AN_END = "the end of "


def row(it: Row, labels: Labels) -> str:
    """What happened in one row."""
    by = f"`{it.by}`" if it.by and it.by not in labels else labels[it.by]
    reason = {
        "begins": "begins",
        "operation": f"{by} completes",
        "timer": f"{by} falls due",
        "woken": f"woken by {by}{_through(it, labels)}",
        "cancelled": f"cancelled by {by}",
        "itself": "goes on",
        "back": "gets the processor back",
    }[it.reason]
    if it.reason == "woken" and it.through.startswith(_OF_AN_END):
        reason = f"woken by {labels.within(it.through)}"
    acts = _acts(it.acts, labels)
    return f"{reason}: {', '.join(acts)}" if acts else reason


def _through(it: Row, labels: Labels) -> str:
    return f" through {labels.within(it.through)}" if it.through else ""


def _acts(acts: Sequence[Act], labels: Labels) -> list[str]:
    """What matters most comes first: the end of a long line is cut."""
    subjects = {
        verb: [labels[act.subject] for act in acts if act.verb == verb]
        for verb in ("raises", "cancels", "takes up", "creates", "starts", "returns")
    }
    texts = [f"raises {error}" for error in subjects["raises"]]
    texts += [f"takes up `{job}`" for job in subjects["takes up"]]
    texts += [
        f"{verb} {_names(subjects[verb])}" for verb in ("cancels", "creates") if subjects[verb]
    ]
    for act in acts:
        if act.verb == "starts":
            texts.append(f"starts `{act.subject}` ({duration(act.usual_ns or 0, 3)})")
        elif act.verb == "waits for":
            texts.append(f"waits for {labels.within(act.subject)}")
    ends = ("returns", "is cancelled", "loses the processor")
    return [*texts, *(verb for verb in ends if any(act.verb == verb for act in acts))]


def _names(labels: Sequence[str]) -> str:
    names = ", ".join(labels)
    if len(names) <= _MOST_NAMES:
        return names
    return "a task" if len(labels) == 1 else f"{len(labels)} tasks"
