"""What a sweep has found so far, in a file that survives its death at any moment.

The rows come in the order in which they are done, into a journal beside the file that was asked
for, and are on the disk before the next are waited for. When all are there, they are written in the
order of the grid under the name that was asked for, in one step. So the file is complete or absent,
and the same to the last byte however often the sweep was interrupted and whoever did the work.

The first line says what was asked. A sweep goes on with a journal only if it asks for the same.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from simulators.errors import ScenarioError

__all__ = ["FORMAT", "Journal", "contents", "journal_of", "to_line"]

FORMAT = "simulators.sweeps/1"


def to_line(data: Mapping[str, Any]) -> str:
    """One line of JSON, ended; the same for equal data in the same order."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def journal_of(path: Path) -> Path:
    """Where the rows are until all are done."""
    return path.with_name(f"{path.name}.part")


def contents(path: Path) -> tuple[dict[str, Any], dict[int, bytes], int]:
    """The first line of a finished file or a journal, the rows by number, and how long all are.

    A last line that was cut off by a crash is no row. `ScenarioError` if no sweep has written it.
    """
    data = path.read_bytes()
    head, *rest = data.splitlines(keepends=True) or [b""]
    header = _object(head)
    if header is None or header.get("sweep") != FORMAT:
        remedy = "use another name for the sweep"
        raise ScenarioError("the file", path.name, "was not written by a sweep", remedy)
    rows: dict[int, bytes] = {}
    length = len(head)
    for line in rest:
        number = (_object(line) or {}).get("row")
        if not isinstance(number, int):
            break
        rows[number] = line
        length += len(line)
    return header, rows, length


class Journal:
    """The rows of one sweep, on their way to `path`. `header`: what is asked; `rows`: how many.

    To be used by one process at a time; see `locks`.
    """

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self.path = path
        self._header = header
        self._part = journal_of(path)
        self._rows: dict[int, bytes] = {}
        self._kept: int | None = None
        self._file: Any = None

    @property
    def total(self) -> int:
        """How many rows the sweep has."""
        return int(self._header["rows"])

    @property
    def done(self) -> frozenset[int]:
        """The numbers of the rows that are there."""
        return frozenset(self._rows)

    def open(self, *, resume: bool) -> None:
        """Take up what is there. A journal that is there is newer than the file.

        `ScenarioError` if what is there is not this sweep's. Without `resume`, what another sweep
        has written will be replaced, and what was not written by one will not. Nothing is written
        before there is a row.
        """
        found = [place for place in (self._part, self.path) if place.exists()]
        read = [contents(place) for place in found]
        if found and resume:
            header, self._rows, length = read[0]
            self._check(found[0], header)
            self._kept = length if found[0] == self._part else None

    def add(self, lines: Iterable[str]) -> None:
        """Rows that are done; on return they are on the disk."""
        if self._file is None:
            self._begin()
        for line in lines:
            encoded = line.encode()
            self._file.write(encoded)
            self._rows[json.loads(encoded)["row"]] = encoded
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Leave the journal for another time."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def finish(self) -> None:
        """All rows, in the order of the grid, under the name that was asked for."""
        if self._file is None and self.path.exists() and not self._part.exists():
            return
        self.close()
        rows = (self._rows[number] for number in range(self.total))
        _write(self.path, [to_line(self._header).encode(), *rows])
        self._part.unlink(missing_ok=True)

    def _begin(self) -> None:
        """Open the journal, without the line that a crash has cut off, or a new one."""
        if self._kept is None:
            _write(self._part, [to_line(self._header).encode(), *self._rows.values()])
        else:
            os.truncate(self._part, self._kept)
        self._file = self._part.open("ab")

    def _check(self, place: Path, header: Mapping[str, Any]) -> None:
        asked = json.loads(to_line(self._header))
        for told, here, there in _differences(asked, header):
            why = f"is of another sweep: {told} is {_short(there)} there and {_short(here)} here"
            remedy = "use another name, or begin anew with resume=False"
            raise ScenarioError("the file", place.name, why, remedy)


def _differences(
    here: Mapping[str, Any], there: Mapping[str, Any], at: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """What two headers say differently."""
    for name in [*here, *(name for name in there if name not in here)]:
        ours, theirs = here.get(name), there.get(name)
        if ours == theirs:
            continue
        if isinstance(ours, dict) and isinstance(theirs, dict) and list(ours) == list(theirs):
            yield from _differences(ours, theirs, f"{at}{name} ")
        else:
            yield f"{at}{name}", ours, theirs


def _write(path: Path, lines: Iterable[bytes]) -> None:
    """A whole file or none, which survives the machine's death, too."""
    half = path.with_name(f".{path.name}.half")
    with half.open("wb") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
