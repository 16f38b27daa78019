"""The table of an interleaving: when, who, what, and at which line."""

from __future__ import annotations

from collections.abc import Sequence

from spectest.reporting.failure import Facts
from spectest.reporting.interleaving import Row
from spectest.reporting.labels import Labels
from spectest.reporting.measures import cut
from spectest.reporting.places import place_of
from spectest.reporting.relevance import matter
from spectest.reporting.row_words import row as row_in_words

__all__ = ["MARK", "table_of"]

MARK = "\N{RIGHTWARDS ARROW}"
"""Stands before a row in which something deviates."""

_LONGEST_TASK, _LONGEST_THREAD = 20, 24


def table_of(facts: Facts, labels: Labels, room: int, width: int) -> list[str]:
    """The rows that matter, as many as fit into `room` lines, with a head; nothing if none are."""
    shown = matter(facts.rows, facts.deviations, room)
    rows = [row for row in shown if isinstance(row, Row)]
    if not rows:
        return []
    times = _times(rows)
    first = max(len("..."), *(len(text) for text in times.values()))
    tasks = {row.task: _name(row.task, facts, labels) for row in rows}
    head = _column(rows, facts)
    second = max(len(head), *(len(text) for text in tasks.values()))
    places = {row.number: place.short if (place := place_of(row.where)) else "" for row in rows}
    last = max(len(text) for text in places.values())
    longest = max(len(row_in_words(row, labels)) for row in rows)
    third = min(longest, width - first - second - last - 8)
    lines = [f"  {'ms':>{first}}  {head:{second}}  what happened"]
    for line in shown:
        if isinstance(line, int):
            lines.append(f"  {'...':>{first}}  {line} steps left out")
            continue
        mark = MARK if line.deviates else " "
        what = row_in_words(line, labels, third)
        text = f"{mark} {times[line.time_ns]:>{first}}  {tasks[line.task]:{second}}  {what:{third}}"
        lines.append(f"{text}  {places[line.number]}".rstrip())
    return lines


def _name(task: str, facts: Facts, labels: Labels) -> str:
    """As much of it as fits; of a worker, which worker it is."""
    label = labels[task]
    job, parenthesis, worker = label.rpartition(" (")
    if task in facts.threads and parenthesis and len(label) > _LONGEST_THREAD:
        return f"{cut(job, _LONGEST_THREAD - len(worker) - 2)} ({worker}"
    return label if task in facts.threads else cut(label, _LONGEST_TASK)


def _column(rows: Sequence[Row], facts: Facts) -> str:
    """What the second column lists."""
    if not facts.threads:
        return "task"
    tasks = any(row.task and row.task not in facts.threads for row in rows)
    threads = any(row.task in facts.threads for row in rows)
    return "task or thread" if tasks and threads else "thread" if threads else "task"


def _times(rows: Sequence[Row]) -> dict[int, str]:
    """The moments, with as few digits as keep different moments different, and aligned."""
    moments = {row.time_ns for row in rows}
    for digits in (0, 1, 3, 6):
        exact = all(ns % 10 ** (6 - digits) == 0 for ns in moments)
        apart = len({f"{ns / 1e6:.{digits}f}" for ns in moments}) == len(moments)
        if exact or (digits >= 3 and apart):
            break
    return {ns: f"{ns / 1e6:.{digits}f}" for ns in moments}
