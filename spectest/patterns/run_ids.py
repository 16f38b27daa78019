"""No number twice: run IDs that stay unique over restarts, processes, threads and forks.

The seed of a winner is made from inputs and run ID. Two runs with the same ID would always agree,
and a log that mentions the ID would mean two runs. So the worker's UUID and a count of starts live
in a small SQLite database; every start takes the next count in one transaction and then draws from
a block of 2**32 numbers of its own, in memory. A process that is killed loses the rest of its block
and nothing else.

The database must not travel: a directory copied to another machine, or baked into an image, makes
two workers of one. It belongs on a local disk; SQLite's locks are unreliable on some network file
systems (see "How To Corrupt An SQLite Database File", section 2.1, at sqlite.org).
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

__all__ = ["RunId", "RunIds", "RunIdsError"]

BLOCK = 2**32
FILE = "run-ids.sqlite3"
PATIENCE_S = 30.0  # A transaction takes milliseconds; whoever waits longer has met a stuck process.


@dataclass(frozen=True, slots=True, order=True)
class RunId:
    """One invocation: `worker`, a UUID as text, and `number`, unique for that worker."""

    worker: str
    number: int

    def __str__(self) -> str:
        return f"{self.worker}/{self.number}"


class RunIdsError(RuntimeError):
    """Run IDs cannot be drawn. Field `path`: the file or directory that is in the way."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(path, why)
        self.path = path
        self.why = why

    def __str__(self) -> str:
        return f"{self.path}: {self.why}"


class RunIds:
    """Draws the run IDs of one worker.

    `directory`: exists, is writable, survives restarts, and is this worker's alone (its processes
    may share it). `worker`: the UUID kept there. `RunIdsError` if the directory is missing or not
    writable, or if the file in it is damaged.

    Safe to share between threads. A forked child takes a block of its own, at its first draw.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self._directory = Path(directory).absolute()
        self._lock = threading.Lock()
        self.worker, start = _reserve(self._directory)
        self._next = start * BLOCK
        self._end = self._next + BLOCK
        _living.add(self)

    def next(self) -> RunId:
        """A run ID that nobody has drawn before. The numbers of a start are consecutive."""
        with self._lock:
            if self._next == self._end:
                self.worker, start = _reserve(self._directory)
                self._next = start * BLOCK
                self._end = self._next + BLOCK
            number = self._next
            self._next += 1
        return RunId(self.worker, number)

    def __repr__(self) -> str:
        return f"RunIds({str(self._directory)!r})"

    def __reduce__(self) -> tuple[type[RunIds], tuple[Path]]:
        return RunIds, (self._directory,)

    def forked(self) -> None:
        """Called in a child process just after `os.fork`."""
        self._lock = threading.Lock()  # Another thread of the parent may have held the old one.
        self._next = self._end  # The block stays with the parent.


_living: weakref.WeakSet[RunIds] = weakref.WeakSet()


def _after_fork() -> None:
    for run_ids in list(_living):
        run_ids.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _reserve(directory: Path) -> tuple[str, int]:
    """The worker's UUID, and a number of starts that is given out once. The first is 0."""
    if not directory.is_dir():
        why = "is no directory; create it, at a place that survives restarts, or pass another one"
        raise RunIdsError(str(directory), why)
    import sqlite3

    file = directory / FILE
    try:
        connection = sqlite3.connect(file, timeout=PATIENCE_S, isolation_level=None)
        with contextlib.closing(connection):
            return _take(connection)
    except (sqlite3.DatabaseError, TypeError, ValueError) as error:
        raise RunIdsError(str(file), _explained(error)) from error


def _explained(error: Exception) -> str:
    match getattr(error, "sqlite_errorname", ""):
        case "SQLITE_BUSY":
            return (
                f"another process has kept it locked for {PATIENCE_S:g} s ({error}); find the "
                "process that hangs there and end it"
            )
        case name if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM")):
            return f"cannot be written ({error}); make it and its directory writable"
        case name if name.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
            return f"cannot be written ({error}); see to the disk"
        case _:
            return (
                f"does not hold run IDs ({error}); move it away, and a new worker UUID is drawn, "
                "under which no number repeats"
            )


def _take(connection: sqlite3.Connection) -> tuple[str, int]:
    """One transaction, the only one from its beginning: processes that start at once take turns."""
    import uuid

    connection.execute("BEGIN IMMEDIATE")
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables:
        connection.execute("CREATE TABLE worker (uuid TEXT NOT NULL, starts INTEGER NOT NULL)")
        connection.execute("INSERT INTO worker VALUES (?, 0)", (str(uuid.uuid4()),))
    rows = connection.execute("SELECT uuid, starts FROM worker").fetchall()
    if len(rows) != 1:
        raise ValueError(f"{len(rows)} workers instead of one")
    worker, starts = str(uuid.UUID(rows[0][0])), int(rows[0][1])
    connection.execute("UPDATE worker SET starts = starts + 1")
    connection.execute("COMMIT")
    return worker, starts
