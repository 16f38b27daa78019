"""Sweeps on a real Dask cluster: a scheduler and three workers, each a process of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulators import sweeps
from simulators.scenario import ScenarioError
from tests.unit.simulators.sweeps.grids import ASKED, grid, until, when_rows_are_there

pytestmark = pytest.mark.filterwarnings("default")  # Dask leaves sockets to the collector


class Cluster:
    def __init__(self, folder: Path) -> None:
        self.file = folder / "scheduler.json"
        root = str(Path(__file__).parents[4])
        self.environment = os.environ | {"PYTHONPATH": root, "TMPDIR": str(folder)}
        self.processes = [self.start("scheduler", "--port", "0", "--host", "127.0.0.1")]
        until(self.file.exists)
        self.workers = [self.start("worker", "--nthreads", "1", "--no-nanny") for _ in range(3)]
        self.processes += self.workers

    def start(self, role: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", role, "--scheduler-file", str(self.file)]
        command += ["--no-dashboard", *options]
        quiet = subprocess.DEVNULL
        return subprocess.Popen(command, stdout=quiet, stderr=quiet, env=self.environment)

    @property
    def pool(self) -> str:
        address: str = json.loads(self.file.read_text())["address"]
        return address.replace("tcp://", "dask://")

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def dask() -> Any:
    return pytest.importorskip("distributed")


@pytest.fixture
def cluster(dask: Any, tmp_path: Path) -> Iterator[Cluster]:
    found = Cluster(tmp_path)
    try:
        yield found
    finally:
        found.stop()


def all_there(pool: str, dask: Any) -> bool:
    with dask.Client(pool.replace("dask://", "tcp://"), set_as_default=False) as client:
        return len(client.nthreads()) == 3


def test_two_workers_of_three_are_killed_and_nothing_is_lost(
    tmp_path: Path, dask: Any, cluster: Cluster
) -> None:
    here, path = tmp_path / "here.jsonl", tmp_path / "sweep.jsonl"
    sweeps.run(grid(60), here, **ASKED)
    until(lambda: all_there(cluster.pool, dask))
    killed = []

    def kill() -> None:
        for worker in cluster.workers[:2]:
            worker.send_signal(signal.SIGKILL)
            killed.append(worker.wait())

    with when_rows_are_there(path, 5, kill):
        sweeps.run(grid(60), path, pool=cluster.pool, **ASKED)
    assert killed == [-signal.SIGKILL] * 2
    assert cluster.workers[2].poll() is None
    assert path.read_bytes() == here.read_bytes()


def test_a_cluster_that_does_not_answer_is_said_not_to(
    tmp_path: Path, dask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from simulators.sweeps import clusters

    monkeypatch.setattr(clusters, "_PATIENCE", "200ms")
    told = r"pool is 'dask://127\.0\.0\.1:1', which does not answer \(.*\); start it with `dask sch"
    with pytest.raises(ScenarioError, match=told) as caught:
        sweeps.run(grid(), tmp_path / "sweep.jsonl", pool="dask://127.0.0.1:1", **ASKED)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_without_dask_there_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ScenarioError) as caught:
        sweeps.run(grid(), tmp_path / "sweep.jsonl", pool="dask://", **ASKED)
    assert str(caught.value) == (
        "pool is 'dask://', which needs the package distributed; pip install spectest[dask]"
    )
