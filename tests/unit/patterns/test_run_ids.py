import multiprocessing
import os
import pickle
import signal
import sqlite3
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from spectest.patterns import run_ids
from spectest.patterns.run_ids import BLOCK, FILE, RunId, RunIds, RunIdsError


def test_the_worker_stays_and_each_start_has_its_block(tmp_path: Path) -> None:
    first, second = RunIds(tmp_path), RunIds(tmp_path)
    drawn = [first.next(), second.next(), first.next(), RunIds(tmp_path).next()]
    assert {run_id.worker for run_id in drawn} == {str(uuid.UUID(first.worker))}
    assert [run_id.number for run_id in drawn] == [0, BLOCK, 1, 2 * BLOCK]


def test_another_directory_is_another_worker(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert RunIds(tmp_path / "a").worker != RunIds(tmp_path / "b").worker


def test_a_run_id_reads_well_and_is_a_value() -> None:
    worker = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
    run_id = RunId(worker, 7)
    assert str(run_id) == f"{worker}/7"
    assert pickle.loads(pickle.dumps(run_id)) == run_id
    assert {run_id: 1}[RunId(worker, 7)] == 1


def test_a_used_up_block_is_followed_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_ids, "BLOCK", 3)
    one, other = RunIds(tmp_path), RunIds(tmp_path)
    numbers = [source.next().number for source in (one, other) * 4]
    assert numbers == [0, 3, 1, 4, 2, 5, 6, 9]


def test_threads_draw_no_number_twice(tmp_path: Path) -> None:
    ids = RunIds(tmp_path)
    together = threading.Barrier(8)

    def draw(_: int) -> list[RunId]:
        together.wait()
        return [ids.next() for _ in range(500)]

    with ThreadPoolExecutor(8) as pool:
        drawn = [run_id for part in pool.map(draw, range(8)) for run_id in part]
    assert sorted(run_id.number for run_id in drawn) == list(range(4_000))


def test_a_pickled_one_draws_from_another_block(tmp_path: Path) -> None:
    ids = RunIds(tmp_path)
    copied = pickle.loads(pickle.dumps(ids))
    assert copied.worker == ids.worker
    assert ids.next() != copied.next()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_repeats_no_number_even_while_the_lock_is_held(tmp_path: Path) -> None:
    ids = RunIds(tmp_path)
    before = ids.next()
    receiving, sending = os.pipe()
    with ids._lock:  # as if another thread of the parent were drawing
        child = os.fork()
        if child == 0:
            try:
                os.write(sending, str(ids.next().number).encode())
            finally:
                os._exit(0)
    os.close(sending)
    with os.fdopen(receiving, "rb") as pipe:
        number = int(pipe.read())
    os.waitpid(child, 0)
    assert (before.number, number, ids.next().number) == (0, BLOCK, 1)


# Real processes.

PER_START = 10


def start_and_draw(folder: str, rounds: int, together: Connection, drawn: Connection) -> None:
    """`rounds` starts, each at the same moment as the other process's, and numbers of each."""
    found = []
    for _ in range(rounds):
        together.send(None)
        together.recv()
        ids = RunIds(folder)
        found += [str(ids.next()) for _ in range(PER_START)]
    drawn.send(found)


def draw_until_killed(folder: str, drawn: Connection) -> None:
    while True:
        ids = RunIds(folder)
        drawn.send([str(ids.next()) for _ in range(PER_START)])


def received(pipe: Connection) -> list[str]:
    """What was sent completely before the other end was closed."""
    found: list[str] = []
    while True:
        try:
            found += pipe.recv()
        except (EOFError, OSError):
            return found


def test_processes_that_start_at_once_draw_no_number_twice(tmp_path: Path) -> None:
    spawn, rounds = multiprocessing.get_context("spawn"), 300
    barrier_here, barrier_there = spawn.Pipe()
    first_here, first_there = spawn.Pipe()
    second_here, second_there = spawn.Pipe()
    processes = [
        spawn.Process(target=start_and_draw, args=(str(tmp_path), rounds, *pipes))
        for pipes in ((barrier_here, first_there), (barrier_there, second_there))
    ]
    for process in processes:
        process.start()
    for pipe in (barrier_here, barrier_there, first_there, second_there):
        pipe.close()  # so that the end of one process is seen by the others
    drawn = received(first_here) + received(second_here)
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert len(set(drawn)) == len(drawn) == 2 * rounds * PER_START
    assert {text.partition("/")[0] for text in drawn} == {RunIds(tmp_path).worker}
    assert RunIds(tmp_path).next().number == (2 * rounds + 1) * BLOCK


def test_a_killed_process_leaves_nothing_that_a_restart_repeats(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    drawn: list[str] = []
    for batches in (1, 5, 9):
        here, there = spawn.Pipe(duplex=False)
        process = spawn.Process(target=draw_until_killed, args=(str(tmp_path), there))
        process.start()
        there.close()
        for _ in range(batches):
            drawn += here.recv()
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        drawn += received(here)
        drawn.append(str(RunIds(tmp_path).next()))
    assert len(set(drawn)) == len(drawn) > 15 * PER_START
    assert len({text.partition("/")[0] for text in drawn}) == 1


# What is in the way is named, with the way out.


def refusal(directory: Path) -> RunIdsError:
    with pytest.raises(RunIdsError) as caught:
        RunIds(directory)
    return caught.value


def test_a_missing_directory(tmp_path: Path) -> None:
    error = refusal(tmp_path / "absent")
    assert str(error).startswith(f"{tmp_path / 'absent'}: is no directory; create it")
    assert error.path == str(tmp_path / "absent")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    error = refusal(tmp_path)
    assert str(error).startswith(f"{tmp_path / FILE}: cannot be written (unable to open")
    assert "make it and its directory writable" in str(error)


def foreign(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE other (x)")
    connection.close()


def emptied(file: Path) -> None:
    RunIds(file.parent)
    with sqlite3.connect(file) as connection:
        connection.execute("DELETE FROM worker")
    connection.close()


def overwritten(file: Path) -> None:
    RunIds(file.parent)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE worker SET uuid = 'nobody'")
    connection.close()


def cut(file: Path) -> None:
    RunIds(file.parent)
    file.write_bytes(file.read_bytes()[:5000])


def garbage(file: Path) -> None:
    file.write_bytes(b"not a database, and longer than the header of one " * 20)


@pytest.mark.parametrize("damage", [foreign, emptied, overwritten, cut, garbage])
def test_a_damaged_file_is_named_and_moving_it_away_helps(tmp_path: Path, damage: object) -> None:
    file = tmp_path / FILE
    assert callable(damage)
    damage(file)
    before = file.read_bytes()
    error = refusal(tmp_path)
    assert str(error).startswith(f"{file}: does not hold run IDs (")
    assert "move it away" in str(error)
    assert file.read_bytes() == before
    file.rename(tmp_path / "damaged")
    assert RunIds(tmp_path).next().number == 0


def test_a_process_that_hangs_in_the_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    RunIds(tmp_path)
    monkeypatch.setattr(run_ids, "PATIENCE_S", 0.01)
    holder = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert "find the process that hangs there" in str(refusal(tmp_path))
    holder.execute("ROLLBACK")
    holder.close()
    assert RunIds(tmp_path).next().number == BLOCK
