"""Which lines ran only under an unusual order, as a report writes it."""

from __future__ import annotations

import linecache
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from spectest.exploration.results import Coverage, CoveredFile, UnusualLine
from spectest.kernel.identity import SET_ORDER
from spectest.kernel.plan import Hold, Plan
from spectest.reporting.absences import is_of_a_thread
from spectest.reporting.measures import count, cut, duration
from spectest.source.lines import shown

__all__ = ["Block", "record", "section"]

_MOST_BLOCKS = 6
_LONGEST_SOURCE = 40


@dataclass(frozen=True, slots=True)
class Block:
    """Lines one after the other, with nothing else that could run between them.

    `place`: "file:7" or "file:7-9". `source`: the text of the first line. `unusual`: what is known
    of the first line, the same for all of them; None of lines that never ran.
    """

    place: str
    source: str
    unusual: UnusualLine | None


def section(coverage: Coverage, width: int) -> list[str]:
    """The lines of the section, with a head for each of its parts."""
    blocks = [block for file in coverage.files for block in _unusual_blocks(file)]
    never = [block for file in coverage.files for block in _never_blocks(file)]
    lines = [] if blocks else [_nothing(coverage)]
    if blocks:
        runs = count(coverage.unusual_executions, "execution")
        lines += [f"Only under an unusual order ({runs}):", *_table(blocks, width)]
    if never:
        lines += ["Never, in functions that ran:", *_table(never, width)]
    if coverage.remark:
        lines.append(f"No contexts: {coverage.remark}.")
    return lines


def record(coverage: Coverage | None) -> dict[str, Any] | None:
    """The same for machines."""
    if coverage is None:
        return None
    return {
        "stock_executions": coverage.stock_executions,
        "unusual_executions": coverage.unusual_executions,
        "remark": coverage.remark or None,
        "files": [
            {
                "file": shown(file.file),
                "stock": list(file.stock),
                "unusual": [_line(it) for it in file.unusual],
                "never": list(file.never),
            }
            for file in coverage.files
        ],
    }


def _line(it: UnusualLine) -> dict[str, Any]:
    holds = {name: asdict(hold) for name, hold in it.plan.holds.items()}
    return {
        "line": it.line,
        "first": it.first,
        "executions": it.executions,
        "token": it.token,
        "holds": holds,
        "picks": dict(it.plan.picks),
    }


def _nothing(coverage: Coverage) -> str:
    if not coverage.unusual_executions:
        return "No execution deviated from stock order, so no line ran only under an unusual one."
    return "No line ran only under an unusual order."


# Blocks.


def _unusual_blocks(file: CoveredFile) -> Iterator[Block]:
    known = {it.line: it for it in file.unusual}
    for lines in _runs(file, list(known)):
        group = [lines[0]]
        for line in [*lines[1:], 0]:
            if line and _alike(known[line], known[group[0]]):
                group.append(line)
            else:
                yield _block(file, group, known[group[0]])
                group = [line]


def _alike(one: UnusualLine, other: UnusualLine) -> bool:
    return (one.first, one.executions, one.plan) == (other.first, other.executions, other.plan)


def _never_blocks(file: CoveredFile) -> Iterator[Block]:
    return (_block(file, lines, None) for lines in _runs(file, list(file.never)))


def _runs(file: CoveredFile, chosen: list[int]) -> Iterator[list[int]]:
    """The chosen lines, divided where other lines are between them."""
    others = {*file.stock, *file.never, *(it.line for it in file.unusual)}.difference(chosen)
    run: list[int] = []
    for line in sorted({*chosen, *others}):
        if line in others:
            if run:
                yield run
            run = []
        else:
            run.append(line)
    if run:
        yield run


def _block(file: CoveredFile, lines: list[int], it: UnusualLine | None) -> Block:
    last = f"-{lines[-1]}" if len(lines) > 1 else ""
    source = linecache.getline(file.file, lines[0]).strip()
    return Block(f"{shown(file.file)}:{lines[0]}{last}", source, it)


# Words.


def _table(blocks: list[Block], width: int) -> list[str]:
    first = max(len(block.place) for block in blocks[:_MOST_BLOCKS])
    sources = [cut(block.source, _LONGEST_SOURCE) for block in blocks]
    second = max(len(source) for source in sources[:_MOST_BLOCKS])
    lines: list[str] = []
    for block, source in zip(blocks[:_MOST_BLOCKS], sources, strict=False):
        when = "" if block.unusual is None else _when(block.unusual)
        line = f"  {block.place:{first}}  {source:{second}}"
        if len(line) + len(when) + 2 <= width:
            lines.append(f"{line}  {when}".rstrip())
        else:
            lines += [cut(line.rstrip(), width), cut(f"    {when}", width)]
    if len(blocks) > _MOST_BLOCKS:
        lines.append(f"  ... and {len(blocks) - _MOST_BLOCKS} more places")
    return lines


def _when(it: UnusualLine) -> str:
    times = f"in {it.executions} executions, first in {it.first}"
    if it.executions == 1:
        times = f"in execution {it.first}"
    return f"{times}, with {_deviations(it.plan)}"


def _deviations(plan: Plan) -> str:
    """The first, and how many more there are."""
    names = [_hold(name, hold) for name, hold in plan.holds.items()]
    names += [_pick(label, pick) for label, pick in plan.picks.items()]
    others = len(names) - 1
    return f"{names[0]} and {count(others, 'more deviation')}" if others else names[0]


def _hold(name: str, hold: Hold) -> str:
    if is_of_a_thread(name) and hold.by_ns:
        return f"`{name}` of {duration(hold.by_ns, 3)}"
    late = [duration(hold.by_ns, 3)] if hold.by_ns > 0 else []
    if hold.polls:
        late.append(count(hold.polls, "poll"))
    parts = [f"{duration(-hold.by_ns, 3)} earlier"] if hold.by_ns < 0 else []
    if late:
        parts.append(f"{' and '.join(late)} later")
    if hold.behind:
        parts.append(f"behind {count(hold.behind, 'other')}")
    return f"`{name}` {', '.join(parts)}"


def _pick(label: str, pick: int) -> str:
    if label.startswith(SET_ORDER):
        return "another order of a set"
    return f"option {pick} of `{label}`"
