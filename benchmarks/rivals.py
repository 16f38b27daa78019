"""Schedules per second: spectest's search beside other tools that explore, and stock asyncio.

python -m benchmarks rivals
"""

from __future__ import annotations

from benchmarks.arena import Ratio, arena
from benchmarks.contenders import CONTENDERS
from benchmarks.small import PROGRAMS

__all__ = ["main"]

ROUNDS = 9
MILLION = 1_000_000


def main() -> None:
    """Print a table for an empty process and one for a crowded one."""
    for crowd, title in ((0, "In a fresh process"), (MILLION, "With a million live objects")):
        print(f"\n### {title}\n")
        with arena(CONTENDERS, crowd=crowd) as contest:
            columns = {
                name: contest.ratios(program, rounds=ROUNDS) for name, program in PROGRAMS.items()
            }
        print(f"| times as fast as | orders | {' | '.join(columns)} |")
        print("|---" * (len(columns) + 2) + "|")
        for name in contest.present[1:]:
            orders = "explores" if CONTENDERS[name].explores else "stock"
            cells = [str(column[name] or "no number") for column in columns.values()]
            print(f"| {name} | {orders} | {' | '.join(cells)} |")
        for name, why in contest.absent.items():
            print(f"| {name} | absent: {why} |" + " |" * len(columns))
        print()
        for program, column in columns.items():
            print(f"* {program}: {_verdict(column)}")
            for name in (name for name, ratio in column.items() if ratio is None):
                print(f"* {program}, {name}: {contest.failed[name, PROGRAMS[program]]}")


def _verdict(column: dict[str, Ratio | None]) -> str:
    """Both goals, for one program."""
    stock = column["asyncio.run"]
    explorers = {
        name: ratio.median for name, ratio in column.items() if CONTENDERS[name].explores and ratio
    }
    verdict = "no stock asyncio"
    if stock is not None:
        verdict = f"{stock.median:.2f} times stock (goal 2: {_met(stock.median >= 2)})"
    if explorers:
        fastest = min(explorers, key=lambda name: explorers[name])
        times = explorers[fastest]
        verdict += f", {times:.2f} times {fastest}, the fastest that explores (goal 3: "
        verdict += f"{_met(times >= 3)})"
    return verdict


def _met(goal: bool) -> str:
    return "met" if goal else "not met"
