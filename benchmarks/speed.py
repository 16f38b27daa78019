"""One execution and one search beside stock asyncio, and what importing costs.

python -m benchmarks speed
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.arena import arena
from benchmarks.contenders import CONTENDERS, ONCE
from benchmarks.small import PROGRAMS, ping_pong

__all__ = ["main"]

ROUNDS = 15
STARTS = 15
_STOCK = ("spectest", "asyncio.run")

_IMPORT = """
import time
import asyncio
before = time.process_time()
import {0}
print(1000 * (time.process_time() - before))
"""


def main() -> None:
    """Print the three tables."""
    print("\n### Schedules and steps per CPU second\n")
    print("| spectest beside `asyncio.run` | times as fast | goal |\n|---|---|---|")
    with arena({name: CONTENDERS[name] for name in _STOCK}) as contest:
        for name, program in PROGRAMS.items():
            ratio = contest.ratios(program, rounds=ROUNDS)["asyncio.run"]
            print(f"| {name}, exploring | {ratio} | 2 |")
    with arena(ONCE) as contest:
        for name, ratio in contest.ratios(ping_pong, rounds=ROUNDS, executions=1).items():
            goal = "1" if name == "asyncio.run" else ""
            print(f"| 20,000 round trips, one execution, {name} | {ratio} | {goal} |")
    print("\n### Starting\n")
    print("| | CPU ms, median | goal |\n|---|---|---|")
    for module, goal in (("spectest", "30"), ("spectest.exploration.search", "")):
        cost = median(_python("-c", _IMPORT.format(module)) for _ in range(STARTS))
        print(f"| `import {module}`, beyond `import asyncio` | {cost:.1f} | {goal} |")
    print(f"| the plugin, in a pytest run with one empty test | {_plugin_cost():.1f} | 10 |")


def _python(*arguments: str) -> float:
    """What a fresh interpreter prints."""
    output = subprocess.run(
        [sys.executable, *arguments], check=True, capture_output=True, text=True
    ).stdout
    return float(output)


def _plugin_cost() -> float:
    """Milliseconds of CPU time that a pytest run with the plugin takes longer than one without."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_empty.py").write_text("def test_empty():\n    pass\n")
        (Path(folder) / "pytest.ini").write_text("[pytest]\n")
        runs = [
            (_pytest(folder, "-p", "spectest.pytest_plugin"), _pytest(folder))
            for _ in range(STARTS)
        ]
    return 1000 * median(with_plugin - without for with_plugin, without in runs)


def _pytest(folder: str, *options: str) -> float:
    """CPU seconds of one pytest run; no other plugins."""
    root = str(Path(__file__).resolve().parent.parent)
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": root}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
