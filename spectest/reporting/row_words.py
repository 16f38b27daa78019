"""What happened in one row, in words: why somebody went on, and what it did."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from spectest.kernel.cancellation import Cancellation
from spectest.reporting.acts import Act
from spectest.reporting.interleaving import Row
from spectest.reporting.labels import Labels
from spectest.reporting.measures import cut, duration

__all__ = ["row"]

_MOST_NAMES = 24
_LEAST_REASON = 16
_STATE = re.compile(r", which | in concurrent\.futures\.")
_MODULE = re.compile(r"\b(?:threading|queue|concurrent\.futures)\.(?=[A-Z])")
_OF_AN_END, _OF_A_JOB = "the end of ", "a future"
_NOT_BEGUN = ("before it began", "before it took up a job")


def row(it: Row, labels: Labels, width: int = 1_000) -> str:
    """What happened in one row; what it did first is more worth the room than why it went on."""
    by = f"`{it.by}`" if it.by and it.by not in labels else labels[it.by]
    reason = {
        "begins": "begins",
        "operation": f"{by} completes",
        "timer": f"{by} falls due",
        "woken": _woken(it, by, labels),
        "cancelled": "cancelled" if Cancellation.of(it.by) else f"cancelled by {by}",
        "itself": "goes on",
        "back": "gets the processor back",
    }[it.reason]
    acts = _acts(it, labels)
    if not acts:
        return cut(reason, width)
    room = max(width - len(acts[0]) - len(": "), _LEAST_REASON)
    reason = "is back" if it.reason == "back" and len(reason) > room else cut(reason, room)
    return cut(f"{reason}: {', '.join(acts)}", width)


def _woken(it: Row, by: str, labels: Labels) -> str:
    """By whom, and through what."""
    if it.through.startswith(_OF_AN_END):
        return f"woken by {labels.within(it.through)}"
    if it.through == _OF_A_JOB and " (" in it.by:
        return f"woken by the result of {by}"
    return f"woken by {by}" + (f" through {labels.within(it.through)}" if it.through else "")


def _acts(it: Row, labels: Labels) -> list[str]:
    """What matters most comes first: the end of a long line is cut."""
    subjects: dict[str, list[str]] = {}
    for act in it.acts:
        subjects.setdefault(act.verb, []).append(labels[act.subject])
    texts = [f"raises {error}" for error in subjects.get("raises", ())]
    for verb, noun in (("cancels", "task"), ("creates", "task"), ("submits", "job")):
        if verb in subjects:
            texts.append(f"{verb} {_names(subjects[verb], noun)}")
    limit = ""
    for act, after in pairwise([*it.acts, Act("")]):
        if _is_timeout(act) and after.verb == "waits for":
            limit = f", at most {duration(act.usual_ns or 0, 3)}"
        elif text := _act(act, it, labels):
            texts.append(f"{text}{limit}")
            limit = ""
    return texts


def _is_timeout(act: Act) -> bool:
    """Whether it starts the deadline of a wait."""
    return act.verb == "starts" and act.subject.rpartition("#")[0].endswith(" timeout")


def _act(act: Act, row: Row, labels: Labels) -> str:
    """In the order in which they were done."""
    match act.verb:
        case "returns" | "is cancelled":
            return act.verb
        case "meets":
            return act.subject
        case "starts":
            fault = f", which {act.fault}" if act.fault else ""
            return f"starts `{act.subject}` ({duration(act.usual_ns or 0, 3)}){fault}"
        case "waits for":
            return f"waits for {labels.within(_terse(act.subject))}"
        case "takes up" if not row.task.startswith(f"{act.subject} ("):
            return f"takes up `{act.subject}`"
        case "loses the processor" if row.reason in ("operation", "timer") and len(row.acts) == 1:
            return "does not get the processor"
        case "loses the processor" if act.subject in _NOT_BEGUN:
            return "loses the processor at once"
        case "loses the processor" if row.reason == "back":
            return f"loses it again {labels.within(act.subject)}".rstrip()
        case "loses the processor":
            return f"loses the processor {labels.within(act.subject)}".rstrip()
    return ""


def _terse(words: str) -> str:
    """Without the state of the thing, and without the module it is from."""
    return _MODULE.sub("", _STATE.split(words, maxsplit=1)[0])


def _names(labels: Sequence[str], noun: str) -> str:
    names = ", ".join(labels)
    if len(names) <= _MOST_NAMES:
        return names
    return f"a {noun}" if len(labels) == 1 else f"{len(labels)} {noun}s"
