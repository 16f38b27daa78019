"""Memory after 100,000 executions beside memory after 10,000, in a process of its own.

python -m benchmarks memory
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import resource
import sys
import threading
from pathlib import Path

from benchmarks.contenders import CONTENDERS
from benchmarks.small import PROGRAMS

__all__ = ["main"]

EARLY, LATE = 10_000, 100_000
_SEARCH = 500


async def job() -> None:
    """A hedge between a task and a thread."""
    calls = [
        asyncio.create_task(asyncio.to_thread(sum, range(3))),
        asyncio.create_task(asyncio.sleep(0.001, 3)),
    ]
    done, pending = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    for call in pending:
        call.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    assert done.pop().result() == 3


def main() -> None:
    """Print the growth for each execution."""
    fresh = multiprocessing.get_context("spawn")
    with fresh.Pool(1) as process:
        early, late, threads = process.apply(measure)
    growth = (late - early) / (LATE - EARLY)
    print("\n| | |\n|---|---|")
    print(f"| executions | {LATE:,} |")
    print(f"| growth of resident memory after the first {EARLY:,} | {growth:.1f} bytes each |")
    print(f"| of the size after the first {EARLY:,} | {late / early - 1:+.1%} |")
    print(f"| threads more than before | {threads} |")


def measure() -> tuple[int, int, int]:
    """Bytes early and late, and how many threads there are more."""
    threads = threading.active_count()
    programs = [*PROGRAMS.values(), job]
    explore = CONTENDERS["spectest"].load()
    sizes = []
    for executions in range(_SEARCH, LATE + 1, _SEARCH):
        program = programs[executions // _SEARCH % len(programs)]
        explore(program, _SEARCH, executions)
        if executions in (EARLY, LATE):
            gc.collect()
            sizes.append(resident_bytes())
    return sizes[0], sizes[1], threading.active_count() - threads


def resident_bytes() -> int:
    """Resident memory now; where the system does not tell, the most there ever was."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
