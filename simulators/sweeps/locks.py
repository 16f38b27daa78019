"""One process at a time sweeps into a file; the lock of a process that was killed is none.

The lock is one of the operating system, so it ends with its process however that ended. What is
left of it is an empty claim in a file, which the next sweep takes over.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from simulators.errors import ScenarioError

__all__ = ["locked"]

_HELD: set[str] = set()
"""By this process: locks of the operating system do not keep its own threads apart."""


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """While nobody else has the lock that belongs to `path`.

    `ScenarioError` if somebody has it.
    """
    place = path.with_name(f".{path.name}.lock")
    name = str(place.resolve())
    if name in _HELD:
        raise _taken(path, str(os.getpid()))
    _HELD.add(name)
    try:
        with _open(path, place) as descriptor:
            os.truncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
            yield
    finally:
        _HELD.discard(name)


@contextlib.contextmanager
def _open(path: Path, place: Path) -> Iterator[int]:
    """The lock file, locked, and removed in the end."""
    descriptor = _same_file(path, place)
    try:
        yield descriptor
    finally:
        with contextlib.suppress(OSError):  # Windows removes no file that is open
            place.unlink()
        os.close(descriptor)


def _same_file(path: Path, place: Path) -> int:
    """Whoever had the lock may have removed the file between its opening and its locking."""
    while True:
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(descriptor)
        except OSError:
            holder = os.read(descriptor, 32).decode().strip()
            os.close(descriptor)
            raise _taken(path, holder or "unknown") from None
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), place.stat()):
                return descriptor
        os.close(descriptor)


def _taken(path: Path, holder: str) -> ScenarioError:
    why = f"is being swept into by process {holder}"
    return ScenarioError("the file", path.name, why, "wait for it, or use another name")


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)  # beyond the text, which others may read
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
