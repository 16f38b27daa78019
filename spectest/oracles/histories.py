"""Histories: the calls of a watched object, read back from a trace."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from spectest.kernel.trace import Trace, TraceEvent

__all__ = ["Call", "History", "histories", "same_name"]


@dataclass(slots=True, eq=False)
class Call:
    """One call of a watched object.

    `method`, `args`, `kwargs`: what was asked. `invoked`, `responded`: the events; the latter None
    if there was no answer. `answer`: "returned 3", "raised Empty", "cancelled", or "".
    """

    method: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    invoked: TraceEvent
    responded: TraceEvent | None = None
    answer: str = ""

    @property
    def answered(self) -> bool:
        """What came of it is known. Of one that was cancelled it is not: it may have happened."""
        return self.responded is not None and self.answer != "cancelled"

    def __str__(self) -> str:
        return self.invoked.detail


@dataclass(slots=True)
class History:
    """The calls of one object, in the order in which they were made.

    `label`: the object's. `events`: the calls' beginnings and known answers, in order.
    """

    label: str
    calls: list[Call]

    @property
    def events(self) -> list[tuple[TraceEvent, Call]]:
        begun = [(call.invoked, call) for call in self.calls]
        ended = [(call.responded, call) for call in self.calls if call.responded is not None]
        known = [(event, call) for event, call in ended if call.answered]
        return sorted(begun + known, key=lambda pair: pair[0].number)


def histories(trace: Trace, name: str) -> Iterator[History]:
    """Those of the objects called `name` or, told apart by number, "name (2)"."""
    by_label: dict[str, dict[str, Call]] = {}
    for event in trace.of_kind("invoke", "respond"):
        label = event.subject.rpartition("#")[0]
        if not same_name(label, name):
            continue
        calls = by_label.setdefault(label, {})
        if event.kind == "invoke":
            calls[event.subject] = _call(event)
        elif event.subject in calls:
            call = calls[event.subject]
            call.responded, call.answer = event, event.detail
    for label, calls in by_label.items():
        yield History(label, list(calls.values()))


def same_name(label: str, name: str) -> bool:
    """Whether `label` is `name`, or that with a number."""
    if label == name:
        return True
    number = label.removeprefix(f"{name} (").removesuffix(")")
    return label == f"{name} ({number})" and number.isdecimal()


def _call(event: TraceEvent) -> Call:
    parsed = ast.parse(event.detail, mode="eval").body
    assert isinstance(parsed, ast.Call)
    assert isinstance(parsed.func, ast.Name)
    args = tuple(ast.literal_eval(one) for one in parsed.args)
    kwargs = {str(one.arg): ast.literal_eval(one.value) for one in parsed.keywords}
    return Call(parsed.func.id, args, kwargs, event)
