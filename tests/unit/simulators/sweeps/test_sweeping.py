import json
import math
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from simulators import estimators, fast, provenance, sweeps
from simulators.scenario import ScenarioError
from simulators.sweeps import dealing, rows, running
from simulators.sweeps.journal import journal_of
from tests.unit.simulators.sweeps.grids import ASKED, data, grid


def strict(path: Path) -> list[Any]:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    return [json.loads(line, parse_constant=refuse) for line in path.read_text().splitlines()]


def test_a_row_has_values_measures_control_and_provenance(tmp_path: Path) -> None:
    path = tmp_path / "sweep.jsonl"
    found = sweeps.run(grid(4), path, n=1500, seed=7, warmup=100, level=0.9, progress=False)
    assert found == sweeps.read(path) == strict(path)[1:]
    row, point = found[3], grid(4).points[3]
    assert row["axes"] == {"hedge": "p90", "load": 0.9} == point.axes
    assert row["derived"] == point.derived
    assert (row["row"], row["point"], row["seed"], row["refused"]) == (3, 3, 7, None)
    assert point.scenario is not None
    requests = estimators.cut(fast.run(point.scenario, 1500, 7), 100)
    control = estimators.cut(fast.run(estimators.control_of(point.scenario), 1500, 7), 100)
    wanted = estimators.summary(requests, 0.9)
    assert list(row["measures"]) == list(wanted)
    for name, estimate in wanted.items():
        told = row["measures"][name]
        assert (told["value"], told["low"], told["high"]) == (
            estimate.value, estimate.low, estimate.high
        )  # fmt: skip
        assert (told["refused"], told["method"]) == (estimate.refused, estimate.method)
    for name, comparison in estimators.compare(requests, control, 0.9).items():
        told = row["control"][name]["difference"]
        assert (told["value"], told["low"]) == (
            comparison.difference.value, comparison.difference.low
        )  # fmt: skip
    assert row["provenance"] == provenance.of(point.scenario, "fast", 7, 1500).to_data()


def test_what_is_no_number_is_null(tmp_path: Path) -> None:
    nobody = data(branches=[{"name": "llm", "latency": 1.0, "failure": 1.0, "pool": "gpu"}])
    nobody["policy"] = {"kind": "Sequential"}
    path = tmp_path / "sweep.jsonl"
    (row,) = sweeps.run(sweeps.Grid(nobody, {"load": [0.5]}), path, n=300, progress=False)
    assert row["measures"]["p99"]["value"] is None
    assert row["measures"]["unanswered"]["value"] == 1.0
    strict(path)


def test_where_only_the_delay_varies_the_tails_answer(tmp_path: Path) -> None:
    alone = data(
        branches=[{"name": "a", "latency": {"p50": 0.6, "p99": 3.0}}, {"name": "b", "latency": 1.0}]
    )
    alone["policy"] = {"kind": "Hedge", "delay": 1.0}
    del alone["pools"], alone["arrivals"]
    made = sweeps.Grid(alone, {"hedge": [0.5, 1.0], "branches.b.latency": [1.0, 2.0]})
    found = sweeps.run(made, tmp_path / "sweep.jsonl", n=500, progress=False)
    for point, row in zip(made.points, found, strict=True):
        assert point.scenario is not None
        assert row["provenance"] == provenance.of(point.scenario, "delays", 0, 500).to_data()
        value = estimators.estimate(fast.run(point.scenario, 500), "mean").value
        assert row["measures"]["mean"]["value"] == pytest.approx(value, rel=1e-12)
    warm = sweeps.run(made, tmp_path / "warm.jsonl", n=500, warmup=100, progress=False)
    assert {row["provenance"]["engine"] for row in warm} == {"fast"}


def test_points_with_one_control_group_are_neighbours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[int] = []

    def noted(tasks: Any, question: Any) -> list[str]:
        order.extend(task.row for task in tasks)
        return rows.answer(tasks, question)

    monkeypatch.setattr(dealing, "answer", noted)
    sweeps.run(grid(6), tmp_path / "sweep.jsonl", **ASKED)
    assert order == [0, 3, 1, 4, 2, 5]  # the load is control's, too, and the delay is not


def test_control_may_be_more_than_pools_can_do(tmp_path: Path) -> None:
    eager = data(policy={"kind": "EagerRace", "branches": ["llm", "backup"]})
    made = sweeps.Grid(eager, {"load": [1.2], "branches.backup.latency": [0.2]})
    (row,) = sweeps.run(made, tmp_path / "sweep.jsonl", n=500, progress=False)
    assert row["control"] == {}
    assert row["control_refused"].startswith("offered load of pools['gpu'] is 1.2, which is more")
    assert row["measures"]["p50"]["value"] <= 0.2


def test_each_point_is_replicated_from_its_seeds(tmp_path: Path) -> None:
    found = sweeps.run(grid(4), tmp_path / "sweep.jsonl", seed=5, replications=3, **ASKED)
    assert [(row["row"], row["point"], row["seed"]) for row in found[:6]] == [
        (0, 0, 5), (1, 0, 6), (2, 0, 7), (3, 1, 5), (4, 1, 6), (5, 1, 7),
    ]  # fmt: skip
    (other,) = sweeps.run(
        sweeps.Grid(data(), {"hedge": ["p50"], "load": [0.9]}),
        tmp_path / "other.jsonl", seed=6, **ASKED,
    )  # fmt: skip
    assert other["measures"] == found[4]["measures"] != found[5]["measures"]


def test_a_refused_point_is_a_row_with_its_reason(tmp_path: Path) -> None:
    made = sweeps.Grid(data(), {"load": [0.5, 1.5]}, refused="row")
    fine, refused = sweeps.run(made, tmp_path / "sweep.jsonl", **ASKED)
    assert fine["refused"] is None
    assert refused["refused"].startswith("offered load of pools['gpu'] is 1.5")
    assert refused["axes"] == {"load": 1.5}
    assert refused["measures"] == refused["control"] == {}
    assert refused["provenance"] is None
    assert list(refused) == list(fine)


def test_the_file_does_not_tell_who_did_the_work(tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as threads:
        for name, pool in {"here": None, "processes": 2, "threads": threads}.items():
            sweeps.run(grid(), tmp_path / name, replications=2, pool=pool, **ASKED)
    here, *others = ((tmp_path / name).read_bytes() for name in ("here", "processes", "threads"))
    assert others == [here, here]


def test_an_interrupted_sweep_does_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, path = tmp_path / "whole.jsonl", tmp_path / "sweep.jsonl"
    sweeps.run(grid(), whole, **ASKED)
    simulated: list[int] = []
    stops = [8, 4]

    def interrupted(tasks: Any, question: Any) -> list[str]:
        if stops and len(simulated) == stops[-1]:
            stops.pop()
            raise KeyboardInterrupt
        simulated.extend(task.row for task in tasks)
        return rows.answer(tasks, question)

    monkeypatch.setattr(dealing, "answer", interrupted)
    monkeypatch.setattr(running, "_AT_ONCE", 1)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            sweeps.run(grid(), path, **ASKED | {"progress": True})
        told = f"interrupted; sweep into {path} again to go on from here\n"
        assert capsys.readouterr().err.endswith(told)
        assert not path.exists()
    with pytest.raises(ScenarioError, match="has 8 of 12 rows so far; sweep again to have the"):
        sweeps.read(path)
    sweeps.run(grid(), path, **ASKED)
    assert sorted(simulated) == list(range(12))
    assert path.read_bytes() == whole.read_bytes()
    sweeps.run(grid(), path, **ASKED)
    assert len(simulated) == 12
    sweeps.run(grid(), path, resume=False, **ASKED)
    assert len(simulated) == 24


@pytest.mark.parametrize(
    "change, told",
    [
        ({"n": 0}, "n is 0, which is no number of requests; use 1 or more"),
        ({"seed": -1}, "seed is -1, which is no whole number; use 0 or more"),
        ({"replications": 0}, "replications is 0, which is no number of runs"),
        ({"warmup": 1000}, "warmup is 1000, which cuts all of 1000 requests; cut fewer"),
        ({"level": 1}, "level is 1, which leaves nothing out or in; use one such as 0.95"),
        ({"measures": "p99"}, r"measures is 'p99', which is no list of names; use \['p99'\]"),
        ({"measures": ["costs"]}, "measures is 'costs', which is no measure of it; did you mean"),
        ({"measures": ["utilisation:cpu"]}, "did you mean 'utilisation:gpu'"),
        ({"pool": "proceses"}, "pool is 'proceses', which does not work; use None, a number"),
        ({"pool": 0}, "pool is 0, which does not work"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_runs(
    tmp_path: Path, change: Any, told: str
) -> None:
    path = tmp_path / "sweep.jsonl"
    with pytest.raises(ScenarioError, match=told):
        sweeps.run(grid(), path, **ASKED | change)
    assert list(tmp_path.iterdir()) == []


def test_a_file_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"the folder is .*, which does not exist; make it"):
        sweeps.run(grid(), tmp_path / "absent" / "sweep.jsonl", **ASKED)
    with pytest.raises(ScenarioError, match="does not exist; sweep into it first"):
        sweeps.read(tmp_path / "sweep.jsonl")


def test_a_file_that_was_cut_is_made_whole(tmp_path: Path) -> None:
    path = tmp_path / "sweep.jsonl"
    sweeps.run(grid(), path, **ASKED)
    whole = path.read_bytes()
    path.write_bytes(whole[:-300])
    with pytest.raises(ScenarioError, match="has lost 1 of its rows; sweep again to have them"):
        sweeps.read(path)
    sweeps.run(grid(), path, **ASKED)
    assert path.read_bytes() == whole


def test_a_worker_with_other_versions_is_refused() -> None:
    versions = (("numpy", "1.0"), *provenance.versions()[1:])
    question = rows.Question(10, 0, 0.95, None, versions)
    with pytest.raises(ScenarioError, match=r"numpy of a worker is .*, which is not 1\.0, which"):
        rows.answer([], question)


def test_what_cannot_be_simulated_is_named_and_the_rest_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(tasks: Any, question: Any) -> list[str]:
        if tasks[0].row == 4:
            raise MemoryError("no room")
        return rows.answer(tasks, question)

    path = tmp_path / "sweep.jsonl"
    monkeypatch.setattr(dealing, "answer", failing)
    monkeypatch.setattr(running, "_AT_ONCE", 1)
    with pytest.raises(ScenarioError) as caught:
        sweeps.run(grid(4), path, replications=2, **ASKED)
    assert str(caught.value) == (
        "what came of hedge=p90, load=0.3 is 'MemoryError: no room', which is no row; "
        "the rows that are done are kept; sweep again to go on"
    )
    assert journal_of(path).exists()
    monkeypatch.undo()
    assert len(sweeps.run(grid(4), path, replications=2, **ASKED)) == 8


class Broken(Executor):
    """An executor whose processes die."""

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(BrokenExecutor("a process has died"))
        return future


def test_a_broken_executor_of_the_user_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="has broken; the rows that are done are kept; make"):
        sweeps.run(grid(4), tmp_path / "sweep.jsonl", pool=Broken(), **ASKED)


def test_files_and_axes_of_a_sweep_are_in_its_first_line(tmp_path: Path) -> None:
    path = tmp_path / "sweep.jsonl"
    sweeps.run(grid(4), path, seed=3, **ASKED)
    header = strict(path)[0]
    assert header["axes"] == {"hedge": ["p50", "p90"], "load": [0.3, 0.9]}
    assert header["scenarios"] == grid(4).hash
    assert (header["rows"], header["n"], header["seed"]) == (4, 1000, 3)
    assert math.isclose(header["level"], 0.95)
    assert header["versions"] == dict(provenance.versions())
