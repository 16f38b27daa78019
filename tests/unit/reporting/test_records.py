import json
from collections.abc import Callable
from typing import Any

import pytest

from spectest.exploration.results import Report
from spectest.exploration.search import explore
from spectest.exploration.settings import Settings
from spectest.kernel import token
from spectest.kernel.plan import Hold, Plan
from spectest.reporting.failure import facts_of
from spectest.reporting.records import to_json
from tests.unit.reporting import programs

ReportMaker = Callable[..., Report]
LATE = {"answer#1": Hold(10_000_000)}


def through_json(report: Report) -> Any:
    return json.loads(json.dumps(to_json(report)))


def test_a_failure_as_json(report_of: ReportMaker) -> None:
    record = through_json(report_of(programs.hedge, LATE))
    failure = record["failure"]
    assert record["settings"]["order"] == "ties"
    assert failure["error"] == "AssertionError"
    assert failure["message"] == ["decided twice: ['fallback', 'model']"]
    assert failure["where"] == {
        "file": "tests/unit/reporting/programs.py",
        "line": 23,
        "function": "hedge",
        "source": 'assert len(ledger) == 1, f"decided twice: {ledger}"',
    }
    [deviation] = failure["deviations"]
    assert deviation["usual_ns"] == 140_000_000
    assert deviation["took_ns"] == 150_000_000
    assert deviation["at_one_poll_after"] == ["hedge timeout#1"]
    assert deviation["hold"] == {"by_ns": 10_000_000, "polls": 0, "behind": 0}
    assert [row["task"] for row in failure["interleaving"] if row["deviates"]] == ["scorer"]
    assert token.decode(failure["token"]) == Plan(LATE)


def test_a_record_is_the_same_each_time(report_of: ReportMaker) -> None:
    first, second = (to_json(report_of(programs.hedge, LATE)) for _ in range(2))
    assert first == second


def test_a_long_execution_is_shortened(report_of: ReportMaker) -> None:
    rows = through_json(report_of(programs.spinning))["failure"]["interleaving"]
    assert len(rows) <= 200
    assert sum(row.get("left_out", 1) for row in rows) == 2000


def test_a_clean_report_has_no_failure() -> None:
    record = through_json(Report("p", Settings(), 7, complete=True, failure=None))
    assert record["failure"] is None
    assert (record["executions"], record["complete"]) == (7, True)


def test_facts_need_a_failure() -> None:
    with pytest.raises(ValueError, match="found no failure"):
        facts_of(Report("p", Settings(), 7, complete=True, failure=None))


def test_coverage_as_json() -> None:
    found = through_json(explore(programs.hedge, coverage=True, runs=3))["coverage"]
    assert found["stock_executions"] >= 2
    assert "tests/unit/reporting/programs.py" in [file["file"] for file in found["files"]]
    assert through_json(explore(programs.hedge, runs=3))["coverage"] is None
