"""Executions to the first hit, for each strategy and program, over twenty seeds.

    python -m benchmarks.finding [--corpus DIR --libraries DIR] [--strategies A,B] [--seeds N]

Prints a Markdown table. `--corpus` is a folder of cases, `NAME/case.py` with a `scenario`;
`--libraries` holds what they import, in `NAME-buggy`. Cases that cannot be imported are named and
left out; each runs in a process of its own, for they bring different versions of one library.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import multiprocessing
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.programs import PROGRAMS
from spectest.exploration.execution import execute
from spectest.exploration.profiles import profile_of
from spectest.kernel.plan import Plan
from spectest.strategies import NAMES, by_name
from spectest.world import Limits

__all__ = ["Finding", "first_hit", "main"]

CUT = 1000
BUDGET = 200
ELASTICITY = 3.0


@dataclass(frozen=True)
class Finding:
    """The numbers of one program under one strategy; `CUT` + 1 stands for "never"."""

    program: str
    strategy: str
    hits: tuple[int, ...]

    @property
    def median(self) -> float:
        return median(self.hits)

    @property
    def worst(self) -> int:
        return max(self.hits)

    @property
    def mean(self) -> float:
        """Geometric."""
        return math.exp(sum(map(math.log, self.hits)) / len(self.hits))

    @property
    def within_budget(self) -> int:
        return sum(hit <= BUDGET for hit in self.hits)

    def __str__(self) -> str:
        worst = "never" if self.worst > CUT else str(self.worst)
        missed = len(self.hits) - self.within_budget
        return f"{self.median:g} / {worst}" + (f" **-{missed}**" if missed else "")


def first_hit(program: Callable[[], Any], strategy_name: str, seed: int, cut: int = CUT) -> int:
    """Number of the first execution that fails, from 1; cut + 1 if none of `cut` does."""
    limits = Limits(elasticity=ELASTICITY)
    profile = profile_of(execute(program, Plan(seed=seed), limits, record=True))
    strategy = by_name(strategy_name, seed)
    for execution in range(1, cut + 1):
        strategy.begin(execution, profile)
        outcome = execute(program, Plan(seed=seed), limits, chooser=strategy)
        strategy.end(outcome.contested)
        if outcome.failed:
            return execution
        if strategy.exhausted:
            break
    return cut + 1


def measure(name: str, program: Callable[[], Any], options: argparse.Namespace) -> list[Finding]:
    """One row of the table."""
    return [
        Finding(
            name,
            strategy,
            tuple(first_hit(program, strategy, seed, options.cut) for seed in range(options.seeds)),
        )
        for strategy in options.strategies
    ]


def measure_case(case: Path, libraries: Path, options: argparse.Namespace) -> list[Finding] | str:
    """One row, or why there is none; to be called in a fresh process."""
    sys.path.insert(0, str(libraries / f"{case.name}-buggy"))
    spec = importlib.util.spec_from_file_location("case", case / "case.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["case"] = module
    try:
        spec.loader.exec_module(module)
    except ImportError as why:
        return f"{case.name}: {why}"
    meta = module.META
    if meta["kind"] != "asyncio" or meta.get("network"):
        return f"{case.name}: needs {'a network' if meta.get('network') else 'threads'}"
    native = meta.get("native_python", {}).get("buggy")
    if native and sys.version_info[:2] != tuple(map(int, native.split(".")[:2])):
        return f"{case.name}: shows on Python {native}"
    return measure(case.name, module.scenario, options)


def rows(options: argparse.Namespace) -> Iterator[list[Finding] | str]:
    """All rows."""
    if not options.no_suite:
        for entry in PROGRAMS:
            if not entry.fails_in_stock_order and options.only in entry.name:
                yield measure(entry.name, entry.program, options)
    if options.corpus is None:
        return
    fresh = multiprocessing.get_context("spawn")
    for case in sorted(path.parent for path in options.corpus.glob("*/case.py")):
        if options.only in case.name:
            with fresh.Pool(1) as process:
                yield process.apply(measure_case, (case, options.libraries, options))


def heading(strategies: Sequence[str]) -> str:
    """The first two lines of the table."""
    return "| program | " + " | ".join(strategies) + " |\n|---|" + "---|" * len(strategies)


def line(row: Sequence[Finding]) -> str:
    """Median / worst; in bold in how many seeds nothing was found within the budget."""
    return f"| {row[0].program} | " + " | ".join(map(str, row)) + " |"


def totals(found: Sequence[Sequence[Finding]]) -> str:
    """The last lines of the table."""
    columns = list(zip(*found, strict=True))
    means = [math.exp(sum(math.log(cell.mean) for cell in col) / len(col)) for col in columns]
    hits = [sum(cell.within_budget for cell in col) for col in columns]
    tries = sum(len(cell.hits) for cell in columns[0])
    safe = [sum(cell.within_budget >= 0.95 * len(cell.hits) for cell in col) for col in columns]
    lines = {
        "geometric mean": [f"{mean:.2f}" for mean in means],
        f"found within {BUDGET}, of {tries}": map(str, hits),
        f"programs found in 95 %, of {len(found)}": map(str, safe),
    }
    return "\n".join(f"| {name} | {' | '.join(cells)} |" for name, cells in lines.items())


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.finding")
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--libraries", type=Path)
    parser.add_argument("--strategies", type=lambda text: text.split(","), default=list(NAMES))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--cut", type=int, default=CUT)
    parser.add_argument("--only", default="", help="part of the name of a program")
    parser.add_argument("--no-suite", action="store_true", help="the corpus only")
    options = parser.parse_args(arguments)
    if (options.corpus is None) != (options.libraries is None):
        parser.error("--corpus and --libraries go together")
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    options = parse(arguments)
    print(heading(options.strategies))
    found = []
    for row in rows(options):
        if isinstance(row, str):
            print(f"left out: {row}", file=sys.stderr)
        else:
            found.append(row)
            print(line(row), flush=True)
    if found:
        print(totals(found))


if __name__ == "__main__":
    main()
