"""`sweep`: axes from the command line, a table, a file that resumes, and the word on how."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from simulators import cli, sweeps
from simulators.sweeps import rows as made
from tests.unit.simulators.conftest import Command

ALONE = ("--engine-pool", "none", "--no-progress", "--n", "200")


def swept(command: Command, *options: object, name: str = "pooled.toml") -> list[dict[str, Any]]:
    left = command("sweep", name, "--output", "out.jsonl", *ALONE, *options)
    assert (left.code, left.err) == (0, "")
    return sweeps.read("out.jsonl")


def test_axes_in_their_order(command: Command) -> None:
    rows = swept(
        command,
        *("--hedge", "p50..p99:2", "--load", "0.3,0.6", "--pool", "10,20"),
        *("--axis", "branches.llm.cancel=immediate,never"),
    )
    assert len(rows) == 16
    assert list(rows[0]["axes"].values()) == ["immediate", 10, 0.3, "p50"]
    assert list(rows[-1]["axes"].values()) == ["never", 20, 0.6, "p99"]


def test_a_table_and_csv(command: Command) -> None:
    options = ("--hedge", "0.5,1.5", "--output", "out.jsonl", "--csv", "out.csv", *ALONE)
    left = command("sweep", "pooled.toml", *options)
    head, first, *_ = left.out.splitlines()
    assert head.split()[:3] == ["hedge", "p99", "saved"]
    assert max(map(len, left.out.splitlines())) <= 100
    rows = sweeps.read("out.jsonl")
    flat = list(csv.DictReader(Path("out.csv").read_text("utf-8").splitlines()))
    assert [row["hedge"] for row in flat] == ["0.5", "1.5"]
    for row, line in zip(rows, flat, strict=True):
        assert float(line["p99"]) == row["measures"]["p99"]["value"]
        assert float(line["p99_low"] or "nan") == pytest.approx(
            row["measures"]["p99"]["low"] or float("nan"), nan_ok=True
        )
        assert float(line["work_saved_value"]) == row["control"]["work"]["saved"]["value"]
        assert line["scenario_hash"] == row["provenance"]["scenario_hash"]
    assert first.split()[0] == "0.5"


def test_the_delay_of_a_file_stays_a_quantile(command: Command) -> None:
    (row, other) = swept(command, "--axis", "branches.llm.latency=0.5,1.0")
    assert (row["measures"]["p50"]["value"], other["measures"]["p50"]["value"]) == (0.5, 1.0)


def test_processes_write_the_same_bytes(command: Command) -> None:
    swept(command, "--load", "0.3,0.6")
    alone = Path("out.jsonl").read_bytes()
    options = ("--output", "again.jsonl", "--no-progress", "--n", "200", "--load", "0.3,0.6")
    assert command("sweep", "pooled.toml", *options, "--workers", 1).code == 0
    assert Path("again.jsonl").read_bytes() == alone


def test_an_interrupted_sweep_says_how_to_go_on_and_does(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = made.answer
    answered: list[Any] = []

    def interrupted(tasks: Any, question: Any) -> Any:
        if len(answered) == 2:
            raise KeyboardInterrupt
        answered.append(tasks)
        return answer(tasks, question)

    options = ("sweep", "pooled.toml", "--output", "out.jsonl", *ALONE, "--load", "0.3..0.6:4")
    told = "the rows so far are in out.jsonl.part, and the same command goes on"
    with monkeypatch.context() as patch:
        patch.setattr("simulators.sweeps.dealing.answer", interrupted)
        left = command(*options)
    assert left == (
        cli.INTERRUPTED,
        "",
        f"simulators: interrupted; {told}\n",
    )
    assert not Path("out.jsonl").exists()
    assert len(Path("out.jsonl.part").read_text("utf-8").splitlines()) == 3
    answered.clear()

    def counted(tasks: Any, question: Any) -> Any:
        answered.append(tasks)
        return answer(tasks, question)

    monkeypatch.setattr("simulators.sweeps.dealing.answer", counted)
    assert command(*options).code == 0
    assert len(answered) == 2
    assert len(sweeps.read("out.jsonl")) == 4


def test_another_sweep_is_not_overwritten_unless_asked(command: Command) -> None:
    swept(command, "--load", "0.3")
    options = ("sweep", "pooled.toml", "--output", "out.jsonl", *ALONE, "--load", "0.4")
    left = command(*options)
    assert left.code == cli.INVALID
    assert "is of another sweep" in left.err
    assert left.err.endswith("; use another name, or begin anew with --anew\n")
    assert command(*options, "--anew").code == 0


def test_points_that_make_no_sense_are_an_error_or_rows(command: Command) -> None:
    options = ("sweep", "pooled.toml", "--output", "out.jsonl", *ALONE, "--load", "0.5,1.5")
    left = command(*options)
    assert left.code == cli.INVALID
    assert left.err.startswith("simulators: offered load of pools['gpu'] at the point load=1.5 is")
    assert not list(Path().glob("out*"))
    out = command(*options, "--refused", "row").out
    assert "refused      offered load of pools['gpu'] is 1.5" in out


@pytest.mark.parametrize("axis", ["--hedge=p50..p99:3", "--load=0.3..0.6:3"])
def test_a_plot_of_one_axis(command: Command, axis: str) -> None:
    options = ("--output", "out.jsonl", *ALONE, "--plot", "out.svg", axis)
    assert command("sweep", "pooled.toml", *options).code == 0
    assert "p99, s" in Path("out.svg").read_text("utf-8")


def test_progress_is_told_on_stderr(command: Command) -> None:
    options = ("--output", "out.jsonl", "--engine-pool", "none", "--n", 100, "--load", "0.3,0.4")
    left = command("sweep", "pooled.toml", *options)
    assert "2/2 rows" in left.err


def test_rows_are_one_object_a_line(command: Command) -> None:
    swept(command, "--load", "0.3,0.4", "--replications", 2, "--measures", "p90,mean")
    header, *rows = [json.loads(line) for line in Path("out.jsonl").read_text("utf-8").splitlines()]
    assert header["replications"] == 2
    assert [row["seed"] for row in rows] == [0, 1, 0, 1]
    assert list(rows[0]["measures"]) == ["p90", "mean"]
