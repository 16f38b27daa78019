"""Measured times from real files; what cannot be read is refused with its line."""

import base64
import json
import struct
import zlib
from pathlib import Path

import pytest

from spectest.errors import UsageError
from spectest.latency import Empirical
from spectest.latency.hdr import decoded

DATA = Path(__file__).parent / "data"
LOG = (DATA / "sample.hlog").read_text()
EXPECTED = json.loads((DATA / "expected.json").read_text())


def refused(match: str) -> "pytest.RaisesExc[UsageError]":
    return pytest.raises(UsageError, match=match)


def written(folder: Path, text: str) -> Path:
    path = folder / "times.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_column_of_a_csv_file(tmp_path: Path) -> None:
    path = written(tmp_path, '\ufeff"took, ms",status\n150,200\n30.5,200\n150,500\n')
    assert Empirical.from_csv(path, "took, ms", unit="ms") == Empirical([0.15, 0.0305, 0.15])


@pytest.mark.parametrize("unit, value", [("s", 0.15), ("ms", 150), ("us", 150_000), ("ns", 15e7)])
def test_units(tmp_path: Path, unit: str, value: float) -> None:
    path = written(tmp_path, f"took\n{value}\n")
    assert Empirical.from_csv(str(path), "took", unit) == Empirical([0.15])


@pytest.mark.parametrize(
    "text, match",
    [
        ("", "has no column 'took'; use one of none"),
        ("time,status\n1,2\n", "has no column 'took'; use one of time, status"),
        ("took\n", "has no row below its header"),
        ("took\n1\nfast\n", r"times.txt, line 3: took='fast' is not a time"),
        ("a,took\n1,2\n1\n", r"line 3: took=None is not a time"),
        ('a,took\n"x\ny",1\n1,-2\n', r"line 4: took='-2'"),
        ("took\nnan\n", "line 2: took='nan'"),
        ("took\ninf\n", "line 2: took='inf'"),
    ],
)
def test_a_csv_file_that_cannot_be_read(tmp_path: Path, text: str, match: str) -> None:
    with refused(match):
        Empirical.from_csv(written(tmp_path, text), "took")


def test_a_file_or_unit_that_is_not_there(tmp_path: Path) -> None:
    with refused("absent.csv cannot be read: No such file"):
        Empirical.from_csv(tmp_path / "absent.csv", "took")
    with refused("unit='min' is not known; use one of s, ms, us, ns"):
        Empirical.from_csv(tmp_path / "absent.csv", "took", unit="min")
    (tmp_path / "latin.csv").write_bytes(b"took\n\xe9\n")
    with refused("is not UTF-8 text"):
        Empirical.from_csv(tmp_path / "latin.csv", "took")


def test_a_field_of_json_lines(tmp_path: Path) -> None:
    path = written(tmp_path, '{"span": {"ms": 150}}\n\n{"span": {"ms": 30.5, "x": 1}}\n')
    assert Empirical.from_jsonl(path, "span.ms", unit="ms") == Empirical([0.15, 0.0305])


@pytest.mark.parametrize(
    "text, match",
    [
        ("", "has no line"),
        ('{"a": {"b": 1}}\n{"a": 1}\n', "line 2 has no field 'a.b'"),
        ('{"a": {"b": 1}}\n{"a": \n', "line 2 is not JSON"),
        ('{"a": {"b": "1"}}\n', "line 1: a.b='1' is not a number"),
        ('{"a": {"b": true}}\n', "line 1: a.b=True is not a number"),
        ('{"a": {"b": -1}}\n', "line 1: a.b=-1 is not a time"),
        ('{"a": {"b": NaN}}\n', "line 1: a.b=nan is not a time"),
    ],
)
def test_json_lines_that_cannot_be_read(tmp_path: Path, text: str, match: str) -> None:
    with refused(match):
        Empirical.from_jsonl(written(tmp_path, text), "a.b")


def test_a_log_of_hdrhistogram_has_its_percentiles() -> None:
    latency = Empirical.from_hdr(DATA / "sample.hlog", unit="us")
    assert f"of {EXPECTED['count']} values" in str(latency)
    assert latency.mean == pytest.approx(EXPECTED["mean_us"] / 1e6, rel=5e-4)
    for p, value in EXPECTED["percentiles_us"].items():
        if p != "1":  # there it rounds the rank down
            assert latency.quantile(float(p) / 100) == value / 1e6


def test_a_text_of_percentiles_has_the_percentiles_that_it_prints() -> None:
    latency = Empirical.from_hdr(DATA / "sample.hgrm", unit="ms")
    assert f"of {EXPECTED['count']} values" in str(latency)
    for line in (DATA / "sample.hgrm").read_text().splitlines():
        if (columns := line.split()) and columns[0].replace(".", "").isdigit():
            assert latency.sf(float(columns[0]) / 1000) <= 1 - float(columns[1]) + 1e-3
    assert latency.support[1] == EXPECTED["percentiles_us"]["100"] / 1e6


def test_intervals_are_chosen_by_their_tag(tmp_path: Path) -> None:
    *head, first, second, third = LOG.splitlines()
    path = written(tmp_path, "\n".join([*head, f"Tag=GET,{first}", f"Tag=PUT,{second}", third]))
    found = [Empirical.from_hdr(path, unit="us", tag=tag) for tag in (None, "GET", "PUT")]
    assert [str(latency).split()[2] for latency in found] == ["501", "501", "501"]
    assert len(set(found)) == 3
    with refused("no interval with tag='POST'; use tag='GET', tag='PUT', tag=None"):
        Empirical.from_hdr(path, unit="us", tag="POST")


def encoded(counters: bytes, *, cookie: int = 0x1C849303, offset: int = 0) -> str:
    head = struct.pack(">IIiIqqd", cookie, len(counters), offset, 3, 1, 10**6, 1.0)
    payload = zlib.compress(head + counters)
    return base64.b64encode(struct.pack(">II", 0x1C849314, len(payload)) + payload).decode()


def test_counts_are_zigzag_numbers_of_up_to_nine_bytes() -> None:
    large = bytes([0xFE] + [0xFF] * 7 + [0x7F])  # ZigZag of 2**62 - 1, in nine bytes
    assert decoded(encoded(b"\x02" + b"\x03" + b"\x80\x01" + large)) == [
        (0, 1),
        (3, 64),
        (4, 2**62 - 1),
    ]
    assert decoded(encoded(b"\x87\x20\x02")) == [(2057, 1)]  # 2052 empty ones come before


@pytest.mark.parametrize(
    "text, match",
    [
        ("", "has no recorded value"),
        ("took\n1\n", "line 1 is no line of an HdrHistogram log"),
        ("1.0,1.0,1.0,!!!\n", "line 1 is no line of an HdrHistogram log"),
        ("1.0,1.0,1.0,AAAA\n", "line 1: the encoded histogram is damaged"),
        ("1.0,1.0,1.0,AAA\n", "line 1: "),
        ("1.0,1.0,1.0,AAAAAAAAAAA=\n", "line 1: not a compressed V2 histogram"),
        (f"1.0,1.0,1.0,{encoded(b'', cookie=1)}\n", "line 1: not a V2 histogram of integers"),
        (f"1.0,1.0,1.0,{encoded(b'', offset=3)}\n", "line 1: not a V2 histogram of integers"),
        (f"1.0,1.0,1.0,{encoded(bytes([0x80]))}\n", "line 1: .* a count is cut off"),
        (f"1.0,1.0,1.0,{encoded(b'')}\n", "has no recorded value"),
        ("Value Percentile TotalCount\n1.0 0.5 x\n", "line 2 is no line of percentiles"),
        ("Value Percentile TotalCount\n1.0 0.5 7\n1.0 0.7 6\n", "line 3 is no line of percentiles"),
    ],
)
def test_a_histogram_that_cannot_be_read(tmp_path: Path, text: str, match: str) -> None:
    with refused(match):
        Empirical.from_hdr(written(tmp_path, text), unit="us")
