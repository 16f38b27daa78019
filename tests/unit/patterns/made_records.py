"""Records of a speculation that never was: consistent, and easy to change."""

import dataclasses
from typing import Any

from spectest.patterns.records import Cancellation, LimiterUse, Record

RACE = Record(
    run_id="4f0c/17",
    input_hash="5c" * 32,
    policy="EagerRace()",
    decision="Ranked()",
    branch_names=("llm", "rules", "cache"),
    ranking=(1, 0, 2),
    branch_launched_after_ms=(0.0, 0.25, None),
    branch_latencies_ms=(42.0, 31.5, None),
    branch_validities=(None, True, None),
    branch_outcomes=("cancelled", "valid", "dropped"),
    winning_branch_index=1,
    deterministic_tie_breaker_seed=f"{3 * 10**15 + 1:016x}",
    decided_after_ms=31.75,
    limiter=LimiterUse(2, (2,)),
    cancellations=(Cancellation(0, 31.75, 42.0),),
    committed=2,
    sampled_because="hash",
)
"""`rules` won, `llm` was cancelled and gone, `cache` was dropped by the limiter."""

NOBODY = dataclasses.replace(
    RACE,
    branch_launched_after_ms=(0.0, 0.0, 0.0),
    branch_latencies_ms=(12.0, 31.5, None),
    branch_validities=(None, False, None),
    branch_outcomes=("raised json.JSONDecodeError", "invalid", "running"),
    winning_branch_index=None,
    limiter=None,
    cancellations=(Cancellation(2, 40.0),),
    decided_after_ms=40.0,
    committed=0,
    sampled_because=None,
)
"""One raised, one had no valid answer, and one is still at it."""

OVERTAKEN = dataclasses.replace(
    RACE,
    branch_latencies_ms=(20.0, 31.5, None),
    branch_validities=(True, True, None),
    branch_outcomes=("valid", "valid", "dropped"),
    cancellations=(),
)
"""`llm` was faster, and `rules` ranks higher."""

HEDGE = dataclasses.replace(
    RACE,
    policy="Hedge(0.05)",
    ranking=(0, 1, 2),
    branch_launched_after_ms=(0.0, None, None),
    branch_latencies_ms=(30.0, None, None),
    branch_validities=(True, None, None),
    branch_outcomes=("valid", "not launched", "not launched"),
    winning_branch_index=0,
    decided_after_ms=30.0,
    limiter=None,
    cancellations=(),
)
"""The primary answered before the others were needed."""

RECORDS = {"race": RACE, "nobody": NOBODY, "overtaken": OVERTAKEN, "hedge": HEDGE}


def tampered(record: Record, path: str, value: object) -> dict[str, Any]:
    """The record as JSON with another value at `path`, as in `cancellations.0.branch_index`."""
    said = record.to_json()
    inner: Any = said
    *way, last = (int(part) if part.isdigit() else part for part in path.split("."))
    for part in way:
        inner = inner[part]
    inner[last] = value
    return said
