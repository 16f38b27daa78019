"""The tree below a directory: what there is, and what is in it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path

from spectest.ambient import REAL
from spectest.kernel.values import shown

__all__ = ["Directory"]

_SHORT = 120
_TICK_NS = 50_000_000
"""Within so much time a file may be written twice, and have the same time of modification."""


class Directory:
    """`name`: what paths begin with. A directory that is gone is watched no longer."""

    def __init__(self, name: str, path: str) -> None:
        self._name = name
        self._path = str(Path(path).absolute())
        self._known: dict[str, tuple[tuple[int, ...], str, bool]] = {}

    def look(self) -> Mapping[str, str] | None:
        if not os.path.isdir(self._path):  # noqa: PTH112  # at each line, as a string
            return None
        return {f"{self._name}/{path}": text for path, text in self._below(self._path, "")}

    def close(self) -> None:
        self._known.clear()

    def _below(self, folder: str, inside: str) -> Iterator[tuple[str, str]]:
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            return
        for entry in found:
            path = f"{inside}{entry.name}"
            if entry.is_symlink():
                yield path, "a symbolic link"
            elif entry.is_dir(follow_symlinks=False):
                yield f"{path}/", "a directory"
                yield from self._below(entry.path, f"{path}/")
            else:
                yield path, self._content(entry)

    def _content(self, entry: os.DirEntry[str]) -> str:
        try:
            status = entry.stat(follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode):
                return "no regular file"
            mark = status.st_size, status.st_mtime_ns, status.st_ino
            known = self._known.get(entry.path)
            if known is not None and known[0] == mark and known[2]:
                return known[1]
            settled = REAL.time_ns() - status.st_mtime_ns > _TICK_NS
            text = _said(Path(entry.path).read_bytes())
        except OSError:
            return "unreadable"
        self._known[entry.path] = mark, text, settled
        return text


def _said(content: bytes) -> str:
    """Short text as it is, of anything else the size and a digest."""
    if len(content) <= _SHORT:
        try:
            return shown(content.decode())
        except UnicodeDecodeError:
            pass
    return f"{len(content)} bytes, {blake2b(content, digest_size=8).hexdigest()}"
