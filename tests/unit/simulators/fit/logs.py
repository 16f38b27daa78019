"""Simulated requests as logs: what a service that raced like this would have written."""

import csv
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from simulators.results import (
    CANCELLED,
    DROPPED,
    FAILED,
    INVALID,
    NOT_LAUNCHED,
    OUTCOMES,
    TIMED_OUT,
    VALID,
    Requests,
)
from spectest.patterns.records import Cancellation, LimiterUse, Record

EPOCH_NS = 1_700_000_000 * 10**9

CODES: dict[int, dict[str, Any]] = {
    VALID: {"status": {}},
    INVALID: {"status": {"code": 1}},
    FAILED: {"status": {"message": "connection refused", "code": 2}},
    TIMED_OUT: {
        "status": {"code": 2},
        "attributes": [{"key": "error.type", "value": {"stringValue": "timeout"}}],
    },
    CANCELLED: {
        "status": {"code": 2},
        "events": [
            {
                "timeUnixNano": "1",
                "name": "exception",
                "attributes": [
                    {
                        "key": "exception.type",
                        "value": {"stringValue": "asyncio.exceptions.CancelledError"},
                    }
                ],
            }
        ],
    },
}


def attempts(requests: Requests, row: int) -> Iterator[tuple[str, int, float, float]]:
    """Branch, outcome, seconds after the request and seconds of work of what was launched."""
    for index, branch in enumerate(requests.scenario.racing):
        outcome = int(requests.outcome[row, index])
        if outcome not in (NOT_LAUNCHED, DROPPED):
            yield (
                branch.name,
                outcome,
                float(requests.launched[row, index]),
                float(requests.work[row, index]),
            )


def wide_csv(requests: Requests, path: Path) -> dict[str, Any]:
    names = [branch.name for branch in requests.scenario.racing]
    columns = [f"{name}_{what}" for name in names for what in ("ms", "outcome", "after")]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["id", "at", *columns], restval="")
        writer.writeheader()
        for row in range(len(requests)):
            said: dict[str, Any] = {"id": row, "at": repr(1.7e9 + float(requests.arrival[row]))}
            for name, outcome, after, work in attempts(requests, row):
                said |= {f"{name}_ms": work * 1e3, f"{name}_after": after * 1e3}
                said[f"{name}_outcome"] = OUTCOMES[outcome]
            writer.writerow(said)
    return {
        "unit": "ms", "branches": names, "request": "id", "start": "at", "start_unit": "s",
        "latency": "{branch}_ms", "outcome": "{branch}_outcome", "launched": "{branch}_after",
    }  # fmt: skip


def long_csv(requests: Requests, path: Path) -> dict[str, Any]:
    """A row for each attempt, in the order in which attempts ended."""
    rows = []
    for row in range(len(requests)):
        for name, outcome, after, work in attempts(requests, row):
            at = 1.7e9 + float(requests.arrival[row]) + after
            rows.append((at + work, row, name, work * 1e6, OUTCOMES[outcome].upper(), repr(at)))
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "service", "took", "how", "at"])
        writer.writerows(row[1:] for row in sorted(rows))
    return {
        "unit": "us", "branch": "service", "request": "id", "latency": "took", "outcome": "how",
        "start": "at", "start_unit": "s", "words": {word.upper(): word for word in OUTCOMES},
        "branches": [branch.name for branch in requests.scenario.racing],
    }  # fmt: skip


def json_lines(requests: Requests, path: Path) -> dict[str, Any]:
    with path.open("w") as file:
        for row in range(len(requests)):
            of = {
                name: {"s": work, "after": after, "outcome": OUTCOMES[outcome]}
                for name, outcome, after, work in attempts(requests, row)
            }
            at = 1.7e9 + float(requests.arrival[row])
            file.write(json.dumps({"id": row, "of": of, "at": at}) + "\n")
    return {
        "unit": "s", "branches": [branch.name for branch in requests.scenario.racing],
        "request": "id", "latency": "of.{branch}.s", "launched": "of.{branch}.after",
        "outcome": "of.{branch}.outcome", "start": "at", "start_unit": "s",
    }  # fmt: skip


def spans(requests: Requests, path: Path, leaving_ns: int = 0) -> dict[str, Any]:
    """As the Collector writes them: children end, and are exported, before their parents."""
    with path.open("w") as file:
        for row in range(len(requests)):
            trace, start = f"{row + 1:032x}", EPOCH_NS + round(requests.arrival[row] * 1e9)
            found: list[dict[str, Any]] = []
            for name, outcome, after, work in attempts(requests, row):
                began = start + round(after * 1e9)
                said = {"status": {}, "attributes": [], **CODES[outcome]}
                said["attributes"] = [
                    *said["attributes"],
                    {"key": "answer.valid", "value": {"boolValue": outcome != INVALID}},
                ]
                ended = began + round(work * 1e9) + (leaving_ns if outcome == CANCELLED else 0)
                found.append(span(trace, len(found) + 2, 1, name, began, ended, **said))
            end = start + round(requests.latency[row] * 1e9)
            found.append(span(trace, 1, 0, "GET /answer", start, end, kind=2, status={}))
            file.write(json.dumps(document(found)) + "\n")
    return {
        "branches": [branch.name for branch in requests.scenario.racing], "valid": "answer.valid"
    }  # fmt: skip


def span(
    trace: str, own: int, parent: int, name: str, start: int, end: int, **rest: Any
) -> dict[str, Any]:
    return {
        "traceId": trace,
        "spanId": f"{own:016x}",
        "parentSpanId": f"{parent:016x}" if parent else "",
        "name": name,
        "kind": 3,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(end),
        **rest,
    }


def document(found: list[dict[str, Any]]) -> dict[str, Any]:
    service = {"key": "service.name", "value": {"stringValue": "answers"}}
    scope = {"scope": {"name": "answers.racing", "version": "1.2"}, "spans": found}
    return {"resourceSpans": [{"resource": {"attributes": [service]}, "scopeSpans": [scope]}]}


def records(requests: Requests, path: Path) -> dict[str, Any]:
    """Through `logging`, every second line as the JSON that formatters make of it."""
    with path.open("w") as file:
        for row in range(len(requests)):
            record = record_of(requests, row)
            entry = logging.makeLogRecord(
                {"name": "spectest.patterns", "levelname": "INFO", "msg": record.to_line()}
            )
            if row % 2:
                said = {"level": "INFO", "speculation_record": record.to_json()}
                file.write(json.dumps(said) + "\n")
            else:
                file.write(logging.Formatter("%(levelname)s %(message)s").format(entry) + "\n")
                file.write("INFO something else\n")
    return {}


def record_of(requests: Requests, row: int) -> Record:
    scenario, winner = requests.scenario, int(requests.winner[row])
    outcomes = [int(outcome) for outcome in requests.outcome[row]]
    words = [{FAILED: "raised ValueError"}.get(one, OUTCOMES[one]) for one in outcomes]
    launched = [None if np.isnan(one) else one * 1e3 for one in requests.launched[row].tolist()]
    ended = [
        None if after is None else work * 1e3
        for after, work in zip(launched, requests.work[row].tolist(), strict=True)
    ]
    decided = float(requests.latency[row]) * 1e3
    k = len(words)
    return Record(
        run_id=f"r/{row}",
        input_hash=f"{row:064x}",
        policy=repr(scenario.policy),
        decision=repr(scenario.decision),
        branch_names=tuple(branch.name for branch in scenario.racing),
        ranking=tuple(range(k)),
        branch_launched_after_ms=tuple(launched),
        branch_latencies_ms=tuple(
            None if after is None or took is None else took + (7.0 if word == "cancelled" else 0.0)
            for after, took, word in zip(launched, ended, words, strict=True)
        ),
        branch_validities=tuple({VALID: True, INVALID: False}.get(one) for one in outcomes),
        branch_outcomes=tuple(words),
        winning_branch_index=None if winner < 0 else winner,
        deterministic_tie_breaker_seed=f"{row * k:016x}",
        decided_after_ms=decided,
        limiter=LimiterUse(9, tuple(i for i in range(k) if outcomes[i] == DROPPED)),
        cancellations=tuple(
            Cancellation(i, decided, decided + 7.0)  # it takes 7 ms to leave
            for i in range(k)
            if outcomes[i] == CANCELLED
        ),
        sampled_because="hash",
    )


WRITERS: dict[str, tuple[str, Callable[[Requests, Path], dict[str, Any]]]] = {
    "wide csv": ("log.csv", wide_csv),
    "long csv": ("long.csv", long_csv),
    "jsonl": ("log.jsonl", json_lines),
    "otlp": ("spans.json", spans),
    "records": ("app.log", records),
}
