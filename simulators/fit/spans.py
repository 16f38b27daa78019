"""Spans in the JSON of OpenTelemetry, as the Collector's file exporter and SDKs write it.

A request is a span, its branches are spans whose parent it is. One object in each line, or one in
the file: {"resourceSpans": [{"scopeSpans": [{"spans": [...]}]}]}. Spans come in any order. Sources:
the specification's file exporter, and the JSON encoding of OTLP 1.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from simulators import checks
from simulators.errors import ScenarioError
from simulators.fit.columns import sources_of
from simulators.fit.lines import RowError, numbered, objects
from simulators.fit.observations import Gathering, Observations
from simulators.fit.outcomes import flag, of_word, remedy_of, words_from
from simulators.results import CANCELLED, FAILED, INVALID, TIMED_OUT, VALID, Array

__all__ = ["otlp_spans"]

_WORDS = {
    **dict.fromkeys(
        ("CancelledError", "Cancelled", "CANCELLED", "canceled", "cancelled"), CANCELLED
    ),
    **dict.fromkeys(
        ("TimeoutError", "timeout", "DEADLINE_EXCEEDED", "DeadlineExceeded"), TIMED_OUT
    ),
}
"""What the attribute `error.type`, or an exception's class, says of an end that is no failure."""

_ERROR = (2, "STATUS_CODE_ERROR")
_TOGETHER = 1e-3
"""Seconds: losers that end so soon after the first answer look cancelled."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """Which spans are requests and branches, and which attributes say what."""

    name: str
    parent: str | None
    sources: Mapping[str, str]
    branch: str | None
    outcome: str | None
    valid: str | None
    words: Mapping[str, int]
    seen: set[str] = field(default_factory=set)
    starts: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By trace and span: when it began, and its line."""
    attempts: list[tuple[str, str, int, int, int, int]] = field(default_factory=list)
    """Trace and parent, branch, outcome, line, start and end."""


def otlp_spans(
    path: str | os.PathLike[str],
    *,
    parent: str | None = None,
    branches: Sequence[str] | Mapping[str, str] | None = None,
    branch: str | None = None,
    outcome: str | None = None,
    valid: str | None = None,
    words: Mapping[str, str] | None = None,
    losers: str = "as logged",
    malformed: str = "refused",
) -> Observations:
    """Spans of requests and their branches.

    `parent`: the name of the spans that are requests; without it the parents of `branches`, and
    without these the spans that have no parent. A branch is called like its span, or as its
    attribute `branch` says. `outcome` and `valid` are attributes, too. Without them an ERROR is a
    failure, unless its `error.type` is a cancellation or a timeout. `losers="cancelled"`: whoever
    ended with or after the first answer of its request was cut off, whatever its span says.
    """
    name = Path(path).name
    checks.one_of("losers", losers, ("as logged", "cancelled"))
    checks.one_of("malformed", malformed, ("refused", "dropped"))
    reading = _Reading(
        name, parent, sources_of(branches), branch, outcome, valid, words_from(words)
    )
    gathering = Gathering(name, "otlp", list(reading.sources), absolute=True)
    for line, span in _spans(path):
        gathering.tally.read += 1
        try:
            if isinstance(span, RowError):
                raise span
            reason = _take(reading, span, line)
        except RowError as error:
            if malformed != "dropped":
                raise
            reason = error.reason
        if reason is not None:
            gathering.tally.drop(reason, line)
    return _judged(_gathered(reading, gathering), losers)


def _spans(path: str | os.PathLike[str]) -> Iterator[tuple[int, Any]]:
    """Each span, or the error of a line that holds none."""
    name = Path(path).name
    for line, found in _documents(path):
        try:
            if isinstance(found, RowError):
                raise found
            if not isinstance(found, Mapping) or "resourceSpans" not in found:
                told = ", ".join(list(found)[:3]) if isinstance(found, Mapping) else found
                raise RowError(name, line, "", told, "has no resourceSpans")
            resources = _parts(found, "resourceSpans", name, line)
            scopes = [one for part in resources for one in _parts(part, "scopeSpans", name, line)]
            spans = [one for part in scopes for one in _parts(part, "spans", name, line)]
        except RowError as error:
            yield line, error
            continue
        yield from ((line, span) for span in spans)


def _parts(whole: Mapping[str, Any], key: str, name: str, line: int) -> list[Any]:
    """A list of objects, which may be missing or null."""
    found = whole.get(key) or []
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise RowError(name, line, key, found, "is no list of objects")
    return found


def _documents(path: str | os.PathLike[str]) -> Iterator[tuple[int, Any]]:
    """Objects of a file that has one in each line, or a single one over many lines."""
    first = next((line for _, line in numbered(path) if line.strip()), None)
    name = Path(path).name
    if first is None:
        raise ScenarioError("the file", name, "is empty", "use one with spans")
    try:
        json.loads(first)
    except ValueError:
        text = "".join(line for _, line in numbered(path))
        try:
            yield 1, json.loads(text)
        except ValueError as error:
            line = getattr(error, "lineno", 1)
            why = "is no JSON, perhaps cut off"
            yield line, RowError(name, line, "", " ".join(str(error).split()), why)
        return
    yield from objects(path)


def _take(reading: _Reading, span: Mapping[str, Any], line: int) -> str | None:
    """Keep a span as a request or as a branch; why not, if it is neither."""
    start, end = (_moment(reading, span, line, key) for key in ("start", "end"))
    trace = str(span.get("traceId", "")).lower()
    own, above = (str(span.get(key) or "").lower() for key in ("spanId", "parentSpanId"))
    if end < start:
        raise RowError(reading.name, line, "endTimeUnixNano", end, f"is before its start, {start}")
    if own and f"{trace}/{own}" in reading.seen:
        return "a span that stands there before"
    reading.seen.add(f"{trace}/{own}")
    said = _attributes(reading, span, line)
    called = str(span.get("name", "")) if reading.branch is None else said.get(reading.branch)
    is_request = span.get("name") == reading.parent if reading.parent else not above
    branch = _branch_of(reading, called)
    if reading.parent is None and reading.sources:
        is_request = branch is None
    if is_request:
        reading.starts[f"{trace}/{own}"] = (start, line)
        return None
    if branch is None or not above:
        return "a span that is neither request nor branch"
    outcome = _outcome(reading, span, said, line)
    reading.attempts.append((f"{trace}/{above}", branch, outcome, line, start, end))
    return None


def _branch_of(reading: _Reading, called: Any) -> str | None:
    if called is None:
        return None
    if not reading.sources:
        return str(called)
    names = {place: name for name, place in reading.sources.items()}
    return names.get(str(called))


def _moment(reading: _Reading, span: Mapping[str, Any], line: int, which: str) -> int:
    key = f"{which}TimeUnixNano"
    value = span.get(key)
    try:
        number = int(value) if isinstance(value, str | int) and not isinstance(value, bool) else 0
    except ValueError:
        number = 0
    if number <= 0:
        raise RowError(reading.name, line, key, value, "is no moment in nanoseconds")
    return number


def _attributes(reading: _Reading, part: Mapping[str, Any], line: int) -> dict[str, Any]:
    """Attributes with their plain values, {"stringValue": "x"} as "x"."""
    found = {}
    for one in _parts(part, "attributes", reading.name, line):
        value = one.get("value")
        plain = list(value.values()) if isinstance(value, Mapping) else []
        found[str(one.get("key"))] = plain[0] if plain else None
    return found


def _outcome(reading: _Reading, span: Mapping[str, Any], said: Mapping[str, Any], line: int) -> int:
    outcome = VALID
    status = span.get("status")
    if isinstance(status, Mapping) and status.get("code") in _ERROR:
        outcome = _of_error(reading, span, said, line)
    if reading.outcome is not None and reading.outcome in said:
        word = said[reading.outcome]
        known = of_word(word, reading.words)
        if known is None:
            why = "means no outcome"
            raise RowError(reading.name, line, reading.outcome, word, why, remedy_of(word))
        outcome = known
    if reading.valid is not None and reading.valid in said:
        judged = flag(said[reading.valid])
        if judged is None:
            value = said[reading.valid]
            raise RowError(reading.name, line, reading.valid, value, "is neither true nor false")
        outcome = judged if outcome in (VALID, INVALID) else outcome
    return outcome


def _of_error(
    reading: _Reading, span: Mapping[str, Any], said: Mapping[str, Any], line: int
) -> int:
    """A cancellation, a timeout, or a failure."""
    events = _parts(span, "events", reading.name, line)
    raised = [_attributes(reading, event, line).get("exception.type") for event in events]
    told = [said.get("error.type"), *raised]
    for word in told:
        if word is not None and (found := _WORDS.get(str(word).rpartition(".")[2])) is not None:
            return found
    return FAILED


def _gathered(reading: _Reading, gathering: Gathering) -> Observations:
    tally = gathering.tally
    asked: set[str] = set()
    for key, branch, outcome, line, start, end in reading.attempts:
        if key not in reading.starts:
            tally.drop("a span whose parent is no request in the file", line)
            continue
        asked.add(key)
        request = gathering.request(key, reading.starts[key][0] / 1e9)
        gathering.attempt(request, branch, outcome, line, (end - start) / 1e9, start / 1e9)
    for key, (_, line) in reading.starts.items():
        if key not in asked:
            tally.drop("a request without a branch", line)
    return gathering.observations()


def _judged(found: Observations, losers: str) -> Observations:
    """Losers as cancelled, if that was asked for; if not, a note where they look like it.

    What was cancelled was asked to go when the first answer came: how long it took to leave is no
    part of its latency.
    """
    answered = found.outcomes == VALID
    ends = np.where(answered, found.launched + found.seconds, np.inf)
    rows, first = np.arange(len(ends)), ends.argmin(axis=1)
    won = ends[rows, first]
    later = answered.copy()
    later[rows, first] = False
    outcomes, notes = found.outcomes, found.notes
    if losers == "cancelled":
        outcomes = np.where(later, CANCELLED, outcomes).astype(np.int8)
    elif (note := _looking_cancelled(ends, won, later)) is not None:
        notes = (*notes, note)
    asked = np.maximum(won[:, np.newaxis] - found.launched, 0.0)
    seconds = np.where(outcomes == CANCELLED, np.fmin(found.seconds, asked), found.seconds)
    return dataclasses.replace(found, outcomes=outcomes, seconds=seconds, notes=notes)


def _looking_cancelled(ends: Array, won: Array, later: Array) -> str | None:
    raced = later.any(axis=1)
    second = np.where(later, ends, np.inf).min(axis=1)
    together = int((second[raced] - won[raced] < _TOGETHER).sum())
    if together * 2 <= int(raced.sum()):
        return None
    return (
        f"in {together:,} of {int(raced.sum()):,} requests with two answers the second came within "
        "1 ms of the first: if losers are cancelled there, use losers='cancelled'"
    )
