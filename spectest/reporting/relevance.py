"""Which rows of an interleaving explain the failure.

Those are the deviations and what they meet, what an oracle refers to, and the end.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

from spectest.reporting.deviations import Deviation
from spectest.reporting.interleaving import Row

__all__ = ["matter"]

_LAST, _PROVES, _DEVIATES, _LOSES, _FAILS, _NEAR, _LEADS, _ENDS, _OTHER = range(9)
_CANDIDATES = 200


def matter(rows: Sequence[Row], deviations: Sequence[Deviation], room: int) -> list[Row | int]:
    """The rows that matter most, as many as fit into `room` lines, and counts of those left out."""
    if len(rows) <= room:
        return list(rows)
    ranks = _ranks(rows, deviations)
    anchors = [i for i, rank in enumerate(ranks) if rank == _DEVIATES] or [len(rows) - 1]
    order = sorted(
        range(len(rows)),
        key=lambda i: (ranks[i], min(abs(i - anchor) for anchor in anchors[:_CANDIDATES]), i),
    )
    chosen: list[int] = []
    for index in order[:_CANDIDATES]:
        more = sorted([*chosen, index])
        if len(_with_gaps(rows, more)) <= room:
            chosen = more
    return _with_gaps(rows, chosen)


def _with_gaps(rows: Sequence[Row], chosen: Collection[int]) -> list[Row | int]:
    """The chosen rows, in order, and between them how many are missing."""
    lines: list[Row | int] = []
    for before, index in pairwise([-1, *chosen, len(rows)]):
        missing = range(before + 1, index)
        if len(missing) == 1:
            lines.append(rows[missing[0]])  # It needs no more room than its count.
        elif missing:
            lines.append(len(missing))
        if index < len(rows):
            lines.append(rows[index])
    return lines


def _ranks(rows: Sequence[Row], deviations: Sequence[Deviation]) -> list[int]:
    partners = {name for d in deviations for name in (*d.together_with, d.overtaken_by) if name}
    names = partners | {deviation.name for deviation in deviations}
    instants, meanwhile = _instants(rows, deviations), _meanwhile(rows, deviations)
    leading = _leading_to_the_end(rows)
    ranks = []
    for row in rows:
        verbs = {act.verb for act in row.acts}
        near = row.time_ns in instants or row.number in meanwhile or _starts(row, names)
        if row is rows[-1]:
            rank = _LAST
        elif row.proves:
            rank = _PROVES
        elif row.deviates or row.by in partners:
            rank = _DEVIATES
        elif _loses(row, deviations):
            rank = _LOSES
        elif "raises" in verbs:
            rank = _FAILS
        elif near or verbs & {"cancels", "is cancelled"}:
            rank = _NEAR
        elif row.number in leading:
            rank = _LEADS
        else:
            rank = _ENDS if "returns" in verbs else _OTHER
        ranks.append(rank)
    return ranks


def _meanwhile(rows: Sequence[Row], deviations: Sequence[Deviation]) -> set[int]:
    """The rows between a thread's loss of the processor and its getting it back."""
    end = rows[-1].number + 1
    absences = [(d.lost, d.back if d.back >= 0 else end) for d in deviations if d.lost >= 0]
    return {row.number for row in rows if any(lost < row.number < back for lost, back in absences)}


def _instants(rows: Sequence[Row], deviations: Sequence[Deviation]) -> set[int]:
    """When something deviates; not where only turns do, since all of them may be at one instant."""
    turns = {deviation.event for deviation in deviations if deviation.kind == "turn"}
    return {row.time_ns for row in rows if row.deviates and row.number not in turns}


def _loses(row: Row, deviations: Sequence[Deviation]) -> bool:
    """Whether the thread of a deviation loses the processor in this row."""
    if all(act.verb != "loses the processor" for act in row.acts):
        return False
    return any(deviation.task == row.task for deviation in deviations)


def _starts(row: Row, names: Collection[str]) -> bool:
    return any(act.verb == "starts" and act.subject in names for act in row.acts)


def _leading_to_the_end(rows: Sequence[Row]) -> set[int]:
    """The steps that led to the last one, each the cause of the next.

    Also those that led to where its task or thread had begun to wait: somebody who was held up had
    got there by something else.
    """
    by_number = {row.number: row for row in rows}
    started = {act.subject: row for row in rows for act in row.acts if act.verb == "starts"}
    last = rows[-1]
    before = next((row for row in reversed(rows[:-1]) if row.task == last.task), None)
    leading: set[int] = set()
    for end in (last, before):
        row = end
        while row is not None and row.number not in leading:
            leading.add(row.number)
            row = started.get(row.by) or by_number.get(row.cause)
    return leading
