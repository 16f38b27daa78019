"""Processes are killed, and nothing is lost, done twice, or left behind."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from simulators import sweeps
from simulators.scenario import ScenarioError
from simulators.sweeps import dealing
from simulators.sweeps.journal import journal_of
from tests.unit.simulators.sweeps import killers
from tests.unit.simulators.sweeps.grids import (
    ASKED,
    grid,
    rows_so_far,
    sweeping,
    until,
    when_rows_are_there,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

POINTS = 40


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "sweep.jsonl"
    sweeps.run(grid(POINTS), path, **ASKED)
    return path.read_bytes()


def children(process: int) -> list[int]:
    try:
        found = Path(f"/proc/{process}/task/{process}/children").read_text()
    except FileNotFoundError:
        return []
    return [int(child) for child in found.split()]


def alive(process: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    return False


def start(path: Path, pool: object) -> subprocess.Popen[str]:
    """A sweep in a process of its own; to be used in `with`."""
    root = Path(__file__).parents[4]
    environment = os.environ | {"PYTHONPATH": str(root)}
    command = sweeping(path, POINTS, pool)
    return subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_a_sweep_that_was_killed_goes_on(
    tmp_path: Path, whole: bytes, sign: signal.Signals
) -> None:
    path = tmp_path / "sweep.jsonl"
    with start(path, 2) as process:
        until(lambda: rows_so_far(path) >= 3)
        workers = children(process.pid)
        if sign == signal.SIGINT:  # a terminal sends it to all of them
            os.killpg(process.pid, sign)
        else:
            process.send_signal(sign)
        assert process.stderr is not None
        told = process.stderr.read()
    until(lambda: not any(alive(worker) for worker in workers))
    assert not path.exists()
    if sign == signal.SIGINT:
        assert f"interrupted; sweep into {path} again to go on from here\n" in told
        assert told.count("Traceback") == 1
    kept = journal_of(path).read_bytes()
    kept = kept[: kept.rindex(b"\n") + 1]
    assert 3 <= rows_so_far(path) < POINTS

    journals = []
    with when_rows_are_there(
        path, rows_so_far(path) + 1, lambda: journals.append(journal_of(path).read_bytes())
    ):
        sweeps.run(grid(POINTS), path, **ASKED)
    assert journals[0].startswith(kept)
    assert path.read_bytes() == whole


def test_two_do_not_sweep_into_one_file(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "sweep.jsonl"
    with start(path, None) as process:
        until(lambda: rows_so_far(path) >= 1)
        process.send_signal(signal.SIGSTOP)
        told = f"which is being swept into by process {process.pid}; wait for it, or use another"
        with pytest.raises(ScenarioError, match=told):
            sweeps.run(grid(POINTS), path, **ASKED)
        process.send_signal(signal.SIGCONT)
        process.communicate()
    assert process.returncode == 0
    assert path.read_bytes() == whole


def test_workers_that_are_killed_lose_nothing(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "sweep.jsonl"
    killed = []

    def kill() -> None:
        for worker in multiprocessing.active_children():
            assert worker.pid is not None
            killed.append(worker.pid)
            os.kill(worker.pid, signal.SIGKILL)

    with when_rows_are_there(path, 5, kill):
        sweeps.run(grid(POINTS), path, pool=2, **ASKED)
    assert len(killed) == 2
    assert path.read_bytes() == whole
    assert multiprocessing.active_children() == []


def test_a_point_that_kills_its_process_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sweep.jsonl"
    monkeypatch.setattr(dealing, "answer", killers.answer)
    name = grid(12).points[killers.POISON]
    with pytest.raises(ScenarioError) as caught:
        sweeps.run(grid(12), path, pool=2, **ASKED)
    assert str(caught.value) == (
        f"the point is '{name}', which has ended its process {dealing.ATTEMPTS} times; "
        "give it more memory or fewer requests; the rows that are done are kept"
    )
    assert rows_so_far(path) == 11
    assert multiprocessing.active_children() == []


def test_a_script_without_a_guard_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "sweep.jsonl"
    command = sweeping(path, 4, 1)
    script = Path(command[1])
    script.write_text(script.read_text().replace("if __name__ == '__main__':", "if True:"))
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[4])}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(
        "pool is '1 processes', which could not be started; put the sweep of a script under "
        "if __name__ == '__main__':"
    )
    assert not journal_of(path).exists()
