import math
from pathlib import Path

import pytest

from simulators.errors import ScenarioError
from simulators.output import html
from simulators.output.words import (
    aligned,
    apart,
    between,
    number,
    share,
    shares,
    shortened,
    wrapped,
)
from simulators.output.writing import write
from spectest.latency import Empirical
from spectest.patterns.policies import Hedge


@pytest.mark.parametrize(
    "value, text",
    [(None, "-"), (math.nan, "-"), (0.0, "0"), (1.23456, "1.235"), (-0.000123456, "-0.0001235"),
     (12345.6, "12,346"), (-1234567.8, "-1,234,568"),
     (9999.4, "9999"), (1e20, "1e+20"), (math.inf, "inf")],
)  # fmt: skip
def test_numbers_have_four_digits(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    "value, text",
    [(None, "-"), (0.1234, "12.3 %"), (-0.0, "0 %"), (-40.128, "-4,013 %"), (1.0, "100 %")],
)
def test_shares_are_in_percent(value: float | None, text: str) -> None:
    assert share(value) == text


def test_an_interval_has_its_unit_once() -> None:
    assert shares(0.1, 0.25) == "10 to 25 %"
    assert shares(-0.00056, 0.0000123) == "-0.06 to 0 %"
    assert between(0.12345, 0.23456) == "0.1235 to 0.2346"
    assert apart(0.12345, 0.23456) == "0.123 to 0.235"


def test_policies_are_shortened_and_nothing_else() -> None:
    assert shortened(Hedge(1.8722369194043704)) == "Hedge(delay=1.872, most=None)"
    assert shortened("M/M/c with rate 15 and 0.123456e-9") == "M/M/c with rate 15 and 1.235e-10"


def test_many_measured_values_are_cut_off() -> None:
    text = shortened(Empirical([float(value) for value in range(1_000)]))
    assert text.startswith("Empirical(")
    assert text.endswith("...")
    assert len(text) <= 303


def test_columns_stand_under_each_other() -> None:
    assert aligned([["", "n"], ["mean", "1"], ["p99", "10"]]) == [
        "       n",
        "mean   1",
        "p99   10",
    ]


def test_long_text_stays_beside_its_label() -> None:
    first, second = wrapped("note  ", "word " * 25)
    assert first.startswith("note  word")
    assert second.startswith("      word")


def test_a_file_is_written_in_full_or_not_at_all(tmp_path: Path) -> None:
    place = tmp_path / "out"
    write(place, "ä")
    assert place.read_bytes() == "ä".encode()
    write(place, b"\x00")
    assert list(tmp_path.iterdir()) == [place]
    with pytest.raises(ScenarioError, match="cannot be written: No such file or directory"):
        write(tmp_path / "no" / "out", "text")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ScenarioError, match="cannot be written"):
        write(tmp_path / "folder", "text")
    assert {path.name for path in tmp_path.iterdir()} == {"out", "folder"}


def test_what_comes_from_outside_is_escaped() -> None:
    evil = "<b>&\"'"
    safe = "&lt;b&gt;&amp;&quot;&#x27;"
    for piece in (
        html.heading(evil),
        html.paragraph(evil),
        html.paragraph("", kind=evil),
        html.table([[evil], [evil]]),
        html.listed([(evil, evil)]),
        html.preformatted(evil),
        html.details(evil, ""),
        html.picture(b"", evil),
        html.document(evil, []),
    ):
        assert safe in piece
        assert evil not in piece
