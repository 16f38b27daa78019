"""`make bench`: the tables of `docs/benchmarks.md`.

python -m benchmarks [speed|rivals|memory|finding|threads|speculation|simulators|all]
"""

from __future__ import annotations

import argparse
import os
import platform

from benchmarks import finding, memory, rivals, simulators, speculation, speed, threads

_PARTS = {
    "speed": speed.main,
    "rivals": rivals.main,
    "memory": memory.main,
    "finding": lambda: finding.main([]),
    "threads": lambda: threads.main([]),
    "speculation": speculation.main,
    "simulators": simulators.main,
}


def main() -> None:
    """Print the tables asked for, all of them by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("part", nargs="?", default="all", choices=[*_PARTS, "all"])
    part = parser.parse_args().part
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} CPUs")
    for name, measure in _PARTS.items():
        if part in (name, "all"):
            print(f"\n## {name.capitalize()}", flush=True)
            measure()


if __name__ == "__main__":
    main()
