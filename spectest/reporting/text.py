"""The page a developer reads: it fits one screen and speaks only of the developer's own files.

What broke; the durations that break it; the interleaving around them; who can produce it; whether
stock asyncio shows it; how to replay it; how it was found.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence

from spectest.errors import UsageError
from spectest.exploration.results import Margin, Report
from spectest.exploration.sampling import Sample
from spectest.reporting import covered, holdups, measures, sampled, words
from spectest.reporting.cast import Cast
from spectest.reporting.deviations import Deviation, deviations_of
from spectest.reporting.failure import Breakage, Facts, facts_of
from spectest.reporting.labels import Labels
from spectest.reporting.measures import cut
from spectest.reporting.table import MARK, table_of

__all__ = ["MAX_LINES", "encodable", "render", "summary"]

MAX_LINES = 25
"""A page is longer only where too little of what happened would be left."""

_MESSAGE = 3
_BLOCKED = 12
_DEVIATIONS, _OF_MANY = 3, 2
_LEAST_HEAD = 6
_LEAST_ROWS, _MOST_ROWS = 8, 12
_SPINNING_ROWS = 4
_LABEL = 9
_PLAIN_MARK = ">"
_TIMES, _PLAIN_TIMES = "\N{MULTIPLICATION SIGN}", "x"


def render(
    report: Report | Sample,
    *,
    replay_hint: str | None = None,
    width: int = 100,
    encoding: str | None = None,
) -> str:
    """The page of a failure, some 25 lines; for a clean report, its `summary`; or of a sample.

    `replay_hint`: the command that replays it; `{token}` in it stands for the token, and a hint
    that does not show the token is followed by it. `encoding`: of the stream the page is for, by
    default of `sys.stdout`; what it cannot show is replaced.
    """
    if isinstance(report, Sample):
        return encodable(sampled.page(report, width), encoding)
    if not isinstance(report, Report):
        raise UsageError(f"render() shows what explore() or sample() returns, not {report!r}")
    if report.failure is None:
        return encodable(summary(report, width=width), encoding)
    facts = facts_of(report)
    labels = Labels(facts.tasks)
    durations = _durations(facts.deviations, labels, width)
    held_up = _held_up(facts, labels, width)
    foot = _foot(facts, replay_hint, width)
    fixed = len(durations) + len(foot) + (len(held_up) + 1 if held_up else 0)
    dead = _dead_threads(facts.breakage, labels, width)
    head = [*_what_broke(facts.breakage, MAX_LINES - fixed - len(dead) - 6, width), *dead]
    room = _room_for_rows(facts, MAX_LINES - len(head) - fixed - 4)
    rows = table_of(facts, labels, room, width)
    coverage = covered.section(report.coverage, width) if report.coverage else []
    parts = [part for part in (head, durations, held_up, rows, foot, coverage) if part]
    lines = [line for part in parts for line in ("", *part)][1:]
    return encodable("\n".join(lines), encoding)


def _room_for_rows(facts: Facts, left: int) -> int:
    """As many lines as are left; enough to show deviations without words, and who was held up."""
    if facts.breakage.error == "Livelock":
        return _SPINNING_ROWS
    many = facts.held_up or len(facts.deviations) > _DEVIATIONS
    return min(max(left, _MOST_ROWS if many else _LEAST_ROWS), _MOST_ROWS)


def _what_broke(broken: Breakage, room: int, width: int) -> list[str]:
    first, *rest = broken.message or ("",)
    group = f" (in an {broken.group}" if broken.group else ""
    if group:
        group += f" with {broken.others} more)" if broken.others else ")"
    title = f"{broken.error}: {first}".removesuffix(": ") + group
    if broken.place and not broken.ours:
        lines, most = [cut(title, width), *(cut(f"  {line}", width) for line in rest)], _MESSAGE
    else:
        lines = [part for line in (title, *rest) for part in _wrapped(line.strip(), width)]
        lines, most = [lines[0].strip(), *lines[1:]], min(_BLOCKED, max(room, _LEAST_HEAD))
    if len(lines) > most:
        lines[most:] = [f"  ... and {len(lines) - most} more"]
    if broken.place:
        lines.append(cut(f"  {broken.place.long}  {broken.place.source}", width))
    return lines


def _dead_threads(broken: Breakage, labels: Labels, width: int) -> list[str]:
    if not broken.dead_threads:
        return []
    first, *others = broken.dead_threads
    what = f"{first.error}: {''.join(first.message[:1])}".removesuffix(": ")
    lines = _wrapped(f"before that, `{labels[first.thread]}` ended with {what}", width)[:2]
    if first.place:
        lines.append(f"    {first.place.long}  {first.place.source}")
    if others:
        lines.append(f"    ... and so did {measures.count(len(others), 'more thread')}")
    return [cut(line, width) for line in lines]


def _wrapped(line: str, width: int) -> list[str]:
    return textwrap.wrap(
        line,
        width,
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _durations(deviations: Sequence[Deviation], labels: Labels, width: int) -> list[str]:
    if not deviations:
        return ["It fails in stock order, with no deviation."]
    lines = ["What breaks it; all else is as usual:"]
    shown = len(deviations) if len(deviations) <= _DEVIATIONS else _OF_MANY
    for it in deviations[:shown]:
        clauses = words.deviation(it, labels)
        joined = ", ".join(clauses)
        entry = [f"  {joined}"] if len(joined) + 2 <= width else _stacked(clauses, width)
        if it.place and it.kind != "set":
            task = f" in {labels[it.task]}" if it.task and it.begun else ""
            entry.append(cut(f"    {it.place.long}{task}  {it.place.source}", width))
        lines += entry
    if len(deviations) > shown:
        lines.append(f"  ... and {len(deviations) - shown} more, all in the token")
    return lines


def _stacked(clauses: Sequence[str], width: int) -> list[str]:
    first, *rest = (cut(clause, width - 4) for clause in clauses)
    return [f"  {first}", *(f"    {clause}" for clause in rest)]


def _held_up(facts: Facts, labels: Labels, width: int) -> list[str]:
    if not facts.held_up:
        return []
    it = facts.held_up[0]
    times = f" ({len(facts.held_up)} times)" if len(facts.held_up) > 1 else ""
    lines = [
        f"Held up by a pool{times}: {holdups.from_to(it, labels)}.",
        f"  {it.place.long} in {labels[it.thread]}  {it.place.source}",
        f"    {holdups.because(it, labels)}",
    ]
    if it.stood:
        lines.append(f"    {it.stood.long} in {labels[it.job]}  {it.stood.source}")
    return [cut(line, width) for line in lines]


def _foot(facts: Facts, replay_hint: str | None, width: int) -> list[str]:
    also = ", oracles=..." if facts.judged else ""
    hint = replay_hint or f'spectest.replay(program, "{{token}}"{also})'
    hint = hint.replace("{token}", facts.token)
    lines = [
        cut(_field("order", words.order_model(facts.order_model, facts.deviations)), width),
        cut(_field(facts.platform, words.confirmation(facts.confirmation)), width),
        _field("replay", hint),
    ]
    if facts.token not in hint:
        lines.append(_field("token", facts.token))
    return [*lines, cut(_field("found", _found(facts)), width)]


def _field(label: str, text: str) -> str:
    return f"{label:{_LABEL}}{text}"


def _found(facts: Facts) -> str:
    count = len(facts.deviations)
    deviations = "1 deviation" if count == 1 else f"{count} deviations"
    if facts.strategy == "replay":
        return f"by replay of a token with {deviations}"
    by = f"in execution {facts.found_at} of {facts.runs} by {facts.strategy}"
    return f"{by}; shrunk to {deviations} in {facts.shrunk_in} more" if facts.shrunk_in else by


def summary(report: Report, *, width: int = 100) -> str:
    """What an exploration without a failure is worth: how much was tried, and how far it holds."""
    settings = report.settings
    count = "1 execution" if report.executions == 1 else f"{report.executions} executions"
    lines = [
        f"{report.program}: no failure in {count} (order {settings.order}, seed {settings.seed})"
    ]
    if report.complete:
        lines.append(f"  complete: {_complete(settings.strategy)}")
    lines += [f"  {line}" for line in report.confidence]
    if report.margin is not None:
        lines.append(f"  margin: {_margin(report.margin)}")
    lines += [f"  note: {note}" for note in holdups.all_notes(report)]
    if report.coverage is not None:
        lines += [f"  {line}" for line in covered.section(report.coverage, width - 2)]
    return "\n".join(lines)


def _complete(strategy: str) -> str:
    if strategy == "orders":
        return "all orders of completions were tried, and all their coincidences"
    return "there is no other execution under these settings"


def _margin(margin: Margin) -> str:
    upto = f"holds up to {_TIMES}{margin.holds_up_to:g}"
    failure = margin.failure
    if failure is None:
        return f"{upto}, and no failure was found beyond"
    found = deviations_of(failure.plan, failure.trace, failure.stock_trace)
    labels = Labels(Cast(failure.trace).labels)
    why = next(iter(found), None)
    error = type(failure.error).__name__
    if why is None:
        return f"{upto}; then {error}"
    if why.overtaken_by:
        return f"{upto}; then `{why.name}` comes after `{why.overtaken_by}`: {error}"
    return f"{upto}; then {', '.join(words.deviation(why, labels))}: {error}"


def encodable(text: str, encoding: str | None) -> str:
    """The text with what `encoding` cannot show replaced."""
    encoding = encoding or getattr(sys.stdout, "encoding", None) or "ascii"
    for symbol, plain in ((MARK, _PLAIN_MARK), (_TIMES, _PLAIN_TIMES)):
        try:
            symbol.encode(encoding)
        except UnicodeEncodeError:
            text = text.replace(symbol, plain)
    return text.encode(encoding, "backslashreplace").decode(encoding)
