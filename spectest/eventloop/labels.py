"""What a trace calls a task: as reports do, but never two tasks the same."""

from __future__ import annotations

from typing import Any

from spectest.eventloop.tasks import number_of
from spectest.eventloop.waiting import label_of

__all__ = ["distinct_label_of"]


def distinct_label_of(task: Any) -> str:
    """The label of the task; of the second of that name on its loop, with the task's number.

    A pipeline gives each request tasks of the same names, and whoever reads the trace must know
    which of them was cancelled: "speculate: llm" and "speculate: llm (Task-7)".
    """
    label, number = label_of(task), number_of(task)
    if number < 0 or label != task.get_name():
        return label
    first = task.get_loop().named_first.setdefault(label, number)
    return label if first == number else f"{label} (Task-{number})"
