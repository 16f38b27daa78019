import json
from typing import Any

import pytest

from spectest.kernel.trace import Trace
from spectest.oracles import judge, log_fidelity
from tests.unit.oracles.trace_lines import findings, trace_of

RACE = (
    "5 speculation speculation @ main",
    "5 attempt llm = speculation @ llm",
    "5 attempt rules = speculation @ rules",
    "5 step main @ main",
    "15 outcome rules = valid 'A' @ rules",
    "15 decision speculation = rules @ main",
    "15 dismiss llm @ main",
    "15 commit rules = insert_row @ main",
    "15 outcome llm = cancelled @ llm",
)
RECORD: dict[str, Any] = {
    "run_id": "w/1",
    "branch_names": ["llm", "rules", "spare"],
    "branch_launched_after_ms": [0.0, 0.0, None],
    "branch_latencies_ms": [10.0, 10.0, None],
    "branch_validities": [None, True, None],
    "branch_outcomes": ["cancelled", "valid", "not launched"],
    "winning_branch_index": 1,
    "decided_after_ms": 10.0,
    "limiter": None,
    "cancellations": [{"branch_index": 0, "asked_after_ms": 10.0, "gone_after_ms": 10.0}],
    "committed": 1,
}


def written(record: object, label: str = "speculation") -> str:
    return f"15 record {label} = {json.dumps(record)}"


def with_record(*race: str, **changes: Any) -> Trace:
    return trace_of(*(race or RACE), written(RECORD | changes))


def test_a_record_of_what_happened_is_fine() -> None:
    assert findings(with_record(), log_fidelity()) == []


@pytest.mark.parametrize(
    "field, value",
    [
        ("winning_branch_index", 0),
        ("winning_branch_index", None),
        ("winning_branch_index", 7),
        ("branch_names", ["llm", "other", "spare"]),
        ("branch_outcomes", ["cancelled", "invalid", "not launched"]),
        ("branch_outcomes", ["running", "valid", "not launched"]),
        ("branch_outcomes", ["cancelled", "valid", "valid"]),
        ("branch_validities", [False, True, None]),
        ("branch_validities", [None, True, True]),
        ("committed", 0),
        ("committed", 2),
        ("cancellations", []),
        ("cancellations", [{"branch_index": 1, "asked_after_ms": 10, "gone_after_ms": 10}]),
        ("decided_after_ms", 10.1),
        ("decided_after_ms", None),
        ("branch_launched_after_ms", [0.0, 2.0, None]),
        ("branch_launched_after_ms", [None, 0.0, None]),
        ("branch_latencies_ms", [10.0, 9.99, None]),
        ("branch_latencies_ms", [None, 10.0, None]),
    ],
)
def test_a_field_that_is_wrong_is_named_first(field: str, value: Any) -> None:
    verdicts = judge(with_record(**{field: value}), log_fidelity())
    assert verdicts[0].finding == f"{field} is wrong"


def test_a_verdict_has_both_values() -> None:
    (verdict,) = judge(with_record(winning_branch_index=0), log_fidelity())
    assert verdict.message.startswith(
        "the record of speculation says winning_branch_index = 0;\n"
        "the trace shows that rules won, whose index is 1."
    )


def test_times_are_compared_to_the_microsecond_to_which_they_are_rounded() -> None:
    assert findings(with_record(decided_after_ms=10.001), log_fidelity()) == []
    assert findings(with_record(decided_after_ms=10.002), log_fidelity()) != []


def test_in_real_time_they_may_be_a_little_apart() -> None:
    race = [line for line in RACE if " step " not in line]
    assert findings(with_record(*race, decided_after_ms=10.5), log_fidelity()) == []
    assert findings(with_record(*race, decided_after_ms=20.0), log_fidelity()) != []


def test_a_thread_may_stand_still_between_its_clock_and_what_it_tells() -> None:
    stall = ("11 start main stall#1 = stall 0 before a lock", "13 complete main stall#1")
    assert findings(with_record(*RACE, *stall, decided_after_ms=8.0), log_fidelity()) == []
    assert findings(with_record(*RACE, *stall, decided_after_ms=7.9), log_fidelity()) != []
    sleep = ("11 start main#1 = sleep 2.000000", "13 complete main#1")
    assert findings(with_record(*RACE, *sleep, decided_after_ms=8.0), log_fidelity()) != []


def test_a_branch_may_begin_some_time_after_its_launch_where_a_pool_is_busy() -> None:
    race = [line.replace("5 attempt llm", "8 attempt llm") for line in RACE]
    assert findings(with_record(*race), log_fidelity()) == []


def test_what_came_after_the_record_is_not_in_it() -> None:
    changes: dict[str, Any] = {
        "branch_outcomes": ["running", "valid", "not launched"],
        "branch_latencies_ms": [None, 10.0, None],
        "cancellations": [{"branch_index": 0, "asked_after_ms": 10.0, "gone_after_ms": None}],
    }
    late = "90 outcome llm = cancelled @ llm"
    trace = trace_of(*RACE[:-1], written(RECORD | changes), late)
    assert findings(trace, log_fidelity()) == []
    assert findings(trace_of(*RACE[:-1], written(RECORD), late), log_fidelity()) != []


def test_one_gone_before_it_ended_is_found() -> None:
    gone = [{"branch_index": 0, "asked_after_ms": 10.0, "gone_after_ms": 9.0}]
    assert findings(with_record(cancellations=gone), log_fidelity()) == ["cancellations is wrong"]


def test_dropped_branches_are_compared_with_the_limiters() -> None:
    race = (
        *RACE,
        "5 attempt spare = speculation @ main",
        "5 outcome spare = dropped @ main",
    )
    outcomes = ["cancelled", "valid", "dropped"]
    right = {"capacity": 2, "dropped": [2]}
    wrong = {"capacity": 2, "dropped": []}
    fine = with_record(*race, branch_outcomes=outcomes, limiter=right)
    assert findings(fine, log_fidelity()) == []
    bad = with_record(*race, branch_outcomes=outcomes, limiter=wrong)
    assert findings(bad, log_fidelity()) == ["limiter.dropped is wrong"]


def test_a_race_that_nobody_won_says_so() -> None:
    race = (
        "5 speculation speculation",
        "5 step main",
        "5 attempt llm = speculation",
        "9 outcome llm = raised ValueError: no",
        "9 decision speculation",
    )
    record = {
        "branch_names": ["llm"],
        "branch_outcomes": ["raised ValueError"],
        "winning_branch_index": None,
        "decided_after_ms": 4.0,
    }
    assert findings(trace_of(*race, written(record)), log_fidelity()) == []
    record["winning_branch_index"] = 0
    assert findings(trace_of(*race, written(record)), log_fidelity()) == [
        "winning_branch_index is wrong"
    ]


def test_a_record_that_says_less_is_not_blamed_for_it() -> None:
    assert findings(trace_of(*RACE, written({"run_id": "w/1"})), log_fidelity()) == []


def test_a_missing_and_a_second_record_are_found() -> None:
    reference = with_record()
    assert findings(trace_of(*RACE), log_fidelity(), reference) == ["no record"]
    twice = trace_of(*RACE, written(RECORD), written(RECORD))
    assert findings(twice, log_fidelity()) == ["two records"]


def test_a_pipeline_without_records_is_not_judged() -> None:
    assert findings(trace_of(*RACE), log_fidelity()) == []
    assert "no record" in log_fidelity().blind(trace_of(*RACE))
    assert log_fidelity().blind(with_record()) == ""


def test_two_speculations_with_one_run_id_are_found() -> None:
    other = (
        "20 speculation speculation (2)",
        written({"run_id": "w/1"}, "speculation (2)"),
    )
    trace = trace_of(*RACE, written(RECORD), *other)
    assert findings(trace, log_fidelity()) == ["a run ID twice"]
    other = (other[0], written({"run_id": "w/2"}, "speculation (2)"))
    assert findings(trace_of(*RACE, written(RECORD), *other), log_fidelity()) == []


def test_a_record_that_is_no_object_is_found() -> None:
    trace = trace_of(*RACE, "15 record speculation = {")
    assert findings(trace, log_fidelity()) == ["the record is no JSON object"]
