"""`run`: the table, the same as JSON and CSV, an event log, and a plot."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from simulators import cli
from tests.unit.simulators.conftest import Command


def lines_of(text: str) -> dict[str, str]:
    """The first table: the rest of each line by its measure."""
    table = text.split("\n\n")[1]
    return {line.split()[0]: line for line in table.splitlines()[1:]}


def rows_of(text: str) -> dict[str, dict[str, str]]:
    return {row["measure"]: row for row in csv.DictReader(text.splitlines())}


def test_every_measure_has_interval_effective_number_method_and_exact_value(
    command: Command,
) -> None:
    left = command("run", "free.toml", "--n", 2_000)
    assert (left.code, left.err) == (0, "")
    lines = lines_of(left.out)
    assert list(lines) == [
        "mean", "p50", "p95", "p99", "p99.9", "cost", "work", "wasted", "launches", "drops",
        "unanswered", "refused:",
    ]  # fmt: skip
    words = lines["p95"].split()
    assert (words[1], words[4]) == ("s", "to")
    value, low, high, exact = (float(words[place]) for place in (2, 3, 5, 6))
    assert low < exact < high
    assert low < value < high
    assert words[7:] == ["2,000", "binomial", "order", "statistics"]


def test_a_refused_interval_says_why(command: Command) -> None:
    lines = lines_of(command("run", "free.toml", "--n", 2_000).out)
    assert "refused, see below" in lines["p99.9"]
    assert lines["refused:"].startswith("refused: p99.9: 2000 requests say too little of")


def test_it_fits_a_terminal(command: Command) -> None:
    lines = command("run", "pooled.toml", "--n", 30_000).out.splitlines()
    assert [line for line in lines if len(line) > 100 and not line.startswith("versions")] == []


def test_control_stands_beside_it_on_the_same_draws(command: Command) -> None:
    out = command("run", "free.toml", "--n", 2_000).out
    assert "without speculation, Sequential() on the same draws" in out
    assert "exact        survival of a delayed hedge" in out
    assert "of control   convolution of attempts one after the other" in out


def test_where_there_is_no_formula_the_reason_is_given(command: Command) -> None:
    out = command("run", "pooled.toml", "--n", 2_000).out
    assert "exact        not applicable: Hedge(delay=1.872, most=None) with a pool" in out


def test_the_engine_exact_simulates_nothing(command: Command) -> None:
    left = command("run", "free.toml", "--engine", "exact", "--output", "json")
    facts = json.loads(left.out)
    assert facts["provenance"]["n"] == 0
    p99 = next(row for row in facts["measures"] if row["measure"] == "p99")
    assert p99["estimate"]["value"] == p99["exact"] == facts["exact"]["measures"]["p99"]
    assert p99["control"]["value"] == pytest.approx(3.0, rel=1e-2)  # 6 s later nobody waits
    assert p99["difference"]["value"] == p99["exact"] - p99["control"]["value"]


def test_events_and_fast_print_the_same_numbers(command: Command) -> None:
    fast, events = (
        command("run", "pooled.toml", "--n", 1_000, "--engine", engine).out
        for engine in ("fast", "events")
    )
    assert (
        fast.replace("'fast'", "'events'").split("\nprovenance")[0]
        == (events.split("\nprovenance")[0])
    )


def test_json_and_csv_say_the_same(command: Command) -> None:
    facts = json.loads(command("run", "pooled.toml", "--n", 2_000, "--output", "json").out)
    rows = rows_of(command("run", "pooled.toml", "--n", 2_000, "--output", "csv").out)
    assert list(rows) == [row["measure"] for row in facts["measures"]]
    for row in facts["measures"]:
        flat = rows[row["measure"]]
        for part in ("estimate", "control", "difference", "saved"):
            head = "" if part == "estimate" else f"{part}_"
            for name, value in row[part].items():
                assert flat[head + name] == ("" if value is None else str(value))
        assert flat["exact_missing"] == row["exact_missing"]


def test_the_warm_up_is_cut_where_requests_queue(command: Command) -> None:
    def cut(name: str) -> Any:
        return json.loads(command("run", name, "--n", 2_000, "--output", "json").out)["cut"]

    assert (cut("pooled.toml"), cut("free.toml")) == (200, 0)


def test_some_measures_in_their_order(command: Command) -> None:
    out = command("run", "free.toml", "--n", 500, "--measures", "p90,mean").out
    assert list(lines_of(out)) == ["p90", "mean"]


def test_precision_is_reached_or_not(command: Command) -> None:
    options = ("--output", "json", "--precision")
    reached = json.loads(command("run", "free.toml", *options, "p99=0.03").out)
    assert reached["precise"] is True
    assert reached["provenance"]["n"] in (10_000, 20_000, 40_000)
    missed = json.loads(command("run", "free.toml", *options, "0.001", "--n", 3_000).out)
    assert (missed["precise"], missed["provenance"]["n"]) == (False, 3_000)
    out = command("run", "free.toml", "--precision", "0.001", "--n", 3_000).out
    assert "less precise than asked" in " ".join(out.split())


def test_the_first_requests_event_by_event(command: Command) -> None:
    options = ("pooled.toml", "--n", 50, "--engine", "events", "--trace", 2)
    log = command("run", *options).out.split("\n\n")[-1].splitlines()
    assert log[0].split() == ["time,", "s", "request", "event", "branch"]
    assert {line.split()[1] for line in log[1:]} == {"0", "1"}
    events = json.loads(command("run", *options, "--output", "json").out)["events"]
    assert len(events) == len(log) - 1
    assert events[0]["what"] == "arrived"


def test_a_file_has_what_would_have_been_printed(command: Command) -> None:
    printed = command("run", "free.toml", "--n", 100)
    written = command("run", "free.toml", "--n", 100, "--output-file", "out.txt")
    assert written.out == ""
    assert Path("out.txt").read_text("utf-8") == printed.out


@pytest.mark.parametrize("name, begins", [("out.svg", b"<?xml"), ("out.png", b"\x89PNG")])
def test_a_plot(command: Command, name: str, begins: bytes) -> None:
    assert command("run", "free.toml", "--n", 1_000, "--plot", name).code == 0
    assert Path(name).read_bytes().startswith(begins)


def test_control_that_collapses_is_shown_with_a_note(command: Command) -> None:
    text = Path("collapsing.toml").read_text("utf-8")
    eager = text.replace('"never"', '"immediate"').replace("rate = 2.0", "rate = 8.0")
    eager = eager.replace('kind = "Hedge"\ndelay = {quantile = 0.95}', 'kind = "EagerRace"')
    Path("eager.toml").write_text(eager, "utf-8")
    out = command("run", "eager.toml", "--n", 2_000).out
    assert "without speculation it collapses: offered load of pools['gpu'] is 1.319" in " ".join(
        out.split()
    )


def test_nothing_is_imported_that_is_not_needed_for_help(command: Command) -> None:
    left = command("run", "--help")
    assert left.code == 0
    assert "--precision" in left.out


def test_an_interrupt_is_said(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("simulators.what_if.ask", interrupted)
    left = command("run", "free.toml")
    assert left == (cli.INTERRUPTED, "", "simulators: interrupted\n")
