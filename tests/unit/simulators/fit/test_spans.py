"""Spans as the Collector's file exporter and other writers of OTLP have them."""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulators import fit
from simulators.fit import Dropped
from simulators.results import CANCELLED, FAILED, INVALID, NOT_LAUNCHED, TIMED_OUT, VALID
from simulators.scenario import ScenarioError

MALFORMED = "correct that line, or use malformed='dropped'"
SPANS = Path(__file__).with_name("data") / "spans.jsonl"


def test_the_branches_of_a_request_are_the_children_of_its_span() -> None:
    log = fit.read(SPANS, branches=["llm", "rules"], valid="answer.valid")
    assert (log.format, log.branches, len(log)) == ("otlp", ("llm", "rules"), 2)
    assert log.outcomes.tolist() == [[VALID, CANCELLED], [FAILED, INVALID]]
    assert log.seconds.tolist() == [[0.14, 0.14], [0.03, 0.09]]  # rules took 1 ms to leave
    assert np.allclose(log.launched, [[0.001, 0.001], [0.0, 0.005]], atol=1e-6)
    assert np.allclose(log.start, [1581452771.999, 1581452773.0])
    assert log.dropped == (
        Dropped("a request without a branch", 2, 2),  # POST, which is nobody's parent, and /health
        Dropped("a further attempt of a branch in its request", 1, 3),
        Dropped("a span that stands there before", 1, 4),
        Dropped("a span whose parent is no request in the file", 1, 4),
    )
    assert (log.read, log.used) == (11, 6)


def test_requests_may_be_named_instead() -> None:
    log = fit.read(SPANS, parent="POST /answer")
    assert log.outcomes.tolist() == [[VALID, CANCELLED], [FAILED, VALID]]
    assert Dropped("a span that is neither request nor branch", 1, 4) in log.dropped
    log = fit.read(SPANS)  # those without a parent
    assert log.outcomes.tolist() == [[VALID, CANCELLED], [FAILED, VALID]]


def test_branches_may_be_called_by_an_attribute_and_otherwise_than_in_the_log() -> None:
    log = fit.read(SPANS, branch="gen_ai.system", branches={"gpt": "openai"})
    assert log.branches == ("gpt",)
    assert log.outcomes.tolist() == [[VALID], [FAILED]]


def test_one_object_may_be_the_whole_file(tmp_path: Path) -> None:
    whole = [json.loads(line)["resourceSpans"] for line in SPANS.read_text().splitlines()]
    document = {"resourceSpans": [resource for part in whole for resource in part]}
    one, pretty = tmp_path / "one.json", tmp_path / "pretty.json"
    one.write_text(json.dumps(document))
    pretty.write_text(json.dumps(document, indent=2))
    wanted = fit.read(SPANS)
    for path in (one, pretty):
        log = fit.read(path)
        assert np.array_equal(log.outcomes, wanted.outcomes)
        assert np.array_equal(log.seconds, wanted.seconds)
        assert {line.first_line for line in log.dropped} == {1}


def with_spans(path: Path, *spans: Mapping[str, object]) -> Path:
    base = {"traceId": "ab", "startTimeUnixNano": "1000000000", "endTimeUnixNano": "1500000000"}
    found = [{**base, "spanId": "01", "name": "request"}]
    found += [
        {**base, "spanId": f"1{place}", "parentSpanId": "01", "name": "llm", **span}  # type: ignore[dict-item]
        for place, span in enumerate(spans)
    ]
    path.write_text(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": found}]}]}) + "\n")
    return path


def attribute(key: str, value: object) -> dict[str, object]:
    return {"key": key, "value": {"stringValue": value}}


@pytest.mark.parametrize(
    "word, outcome",
    [
        ("timeout", TIMED_OUT),
        ("builtins.TimeoutError", TIMED_OUT),
        ("asyncio.exceptions.CancelledError", CANCELLED),
        ("context.Canceled", FAILED),
        ("500", FAILED),
    ],
)
def test_an_error_is_a_failure_unless_its_type_says_otherwise(
    word: str, outcome: int, tmp_path: Path
) -> None:
    span = {"status": {"code": 2}, "attributes": [attribute("error.type", word)]}
    assert fit.read(with_spans(tmp_path / "x.json", span)).outcomes.tolist() == [[outcome]]


def test_an_attribute_may_have_the_outcome(tmp_path: Path) -> None:
    span = {"status": {"code": 2}, "attributes": [attribute("how", "ok"), attribute("good", "no")]}
    path = with_spans(tmp_path / "x.json", span, {"name": "rules"})
    log = fit.read(path, outcome="how", valid="good", words={"ok": "valid"})
    assert log.outcomes.tolist() == [[INVALID, VALID]]
    with pytest.raises(ScenarioError) as caught:
        fit.read(path, outcome="how")
    assert str(caught.value) == (
        "x.json, line 1: how is 'ok', which means no outcome; use words={'ok': "
        "'cancelled'}, or not launched, valid, invalid, failed, timed out, dropped, not served"
    )


def test_of_a_second_attempt_only_the_first_is_taken_and_others_are_missing(tmp_path: Path) -> None:
    path = with_spans(tmp_path / "x.json", {}, {})
    assert fit.read(path, branches=["llm", "rules"]).outcomes.tolist() == [[VALID, NOT_LAUNCHED]]


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("", "the file is 'x.json', which is empty; use one with spans"),
        (
            '{"resourceSpans": [\n{"scopeSpans"',
            (
                "x.json, line 2 is \"Expecting ':' delimiter: line 2 column 14 (char "
                f'33)", which is no JSON, perhaps cut off; {MALFORMED}'
            ),
        ),
        (
            '{"resourceSpans": []}\n{"resourceSp',
            f"x.json, line 2 is '{{\"resourceSp', which is cut off; {MALFORMED}",
        ),
        (
            '{"resourceMetrics": []}\n',
            f"x.json, line 1 is 'resourceMetrics', which has no resourceSpans; {MALFORMED}",
        ),
        (
            '{"resourceSpans": []}\n',
            (
                "the log is 'x.json', which holds no attempt of a branch; use one with "
                "data, or other names"
            ),
        ),
    ],
)
def test_files_that_hold_no_spans(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(ScenarioError) as caught:
        fit.read(path, format="otlp")
    assert str(caught.value) == complaint


@pytest.mark.parametrize(
    "span, complaint",
    [
        (
            {"startTimeUnixNano": None},
            (
                "x.json, line 1: startTimeUnixNano is None, which is no moment in "
                f"nanoseconds; {MALFORMED}"
            ),
        ),
        (
            {"endTimeUnixNano": "900000000"},
            (
                "x.json, line 1: endTimeUnixNano is 900000000, which is before its "
                f"start, 1000000000; {MALFORMED}"
            ),
        ),
        (
            {"attributes": [attribute("good", "perhaps")]},
            f"x.json, line 1: good is 'perhaps', which is neither true nor false; {MALFORMED}",
        ),
    ],
)
def test_spans_that_make_no_sense(span: dict[str, object], complaint: str, tmp_path: Path) -> None:
    path = with_spans(tmp_path / "x.json", span, {"name": "rules"})
    with pytest.raises(ScenarioError) as caught:
        fit.read(path, valid="good")
    assert str(caught.value) == complaint
    log = fit.read(path, valid="good", malformed="dropped")
    (dropped,) = log.dropped
    assert dropped.reason.startswith("malformed: ")
    assert (dropped.count, dropped.first_line, log.branches) == (1, 1, ("rules",))


SMALL = st.integers() | st.text(max_size=3)
ANYTHING = (
    st.none()
    | st.booleans()
    | SMALL
    | st.lists(SMALL, max_size=2)
    | st.dictionaries(st.text(max_size=2), SMALL, max_size=2)
)


def places(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    items: list[tuple[object, object]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    return [path, *(place for key, part in items for place in places(part, (*path, key)))]


LINE = SPANS.read_text().splitlines()[2]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(places(json.loads(LINE))), ANYTHING)
def test_whatever_stands_in_a_place_is_read_or_refused(
    tmp_path: Path, place: tuple[object, ...], value: object
) -> None:
    document = {"": json.loads(LINE)}
    inner: object = document
    *before, last = ("", *place)
    for key in before:
        inner = inner[key]  # type: ignore[index]
    inner[last] = value  # type: ignore[index]
    path = tmp_path / "x.json"
    path.write_text(f"{json.dumps(document[''])}\n")
    with contextlib.suppress(ScenarioError):
        log = fit.read(path, "otlp", valid="answer.valid", malformed="dropped")
        assert log.read == log.used + sum(one.count for one in log.dropped)
