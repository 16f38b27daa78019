"""Grids that are swept in tests, and programs that sweep them elsewhere."""

import copy
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simulators.sweeps import Grid
from simulators.sweeps.journal import journal_of

_DATA: dict[str, Any] = {
    "branches": [
        {"name": "llm", "latency": {"p50": 0.6, "p99": 3.0}, "pool": "gpu"},
        {"name": "backup", "latency": 0.8, "cost": {"fixed": 1.0}},
    ],
    "policy": {
        "kind": "Hedge",
        "delay": {"quantile": 0.95, "of": "llm"},
        "branches": ["llm", "backup"],
    },
    "pools": [{"name": "gpu", "capacity": 20}],
    "arrivals": {"kind": "Poisson", "rate": 15},
}

ASKED: dict[str, Any] = {"n": 1000, "measures": ["p99", "cost"], "progress": False}


def data(**fields: Any) -> dict[str, Any]:
    return {**copy.deepcopy(_DATA), **fields}


def grid(points: int = 12) -> Grid:
    return Grid(data(), {"hedge": "p50,p90", "load": f"0.3..0.9:{points // 2}"})


def sweeping(path: Path, points: int, pool: Any) -> Sequence[str]:
    """The command of a process that sweeps `grid(points)`."""
    program = (
        "from pathlib import Path\n"
        "from simulators import sweeps\n"
        "from tests.unit.simulators.sweeps.grids import ASKED, grid\n"
        "if __name__ == '__main__':\n"
        "    asked = ASKED | {'progress': True}\n"
        f"    sweeps.run(grid({points}), {str(path)!r}, pool={pool!r}, **asked)\n"
    )
    script = path.with_name("sweeping.py")
    script.write_text(program)
    return [sys.executable, str(script)]


def rows_so_far(path: Path) -> int:
    journal = journal_of(path)
    return journal.read_bytes().count(b"\n") - 1 if journal.exists() else 0


@contextmanager
def when_rows_are_there(path: Path, rows: int, act: Callable[[], None]) -> Iterator[None]:
    """Beside a sweep, do something once when it has so many rows."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.005):
            if rows_so_far(path) >= rows:
                act()
                return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for another process."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "another process has not done what was expected of it"
        time.sleep(0.01)
