"""What a page calls tasks, threads and workers: as short as keeps different ones different."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

__all__ = ["Labels"]

_NUMBERED = re.compile(
    r" \((?:Task-\d+|Thread-\d+|ThreadPoolExecutor-\d+_\d+)\)(?: \(\d+\))?", re.DOTALL
)
_WORKER = re.compile(r"\bThreadPoolExecutor-(?=\d+_\d+)")


class Labels:
    """Short names by long ones: "fetch" for "fetch (Task-2)", if no other task is called fetch.

    A worker of a pool without a name keeps its number: "worker 0_1" for "ThreadPoolExecutor-0_1".
    """

    def __init__(self, names: Sequence[str]) -> None:
        bare = {name: _bare(name) for name in names}
        counts: dict[str, int] = {}
        for short in bare.values():
            counts[short] = counts.get(short, 0) + 1
        self._short: Mapping[str, str] = {
            name: short if counts[short] == 1 else _WORKER.sub("worker ", name)
            for name, short in bare.items()
        }
        # Longer names first: "fetch (ThreadPoolExecutor-0_1)" has the worker's own name inside.
        self._by_length = sorted(
            (name for name, short in self._short.items() if short not in (name, "main")),
            key=len,
            reverse=True,
        )

    def __contains__(self, name: str) -> bool:
        return name in self._short

    def __getitem__(self, name: str) -> str:
        """The short name; of something else its own."""
        return self._short.get(name, name)

    def within(self, text: str) -> str:
        """The text with short names for long ones."""
        for name in self._by_length:
            text = text.replace(name, self._short[name])
        return text


def _bare(name: str) -> str:
    match = _NUMBERED.search(name)
    if match and match.end() == len(name):
        return name[: match.start()]
    return _WORKER.sub("worker ", name)
