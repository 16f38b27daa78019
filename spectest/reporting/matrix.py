"""The page of a sweep: a row for each await, a column for each moment, a mark for each outcome.

It fits one screen: where there are too many awaits, those are shown at which something was found.
The page of the first failure follows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from spectest.exploration.results import Kind, Point, Report, Sweep
from spectest.exploration.sampling import Sample
from spectest.kernel.cancellation import WAYS
from spectest.reporting import text
from spectest.reporting.labels import Labels
from spectest.reporting.measures import count, cut
from spectest.reporting.places import place_of

__all__ = ["render"]

_MOST_LINES = 16
_LONGEST_WAIT = 24
_KINDS: tuple[Kind, ...] = get_args(Kind)
_MARKS = {"cancelled": "ok", "survived": "swallowed", "failed": "FAILED", "not reached": "-"}
_MEANINGS = {
    "cancelled": "ok: it ended as cancelled, and every promise held",
    "survived": "swallowed: it ended otherwise, and every promise held",
    "failed": "FAILED: a promise or an assertion broke",
    "not reached": "-: not reached",
}
_RANKS = {"failed": 0, "survived": 1}
_Line = tuple[str, ...]


def render(
    report: Report | Sweep | Sample,
    *,
    replay_hint: str | None = None,
    width: int = 100,
    encoding: str | None = None,
) -> str:
    """The page of a report, a sample or a sweep; the keywords are those of `text.render`."""
    if not isinstance(report, Sweep):
        return text.render(report, replay_hint=replay_hint, width=width, encoding=encoding)
    page = text.encodable("\n".join(_matrix(report, width)), encoding)
    if report.failure is None:
        return page
    first = _first(report)
    return f"{page}\n\n" + text.render(
        first, replay_hint=replay_hint, width=width, encoding=encoding
    )


def _first(sweep: Sweep) -> Report:
    """The first failure, as the report of an exploration that was as long as the sweep."""
    settings = sweep.settings.changed(runs=sweep.executions)
    return Report(sweep.program, settings, sweep.executions, complete=False, failure=sweep.failure)


def _matrix(sweep: Sweep, width: int) -> list[str]:
    title = f"{sweep.program}: {_verdict(sweep)}"
    if not sweep.points:
        return [title]
    rows = _rows(sweep.points)
    shown = _worth_showing(rows)
    labels = Labels(list(dict.fromkeys(one.task for one in sweep.points)))
    table = _aligned([line for points in shown for line in _lines(points, labels)])
    more = len(rows) - len(shown)
    return [
        title,
        "",
        *(cut(line, width) for line in table),
        *([f"  ... and {count(more, 'more await')}"] if more else []),
        "",
        *_legend(sweep),
    ]


def _verdict(sweep: Sweep) -> str:
    if not sweep.points:
        return "it fails without a cancellation" if sweep.failures else "nothing to cancel"
    failed = {one.token for one in sweep.points if one.outcome == "failed"}
    tried = count(sweep.coverage.cancellations, "cancellation")
    return f"{len(failed) or 'none'} of {tried} {'fails' if len(failed) < 2 else 'fail'}"


def _rows(points: Sequence[Point]) -> list[list[Point]]:
    """The points of each await."""
    rows: dict[tuple[str, int], list[Point]] = {}
    for one in points:
        rows.setdefault((one.task, one.number), []).append(one)
    return list(rows.values())


def _worth_showing(rows: Sequence[list[Point]]) -> list[list[Point]]:
    """As many as fit, those with failures first, then those with swallowed cancellations."""
    ranks = [min(_RANKS.get(one.outcome, len(_RANKS)) for one in points) for points in rows]
    chosen: set[int] = set()
    room = _MOST_LINES
    for at in sorted(range(len(rows)), key=lambda at: (ranks[at], at)):
        room -= len(_by_marks(rows[at]))
        if room < 0:
            break
        chosen.add(at)
    return [points for at, points in enumerate(rows) if at in chosen]


def _by_marks(points: Sequence[Point]) -> Mapping[_Line, list[str]]:
    """By the marks of an await, at each moment: who cancelled with these outcomes."""
    found: dict[_Line, list[str]] = {}
    for way in WAYS:
        marks = {one.kind: _MARKS[one.outcome] for one in points if one.by == way}
        if marks:
            found.setdefault(tuple(marks.get(kind, "") for kind in _KINDS), []).append(way)
    return found


def _lines(points: Sequence[Point], labels: Labels) -> Iterator[_Line]:
    one = points[0]
    place = place_of(one.where)
    name, wait = f"{labels[one.task]} {one.number}", labels.within(one.waits_for) or "its turn"
    line = f"{place.short}  {place.source}" if place else ""
    for marks, ways in _by_marks(points).items():
        by = "any" if len(ways) == len(WAYS) else ", ".join(ways)
        yield name, by, *marks, cut(wait, _LONGEST_WAIT), line
        name = wait = line = ""


def _aligned(lines: Sequence[_Line]) -> list[str]:
    table = [("await", "cancelled by", *_KINDS, "waits for", "at"), *lines]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  " + "  ".join(f"{cell:{size}}" for cell, size in zip(line, widths, strict=True)).rstrip()
        for line in table
    ]


def _legend(sweep: Sweep) -> list[str]:
    met = {one.outcome for one in sweep.points}
    lines = [meaning for outcome, meaning in _MEANINGS.items() if outcome in met]
    if any(one.kind == "after" for one in sweep.points):
        lines.append("after: the same execution as before the task's next await")
    it = sweep.coverage
    lines.append(
        f"coverage: {it.reached} of {count(it.awaits, 'await')}, "
        f"{count(it.cancellations, 'cancellation')} in {count(sweep.executions, 'execution')}"
    )
    return [f"  {line}" for line in lines]
