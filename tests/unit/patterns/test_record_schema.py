import dataclasses
import json
from typing import Any

import jsonschema
import pytest

from spectest.patterns.record_checks import FIELDS
from spectest.patterns.records import (
    Cancellation,
    LimiterUse,
    Record,
    RecordError,
    record_schema,
)
from tests.unit.patterns.made_records import RACE, RECORDS, tampered

VALIDATOR = jsonschema.Draft202012Validator(record_schema())


def test_the_schema_is_one() -> None:
    VALIDATOR.check_schema(record_schema())


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_records_keep_the_schema(record: Record) -> None:
    VALIDATOR.validate(json.loads(record.to_line()))


def test_schema_checks_and_class_have_the_same_fields() -> None:
    schema = record_schema()
    fields = ["format", *(field.name for field in dataclasses.fields(Record))]
    assert list(schema["properties"]) == schema["required"] == list(FIELDS) == fields
    assert list(RACE.to_json()) == fields
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize(
    "kind, inner",
    [
        (LimiterUse, record_schema()["properties"]["limiter"]),
        (Cancellation, record_schema()["properties"]["cancellations"]["items"]),
    ],
)
def test_what_is_inside_has_the_same_fields(kind: type[Any], inner: dict[str, Any]) -> None:
    fields = [field.name for field in dataclasses.fields(kind)]
    assert list(inner["properties"]) == inner["required"] == fields
    assert inner["additionalProperties"] is False


def test_each_field_is_explained() -> None:
    assert all(one["description"].endswith(".") for one in record_schema()["properties"].values())


VALUES: list[object] = [
    None, True, False, -1, 0, 1, 2, 1.5, -0.5, "", "x", "valid", "raised ValueError",
    "raised ", "hash", "0" * 16, "0" * 64, [], [0], [-1], ["x"], [""], [None], [True], [1.5],
    {}, {"capacity": 1, "dropped": []}, {"capacity": 0, "dropped": []}, {"capacity": 1},
    {"capacity": 1, "dropped": [-1]}, {"capacity": 1, "dropped": [], "more": 1},
    [{"branch_index": 0, "asked_after_ms": 1, "gone_after_ms": None}],
    [{"branch_index": -1, "asked_after_ms": 1, "gone_after_ms": None}],
    [{"branch_index": 0, "asked_after_ms": None, "gone_after_ms": None}],
    [{"branch_index": 0, "asked_after_ms": 1, "gone_after_ms": -1}],
    [{"branch_index": 0, "asked_after_ms": 1}],
    [{}],
]  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_the_schema_rejects_a_field_exactly_if_its_rule_does(name: str) -> None:
    """A value that only contradicts others is the business of `from_json` alone."""
    told_apart = set()
    for value in VALUES:
        said = tampered(RACE, name, value)
        by_schema = not VALIDATOR.is_valid(said)
        by_rule = any(FIELDS[name](name, value))
        assert by_schema == by_rule, value
        told_apart.add(by_rule)
        if by_rule:
            with pytest.raises(RecordError) as caught:
                Record.from_json(said)
            assert caught.value.field.startswith(name)
    assert True in told_apart


@pytest.mark.parametrize("name", FIELDS)
def test_both_reject_a_field_that_is_missing(name: str) -> None:
    said = RACE.to_json()
    del said[name]
    assert not VALIDATOR.is_valid(said)
    with pytest.raises(RecordError):
        Record.from_json(said)


def test_both_reject_a_field_that_is_unknown() -> None:
    said = {**RACE.to_json(), "answer": 42}
    assert not VALIDATOR.is_valid(said)
    with pytest.raises(RecordError):
        Record.from_json(said)


def test_both_reject_a_branch_that_is_named_twice() -> None:
    said = tampered(RACE, "branch_names", ["llm", "llm", "cache"])
    assert not VALIDATOR.is_valid(said)
    with pytest.raises(RecordError):
        Record.from_json(said)
