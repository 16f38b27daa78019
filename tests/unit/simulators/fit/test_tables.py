"""CSV and JSON Lines: what columns say, and what is said of those that say nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulators import fit
from simulators.fit import Dropped
from simulators.results import CANCELLED, FAILED, INVALID, NOT_LAUNCHED, TIMED_OUT, VALID
from simulators.scenario import ScenarioError

LATENCY = Path(__file__).parents[2] / "latency" / "data"


def written(folder: Path, text: str | bytes, name: str = "x.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_row_for_each_request(tmp_path: Path) -> None:
    text = "id,llm,rules,ok\n1,30,12.5,yes\n2,,7,\n\n1,9,9,\n3,0,1e2,no\n"
    path = written(tmp_path, text)
    log = fit.read(path, unit="ms", branches=["llm", "rules"], request="id", valid="ok")
    assert log.outcomes.tolist() == [[VALID, VALID], [NOT_LAUNCHED, VALID], [INVALID, INVALID]]
    assert np.array_equal(log.seconds, [[0.03, 0.0125], [np.nan, 0.007], [0, 0.1]], equal_nan=True)
    assert log.dropped == (Dropped("id stands there before", 1, 5),)
    assert (log.read, log.used, log.requests) == (4, 3, 3)


def test_a_row_for_each_attempt(tmp_path: Path) -> None:
    text = """req;who;latency;how;at
b;rules;5;cancelled;2026-01-01T00:00:01.5Z
a;llm;7;ok;2026-01-01 00:00:00
b;llm;4;raised KeyError;2026-01-01T01:00:01+01:00
b;llm;9;ok;2026-01-01T00:00:02Z
a;audit;1;ok;2026-01-01T00:00:00Z
a;rules;8;running;2026-01-01T00:00:00.25Z
"""
    log = fit.read(
        written(tmp_path, text),
        unit="s",
        branch="who",
        branches={"llm": "llm", "fast": "rules"},
        request="req",
        outcome="how",
        words={"ok": "valid"},
        start="at",
        delimiter=";",
    )
    assert log.branches == ("llm", "fast")
    assert log.outcomes.tolist() == [[FAILED, CANCELLED], [VALID, CANCELLED]]
    assert log.launched.tolist() == [[0.0, 0.5], [0.0, 0.25]]
    assert (log.start - log.start.min()).tolist() == [1.0, 0.0]
    assert log.dropped == (
        Dropped("a further attempt of a branch in its request", 1, 5),
        Dropped("who is none of the branches", 1, 6),
    )


def test_outcomes_and_times_of_those_that_were_cut_off(tmp_path: Path) -> None:
    lines = [
        '{"a": {"ms": 3, "how": "timed out"}}',
        '{"a": {"how": "cancelled"}}',
        '{"a": {"ms": 1, "how": "invalid"}, "kind": "other"}',
        '{"a": {"ms": 1, "how": "failed", "ok": false}}',
        '{"b": 1}',
    ]
    path = written(tmp_path, "\n".join(lines), "x.jsonl")
    log = fit.read(
        path,
        unit="ms",
        branches=["a"],
        latency="{branch}.ms",
        outcome="{branch}.how",
        valid="{branch}.ok",
    )
    assert log.outcomes.ravel().tolist() == [TIMED_OUT, CANCELLED, INVALID, FAILED, NOT_LAUNCHED]
    assert np.isnan(log.seconds[1, 0])


def test_only_rows_that_were_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path, "n,kind,llm\n1,a,1\n2,b,1\n3,a,1\n4,a,1\nx,a,1\n")
    log = fit.read(path, unit="s", branches=["llm"], where={"kind": "a", "n": (2, 3)})
    assert log.requests == 1
    assert log.dropped == (
        Dropped("n is not from 2 to 3", 3, 2),
        Dropped("kind is not a", 1, 3),
    )


def test_formats_are_told_by_name_or_content(tmp_path: Path) -> None:
    tabs = written(tmp_path, "\ufeffllm\trules\n1\t2\n", "x.tsv")
    assert fit.read(tabs, unit="s", branches=["llm", "rules"]).seconds.tolist() == [[1.0, 2.0]]
    lines = written(tmp_path, '{"llm": 1}\n', "x.log")
    assert fit.read(lines, unit="s", branches=["llm"]).format == "jsonl"
    other = written(tmp_path, "llm\n1\n", "x.dat")
    assert fit.read(other, "csv", unit="s", branches=["llm"]).format == "csv"
    histogram = written(tmp_path, (LATENCY / "sample.hlog").read_bytes(), "x.log")
    assert fit.read(histogram, unit="us", branches=["llm"]).format == "hdr"


def test_a_histogram_stands_for_as_many_requests_as_it_counts() -> None:
    log = fit.read(LATENCY / "sample.hlog", unit="us", branches=["llm"])
    assert (log.requests, log.read, log.used) == (1503, 1503, 1503)
    assert log.format == "hdr"
    again = fit.read(LATENCY / "sample.hgrm", unit="ms", branches=["llm"])
    assert again.requests == 1503


COMPLAINTS = dict(
    line.split(": ", 1)
    for line in Path(__file__).with_name("data").joinpath("complaints.txt").read_text().splitlines()
)
"""What is said of each of the files below."""

CSV = {"unit": "ms", "branches": ["llm"]}
HOW = {**CSV, "outcome": "how"}
WRONG: dict[str, tuple[str, str | bytes, dict[str, Any]]] = {
    "empty": ("x.csv", "", CSV),
    "only a header": ("x.csv", "llm\n", CSV),
    "no such column": ("x.csv", "llm_ms\n1\n", CSV),
    "negative": ("x.csv", "llm\n1\n-5\n", CSV),
    "not a number": ("x.csv", "llm\nnan\n", CSV),
    "ragged": ("x.csv", "llm,rules\n1,2\n3\n", CSV),
    "no UTF-8": ("x.csv", b"llm\n1\n\xff\n", CSV),
    "an open quote": ("x.csv", 'llm\n1\n"2\n', CSV),
    "no unit": ("x.csv", "llm\n1\n", {"branches": ["llm"]}),
    "an unknown unit": ("x.csv", "llm\n1\n", {**CSV, "unit": "min"}),
    "no branches": ("x.csv", "llm\n1\n", {"unit": "ms"}),
    "no request": ("x.csv", "llm\n1\n", {"unit": "ms", "branch": "llm"}),
    "branches in a text": ("x.csv", "llm\n1\n", {**CSV, "branches": "llm"}),
    "an unknown option": ("x.csv", "llm\n1\n", {**CSV, "latencies": "llm"}),
    "an option of others": ("x.csv", "llm\n1\n", {**CSV, "losers": "cancelled"}),
    "an unknown outcome": ("x.csv", "llm,how\n1,ok\n", HOW),
    "an unknown meaning": ("x.csv", "llm,how\n1,ok\n", {**HOW, "words": {"ok": "fine"}}),
    "no outcome": ("x.csv", "llm,how\n1,\n", HOW),
    "an answer without a time": ("x.csv", "llm,how\n,valid\n", HOW),
    "a moment in no form": ("x.csv", "llm,at\n1,noon\n", {**CSV, "start": "at"}),
    "a request without a name": ("x.csv", "llm,id\n1,\n", {**CSV, "request": "id"}),
    "nothing launched": ("x.csv", "llm,kind\n1,b\n", {**CSV, "where": {"kind": "a"}}),
    "no range": ("x.csv", "llm\n1\n", {**CSV, "where": {"llm": (1, 2, 3)}}),
    "a range of texts": ("x.csv", "llm\n1\n", {**CSV, "where": {"llm": ("1", "2")}}),
    "lines: empty": ("x.jsonl", "\n", CSV),
    "lines: cut off": ("x.jsonl", '{"llm": 1}\n{"llm": 2', CSV),
    "lines: no JSON": ("x.jsonl", '{"llm": 1}\n{llm: 2}\n', CSV),
    "lines: no number": ("x.jsonl", '{"llm": NaN}\n', CSV),
    "lines: no object": ("x.jsonl", '{"llm": 1}\n[1]\n', CSV),
    "lines: no such field": ("x.jsonl", '{"of": {"llm": 1}}\n', {**CSV, "latency": "off.{branch}"}),
    "lines: true is no time": ("x.jsonl", '{"llm": true}\n', CSV),
    "of no format": ("x.dat", "what\n", CSV),
    "no histogram": ("x.hlog", "what\n", CSV),
    "whose histogram": ("x.hlog", "what\n", {"unit": "ms"}),
    "several histograms": ("x.hlog", "what\n", {"unit": "ms", "branches": ["a", "b"]}),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_in_one_line(what: str, tmp_path: Path) -> None:
    name, text, mapping = WRONG[what]
    with pytest.raises(ScenarioError) as caught:
        fit.read(written(tmp_path, text, name), **mapping)
    assert str(caught.value).replace(f"{tmp_path}/", "") == COMPLAINTS[what.replace(": ", ", ")]


def test_lines_that_make_no_sense_may_be_dropped(tmp_path: Path) -> None:
    text = '{"llm": 1}\n{"llm": -1}\n{"llm": -2}\n[2]\n{"llm": 2'
    path = written(tmp_path, text, "x.jsonl")
    log = fit.read(path, unit="s", branches=["llm"], malformed="dropped")
    assert log.seconds.tolist() == [[1.0]]
    assert log.dropped == (
        Dropped("malformed: llm is no duration, 0 or more and finite", 2, 2),
        Dropped("malformed: the line is no JSON object", 1, 4),
        Dropped("malformed: the line is cut off", 1, 5),
    )


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    for name in ("x.csv", "x.hlog", "x.log"):
        with pytest.raises(FileNotFoundError):
            fit.read(tmp_path / name, **CSV)  # type: ignore[arg-type]
