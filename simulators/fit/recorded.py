"""Records of speculations, as `spectest.patterns` writes them to a log.

A loser was cancelled when its record says that it was asked to go: how long it took to leave is the
effect of a cancellation, and no latency. Records that were kept because a loser was faster are a
selection, and are left out.
"""

from __future__ import annotations

import ast
import hashlib
import math
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from simulators import checks
from simulators.errors import ScenarioError
from simulators.fit.observations import Gathering, Observations
from simulators.fit.outcomes import of_word, words_from
from simulators.forms import KINDS, class_of
from simulators.results import CANCELLED, DROPPED, NOT_LAUNCHED
from spectest.patterns.record_checks import RecordError
from spectest.patterns.record_files import numbered_records
from spectest.patterns.records import Record

__all__ = ["record_log"]

_WHERE = ("policy", "decision")
_WORDS = words_from(None)
_AT_ONCE = 1e-3
"""Seconds: a branch that leaves sooner is gone at once."""


def record_log(
    path: str | os.PathLike[str], *, where: Mapping[str, str] | None = None
) -> Observations:
    """A log with records; `where` asks for one {"policy": "Hedge(delay=0.05, most=None)"}."""
    name, wanted = Path(path).name, dict(where or {})
    for field in wanted:
        checks.one_of("a field of where", field, _WHERE)
    gathering = Gathering(name, "records")
    pipelines: Counter[tuple[str, str]] = Counter()
    leaving: dict[str, list[float | None]] = {}
    limits: set[int] = set()
    seen: set[bytes] = set()
    try:
        for line, record in numbered_records(path):
            gathering.tally.read += 1
            reason = _left_out(record, wanted, seen)
            if reason is not None:
                gathering.tally.drop(reason, line)
                continue
            pipelines[record.policy, record.decision] += 1
            _take(gathering, record, line)
            if record.limiter is not None:
                limits.add(record.limiter.capacity)
            for one in record.cancellations:
                delays = leaving.setdefault(record.branch_names[one.branch_index], [])
                gone = one.gone_after_ms
                delays.append(None if gone is None else (gone - one.asked_after_ms) / 1e3)
    except RecordError as error:
        remedy = "correct or remove that record"
        raise ScenarioError(f"{name}, {error.place}", error.value, _told(error), remedy) from None
    policy, decision, notes = _pipeline(pipelines)
    if limits:
        told = ", ".join(map(str, sorted(limits)))
        notes.append(
            f"the records tell of a limiter of {told}; the scenario has what limiter= says"
        )
    return gathering.observations(
        policy=policy,
        decision=decision,
        notes=tuple(notes),
        cancel=tuple((branch, _effect(delays)) for branch, delays in leaving.items()),
    )


def _told(error: RecordError) -> str:
    return f"is no record of a speculation: {error.field or 'the record'} {error.rule}"


def _left_out(record: Record, wanted: Mapping[str, str], seen: set[bytes]) -> str | None:
    for field, value in wanted.items():
        if getattr(record, field) != value:
            return f"{field} is not {value}"
    if record.sampled_because == "loser was faster":
        return "kept because a loser was faster, which does not stand for all"
    content = (record.run_id, record.input_hash, record.branch_latencies_ms, record.cancellations)
    digest = hashlib.blake2b(repr(content).encode(), digest_size=16).digest()
    if digest in seen:
        return "a record that stands there before"
    seen.add(digest)
    return None


def _take(gathering: Gathering, record: Record, line: int) -> None:
    request = gathering.request()
    asked = {one.branch_index: one.asked_after_ms for one in record.cancellations}
    for index, branch in enumerate(record.branch_names):
        outcome = of_word(record.branch_outcomes[index], _WORDS)
        launched, took = record.branch_launched_after_ms[index], record.branch_latencies_ms[index]
        assert outcome is not None
        if outcome in (NOT_LAUNCHED, DROPPED) or launched is None:
            gathering.attempt(request, branch, outcome, line)
            continue
        if outcome == CANCELLED:
            end = asked.get(index, record.decided_after_ms)
            if end is not None and (took is None or index in asked):
                took = max(end - launched, 0.0)
        seconds = math.nan if took is None else took / 1e3
        gathering.attempt(request, branch, outcome, line, seconds, launched / 1e3)


def _pipeline(pipelines: Counter[tuple[str, str]]) -> tuple[Any, Any, list[str]]:
    """The policy and the decision that all records have, if a scenario can have them."""
    if len(pipelines) != 1:
        shown = ", ".join(
            f"{policy} ({count:,})" for (policy, _), count in sorted(pipelines.items())
        )
        return None, None, [f"the records are of several pipelines, taken together: {shown}"]
    ((policy, decision),) = pipelines
    found = _called("policy", policy), _called("decision", decision)
    unknown = [told for told, one in zip((policy, decision), found, strict=True) if one is None]
    return *found, [f"the record says {told}, which no scenario can have" for told in unknown]


def _called(role: str, text: str) -> Any:
    """The policy or decision whose repr this is; None if it is of another class."""
    try:
        call = ast.parse(text, mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            return None
        values = {str(one.arg): ast.literal_eval(one.value) for one in call.keywords}
        known = call.func.id in KINDS[role] and not call.args
        return class_of(role, call.func.id)(**values) if known else None
    except (SyntaxError, ValueError, TypeError):
        return None


def _effect(delays: list[float | None]) -> Any:
    """The effect of a cancellation, from how long branches took to leave; None: they did not."""
    gone = [delay for delay in delays if delay is not None]
    if len(gone) * 2 < len(delays):
        return "never"
    usual = median(gone)
    return ("delay", usual) if usual >= _AT_ONCE else "immediate"
