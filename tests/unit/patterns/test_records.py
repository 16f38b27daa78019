import dataclasses
import json
import logging
import pickle
from typing import Any

import pytest

from spectest.patterns.records import (
    Cancellation,
    LimiterUse,
    Record,
    RecordError,
    with_reason,
    write_record,
)
from tests.unit.patterns.made_records import HEDGE, NOBODY, OVERTAKEN, RACE, RECORDS, tampered

LOW, HIGH = bytes(32), b"\xff" * 32
EACH = pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)


def rejected(said: Any) -> RecordError:
    with pytest.raises(RecordError) as caught:
        Record.from_json(said)
    return caught.value


# There and back.


@EACH
def test_a_record_survives_its_line(record: Record) -> None:
    assert Record.from_json(record.to_line()) == record
    assert Record.from_json(record.to_line().encode()) == record


@EACH
def test_a_record_survives_its_dictionary(record: Record) -> None:
    said = record.to_json()
    before = json.dumps(said)
    assert Record.from_json(said) == record
    assert json.dumps(said) == before


def test_a_line_is_one_line_of_ascii_that_begins_with_its_format() -> None:
    names = ("new\nline", "\u2028", "é")
    line = dataclasses.replace(RACE, branch_names=names).to_line()
    assert line.isascii()
    assert len(line.splitlines()) == 1
    assert line.startswith('{"format": 1, "run_id": "4f0c/17", "input_hash": ')
    assert Record.from_json(line).branch_names == names


def test_whole_numbers_of_milliseconds_are_floats_again() -> None:
    said = tampered(HEDGE, "branch_latencies_ms.0", 30)
    assert repr(Record.from_json(said)) == repr(HEDGE)


def test_each_dictionary_is_a_new_one() -> None:
    RACE.to_json()["branch_names"].append("x")
    assert RACE.to_json()["branch_names"] == ["llm", "rules", "cache"]


def test_a_record_is_hashable_and_plain() -> None:
    read = Record.from_json(RACE.to_line())
    assert hash(read) == hash(RACE)
    assert read.limiter == LimiterUse(2, (2,))
    assert read.cancellations == (Cancellation(0, 31.75, 42.0),)


# What is rejected, and by which name.


@pytest.mark.parametrize("name", RACE.to_json())
def test_a_missing_field_is_named(name: str) -> None:
    said = RACE.to_json()
    del said[name]
    error = rejected(said)
    assert error.field == name
    assert str(error) == f"{name} is missing"


def test_an_unknown_field_is_named() -> None:
    error = rejected({**RACE.to_json(), "answer": 42})
    assert (error.field, error.value) == ("answer", 42)
    assert str(error) == "answer is no field of a record of format 1"


ILL_FORMED: list[tuple[str, object, str]] = [
    ("format", 2, "format"),
    ("format", True, "format"),
    ("run_id", "", "run_id"),
    ("run_id", 17, "run_id"),
    ("input_hash", "5c" * 31, "input_hash"),
    ("input_hash", "5C" * 32, "input_hash"),
    ("input_hash", "5c" * 32 + "\n", "input_hash"),
    ("policy", None, "policy"),
    ("decision", "", "decision"),
    ("branch_names", [], "branch_names"),
    ("branch_names", "llm", "branch_names"),
    ("branch_names.1", "llm", "branch_names"),
    ("branch_names.1", 1, "branch_names[1]"),
    ("ranking", [1, 0], "ranking"),
    ("ranking", [1, 0, 0], "ranking"),
    ("ranking", [1, 0, 3], "ranking"),
    ("ranking.0", True, "ranking[0]"),
    ("ranking.2", -1, "ranking[2]"),
    ("branch_launched_after_ms", [0.0, 0.25], "branch_launched_after_ms"),
    ("branch_launched_after_ms.0", -0.1, "branch_launched_after_ms[0]"),
    ("branch_launched_after_ms.0", float("nan"), "branch_launched_after_ms[0]"),
    ("branch_latencies_ms", [42.0, 31.5, None, None], "branch_latencies_ms"),
    ("branch_latencies_ms.0", "42", "branch_latencies_ms[0]"),
    ("branch_latencies_ms.0", True, "branch_latencies_ms[0]"),
    ("branch_latencies_ms.0", float("inf"), "branch_latencies_ms[0]"),
    ("branch_latencies_ms.0", 10**400, "branch_latencies_ms[0]"),
    ("branch_validities", [None, True], "branch_validities"),
    ("branch_validities.0", 1, "branch_validities[0]"),
    ("branch_outcomes", ["valid"], "branch_outcomes"),
    ("branch_outcomes.0", "raised ValueError: secret", "branch_outcomes[0]"),
    ("branch_outcomes.0", "raised ", "branch_outcomes[0]"),
    ("branch_outcomes.0", "gone", "branch_outcomes[0]"),
    ("winning_branch_index", 1.0, "winning_branch_index"),
    ("winning_branch_index", -1, "winning_branch_index"),
    ("winning_branch_index", True, "winning_branch_index"),
    ("deterministic_tie_breaker_seed", "1" * 15, "deterministic_tie_breaker_seed"),
    ("deterministic_tie_breaker_seed", "g" * 16, "deterministic_tie_breaker_seed"),
    ("deterministic_tie_breaker_seed", 1, "deterministic_tie_breaker_seed"),
    ("decided_after_ms", -1, "decided_after_ms"),
    ("limiter", 2, "limiter"),
    ("limiter", {"capacity": 2}, "limiter"),
    ("limiter.capacity", 0, "limiter.capacity"),
    ("limiter.dropped", [-2], "limiter.dropped[0]"),
    ("cancellations", None, "cancellations"),
    ("cancellations.0.branch_index", None, "cancellations[0].branch_index"),
    ("cancellations.0.asked_after_ms", None, "cancellations[0].asked_after_ms"),
    ("cancellations.0.gone_after_ms", "soon", "cancellations[0].gone_after_ms"),
    ("cancellations.0", {"branch_index": 0}, "cancellations[0]"),
    ("committed", -1, "committed"),
    ("committed", 1.5, "committed"),
    ("sampled_because", "dice", "sampled_because"),
]

CONTRADICTORY: list[tuple[Record, str, object, str]] = [
    (RACE, "winning_branch_index", 3, "winning_branch_index"),
    (RACE, "winning_branch_index", 0, "winning_branch_index"),
    (RACE, "winning_branch_index", None, "winning_branch_index"),
    (OVERTAKEN, "winning_branch_index", 0, "winning_branch_index"),
    (RACE, "ranking", [0, 1, 2], "deterministic_tie_breaker_seed"),
    (RACE, "deterministic_tie_breaker_seed", "0" * 16, "deterministic_tie_breaker_seed"),
    (HEDGE, "ranking", [1, 0, 2], "ranking"),
    (RACE, "decided_after_ms", 31.74, "decided_after_ms"),
    (RACE, "decided_after_ms", None, "decided_after_ms"),
    (RACE, "branch_launched_after_ms.2", 0.0, "branch_launched_after_ms[2]"),
    (RACE, "branch_launched_after_ms.0", None, "branch_launched_after_ms[0]"),
    (RACE, "branch_latencies_ms.2", 1.0, "branch_latencies_ms[2]"),
    (NOBODY, "branch_latencies_ms.2", 1.0, "branch_latencies_ms[2]"),
    (NOBODY, "branch_latencies_ms.0", None, "branch_latencies_ms[0]"),
    (RACE, "branch_validities.0", True, "branch_validities[0]"),
    (RACE, "branch_outcomes.0", "valid", "branch_validities[0]"),
    (NOBODY, "branch_validities.1", None, "branch_validities[1]"),
    (RACE, "limiter", None, "limiter"),
    (RACE, "limiter.dropped", [], "limiter.dropped"),
    (RACE, "limiter.dropped", [2, 2], "limiter.dropped"),
    (RACE, "cancellations.0.branch_index", 1, "cancellations[0].branch_index"),
    (RACE, "cancellations.0.branch_index", 3, "cancellations[0].branch_index"),
    (RACE, "cancellations.0.gone_after_ms", 31.0, "cancellations[0].gone_after_ms"),
    (NOBODY, "committed", 1, "committed"),
    (RACE, "sampled_because", "loser was faster", "sampled_because"),
]


@pytest.mark.parametrize("path, value, field", ILL_FORMED)
def test_an_ill_formed_field_is_named(path: str, value: object, field: str) -> None:
    assert rejected(tampered(RACE, path, value)).field == field


@pytest.mark.parametrize("record, path, value, field", CONTRADICTORY)
def test_a_field_that_contradicts_another_is_named(
    record: Record, path: str, value: object, field: str
) -> None:
    assert rejected(tampered(record, path, value)).field == field


def test_a_message_names_field_value_and_rule() -> None:
    error = rejected(tampered(RACE, "winning_branch_index", 3))
    assert str(error) == ("winning_branch_index is 3; must be below 3, the number of branch_names")
    assert isinstance(error, ValueError)


def test_a_message_shows_the_beginning_of_a_long_value() -> None:
    assert len(str(rejected(tampered(RACE, "branch_outcomes.0", "x" * 10_000)))) < 300


def test_an_error_survives_pickling() -> None:
    error = rejected(tampered(RACE, "committed", -1))
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.field, copy.value) == (str(error), "committed", -1)


def test_rounding_is_no_contradiction() -> None:
    Record.from_json(tampered(RACE, "decided_after_ms", 31.7485))


def test_the_policies_of_others_rank_as_they_like() -> None:
    said = {**RACE.to_json(), "ranking": [2, 1, 0], "policy": "Mine()"}
    assert Record.from_json(said).ranking == (2, 1, 0)


def test_the_first_valid_answer_may_rank_lower() -> None:
    said = {**OVERTAKEN.to_json(), "decision": "FirstValid()", "winning_branch_index": 0}
    assert Record.from_json(said).winning_branch_index == 0


@pytest.mark.parametrize("seed, winner", [(4, 0), (1, 1)])
def test_the_literal_rule_is_checked(seed: int, winner: int) -> None:
    """Two branches are valid; modulo three, both seeds rank `rules` first."""
    said = {
        **OVERTAKEN.to_json(),
        "decision": "WaitForAll(pick='literal')",
        "deterministic_tie_breaker_seed": f"{seed:016x}",
        "winning_branch_index": winner,
    }
    assert Record.from_json(said).winning_branch_index == winner
    error = rejected({**said, "winning_branch_index": 1 - winner})
    assert error.field == "winning_branch_index"
    assert f"must be {winner}" in str(error)


def test_a_caller_that_left_leaves_no_decision() -> None:
    said = {
        **OVERTAKEN.to_json(),
        "winning_branch_index": None,
        "decided_after_ms": None,
        "committed": 0,
    }
    assert Record.from_json(said).decided_after_ms is None


@pytest.mark.parametrize("keep", [0, 1, 20, -1])
def test_a_line_that_was_cut_off_is_no_record(keep: int) -> None:
    error = rejected(RACE.to_line()[:keep])
    assert error.field == ""
    assert "perhaps cut off" in str(error)


@pytest.mark.parametrize("line", ["[]", "1", "null", '"text"', "[" * 100_000, "NaN", b"\xff"])
def test_what_is_no_object_is_no_record(line: str | bytes) -> None:
    assert rejected(line).field == ""


def test_a_field_that_stands_there_twice_is_named() -> None:
    line = RACE.to_line().replace('"committed": 2', '"committed": 2, "committed": 3')
    assert rejected(line).field == "committed"


def test_nan_is_no_number() -> None:
    line = RACE.to_line().replace("42.0", "NaN")
    assert "NaN is no number in JSON" in str(rejected(line))


# Sampling and writing.


@pytest.mark.parametrize(
    "middle, rate, written",
    [
        (0, 0.0, False),
        (0, 0.1, True),
        (2**64 // 10 - 1, 0.1, True),
        (2**64 // 10 + 10**4, 0.1, False),
        (2**64 - 1, 0.999, False),
        (2**64 - 1, 1.0, True),
    ],
)
def test_the_middle_of_the_digest_decides_who_is_sampled(
    middle: int, rate: float, written: bool
) -> None:
    digest = b"\xff" * 8 + middle.to_bytes(8, "big") + bytes(16)
    assert with_reason(RACE, digest, rate).sampled_because == ("hash" if written else None)


def test_a_loser_that_was_faster_is_always_written() -> None:
    assert with_reason(OVERTAKEN, HIGH, 0.0).sampled_because == "loser was faster"
    assert with_reason(OVERTAKEN, LOW, 0.1).sampled_because == "hash"


@pytest.mark.parametrize(
    "latency, outcome, faster",
    [
        (20.0, "valid", True),
        (20.0, "invalid", True),
        (31.75, "valid", False),  # launched 0.25 ms earlier: the same moment
        (20.0, "raised OSError", False),
        (20.0, "timed out", False),
        (20.0, "cancelled", False),
    ],
)
def test_a_loser_is_faster_if_its_answer_was_there_first(
    latency: float, outcome: str, faster: bool
) -> None:
    validity = {"valid": True, "invalid": False}.get(outcome)
    record = dataclasses.replace(
        RACE,
        branch_latencies_ms=(latency, 31.5, None),
        branch_validities=(validity, True, None),
        branch_outcomes=(outcome, "valid", "dropped"),
    )
    assert (with_reason(record, HIGH, 0.0).sampled_because == "loser was faster") is faster


def test_without_a_winner_nobody_was_faster() -> None:
    assert with_reason(NOBODY, HIGH, 0.0).sampled_because is None


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_is_a_share(rate: float) -> None:
    with pytest.raises(ValueError, match="rate="):
        write_record(RACE, LOW, rate)


def test_one_entry_is_written(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "spectest.patterns")
    write_record(dataclasses.replace(RACE, sampled_because=None), LOW, 0.1)
    (entry,) = caplog.records
    assert (entry.name, entry.levelno) == ("spectest.patterns", logging.INFO)
    assert Record.from_json(entry.getMessage()) == RACE
    assert Record.from_json(vars(entry)["speculation_record"]) == RACE


def test_what_is_not_sampled_is_not_written(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "spectest.patterns")
    write_record(RACE, HIGH, 0.1)
    assert caplog.records == []


def test_a_logger_that_is_off_builds_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("spectest.patterns"), "level", logging.WARNING)
    logging.getLogger("spectest.patterns").manager._clear_cache()  # type: ignore[attr-defined]
    monkeypatch.setattr(Record, "to_line", None)
    write_record(RACE, LOW, 1.0)
