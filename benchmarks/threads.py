"""Threaded programs: speed, the bare cost of a baton, bugs found, and what is left behind.

    python -m benchmarks.threads [--only PART] [--rounds N] [--seeds N] [--executions N]

Contenders take turns, each in a process of its own, and what counts is CPU time; only the ratios
of one run are printed.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Callable, Sequence
from contextlib import closing
from statistics import median

from benchmarks.arena import Ratio
from benchmarks.threaded import leaks
from benchmarks.threaded.models import BROKEN, CORRECT, Model
from benchmarks.threaded.players import Player, Refusal, ratios
from benchmarks.threaded.tools import TOOLS, Spectest

__all__ = ["main"]

CUT = 1000
_GIVE_UP_AFTER = 5  # seeds without a failure
_LIMIT_S = 120.0
_FASTEST_GOAL, _BARE_GOAL = 5, 3
_OURS = "spectest"
_FINDERS_ONLY = ("spectest, portfolio", "frontrun 0.7, dpor")


def speed(options: argparse.Namespace) -> None:
    """Executions per CPU second beside the other tools that control threads."""
    print("\n### Executions beside other tools\n")
    rivals = [name for name in TOOLS if name not in (_OURS, *_FINDERS_ONLY)]
    players = [Player(name, limit_s=_LIMIT_S) for name in (_OURS, *rivals)]
    columns = {}
    try:
        for program in CORRECT:
            columns[program] = ratios(players[0], players[1:], program, rounds=options.rounds)
    finally:
        for player in players:
            player.stop()
    _table("times as fast as", columns, rivals)
    for program, column in columns.items():
        numbers = {name: cell for name, cell in column.items() if isinstance(cell, Ratio)}
        best = min(numbers, key=lambda name: numbers[name].median, default="")
        if best:
            times = numbers[best].median
            verdict = f"{times:.2f} times {best}, the fastest"
            print(f"* {program}: {verdict} ({_goal(times, _FASTEST_GOAL)})")
    _refusals(columns)


def bare(options: argparse.Namespace) -> None:
    """One execution beside as many hand-overs of a hand-written baton."""
    print("\n### One execution beside the bare baton\n")
    names = ("threads reused", "fresh threads")
    players = [Player(name, limit_s=_LIMIT_S) for name in (_OURS, *names)]
    print("| program | threads | hand-overs | " + " | ".join(names) + " | goal |")
    print("|---" * 6 + "|")
    try:
        for program, model in CORRECT.items():
            passes = hand_overs(model)
            size = (model.threads, max(model.threads, round(passes)))
            found = ratios(
                players[0],
                players[1:],
                program,
                dict.fromkeys(names, size),
                rounds=options.rounds,
            )
            cells = {name: _times_as_long(cell) for name, cell in found.items()}
            reused = found["threads reused"]
            met = isinstance(reused, Ratio) and 1 / reused.median <= _BARE_GOAL
            print(
                f"| {program} | {model.threads} | {passes:.1f} | "
                + " | ".join(cells[name] for name in names)
                + f" | {_BARE_GOAL}: {'met' if met else 'not met'} |",
                flush=True,
            )
    finally:
        for player in players:
            player.stop()


def hand_overs(model: Model, executions: int = 100) -> float:
    """How often the baton changes hands in one execution, on average over a random walk."""
    from spectest.threads.handover import HandOver
    from spectest.threads.lives import Threads

    count = 0
    stand, live = HandOver._stand, Threads._life

    def counted(real: Callable[..., None]) -> Callable[..., None]:
        def call(*args: object) -> None:
            nonlocal count
            count += 1
            real(*args)

        return call

    # Whoever stands at its gate, or begins to live, gets the baton once.
    HandOver._stand = counted(stand)  # type: ignore[method-assign]
    Threads._life = counted(live)  # type: ignore[method-assign]
    try:
        Spectest("random").explore(model, executions, 0)
    finally:
        HandOver._stand, Threads._life = stand, live  # type: ignore[method-assign]
    return count / executions


def finding(options: argparse.Namespace) -> None:
    """Executions to the first failure."""
    print(f"\n### Executions to the first failure, median and worst of {options.seeds} seeds\n")
    print(f"| | {' | '.join(BROKEN)} |")
    print("|---" * (len(BROKEN) + 1) + "|")
    notes: dict[str, list[str]] = {}
    for name, tool in TOOLS.items():
        seeds = options.seeds if tool.seeded else 1
        with closing(Player(name, limit_s=_LIMIT_S)) as player:
            cells = []
            for program in BROKEN:
                hits, refusals = first_hits(player, program, seeds)
                cells.append(_found(hits, refusals, seeds))
                for why in refusals:
                    notes.setdefault(f"{name}: {why}", []).append(program)
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    print()
    for note, programs in notes.items():
        print(f"* {note} ({', '.join(dict.fromkeys(programs))})")


def first_hits(player: Player, program: str, seeds: int) -> tuple[list[int], list[str]]:
    """The first failure for each seed, and why there is none; gives up when nothing is found."""
    hits: list[int] = []
    refusals: list[str] = []
    for seed in range(seeds):
        if seed >= _GIVE_UP_AFTER and not any(hit <= CUT for hit in hits):
            break
        try:
            hits.append(player.first_hit(program, seed, CUT))
        except Refusal as why:
            refusals.append(_shortened(str(why)))
    return hits, refusals


def _found(hits: Sequence[int], refusals: Sequence[str], seeds: int) -> str:
    missed = sum(hit > CUT for hit in hits)
    if missed + len(refusals) >= min(_GIVE_UP_AFTER, seeds) and missed == len(hits):
        if refusals:
            return "no answer"
        return f"never in {len(hits)} x {CUT}"
    never = [CUT + 1] * len(refusals)
    middle = median([*hits, *never])
    cell = f"{middle:g}" if middle <= CUT else f"over {CUT}"
    if seeds > 1:
        cell += f" ({max(hits)})" if not missed else f" (missed by {missed})"
    return cell + (f", no answer to {len(refusals)}" if refusals else "")


def left_behind(options: argparse.Namespace) -> None:
    """Growth per execution."""
    fresh = multiprocessing.get_context("spawn")
    found = {}
    for programs in leaks.SETS:
        with fresh.Pool(1) as process:
            found[programs] = process.apply(leaks.growth, (programs, options.executions))
    made = min(growth.executions for growth in found.values())
    print(f"\n### Left behind by {made:,} executions\n")
    print("| | " + " | ".join(f"{programs} programs" for programs in found) + " |")
    print("|---" * (len(found) + 1) + "|")
    rows: dict[str, Callable[[leaks.Growth], str]] = {
        "resident memory, bytes per execution": lambda it: f"{it.resident:.1f}",
        "objects the collector knows, per execution": lambda it: f"{it.objects:.3f}",
        "of an execution, objects only the collector frees": lambda it: f"{it.cyclic:.2f}",
        "`threading.enumerate()`, more than before": lambda it: str(it.threads),
        "threads of the process, more than before": lambda it: str(it.tasks),
        "the same, during the search": lambda it: str(it.tasks_inside),
    }
    for title, cell in rows.items():
        print(f"| {title} | {' | '.join(cell(growth) for growth in found.values())} |")


def _table(title: str, columns: dict[str, dict[str, Ratio | str]], names: Sequence[str]) -> None:
    print(f"| {title} | {' | '.join(columns)} |")
    print("|---" * (len(columns) + 1) + "|")
    for name in names:
        cells = [column[name] for column in columns.values()]
        shown = [str(cell) if isinstance(cell, Ratio) else "no number" for cell in cells]
        print(f"| {name} | {' | '.join(shown)} |")
    print()


def _refusals(columns: dict[str, dict[str, Ratio | str]]) -> None:
    for program, column in columns.items():
        for name, cell in column.items():
            if isinstance(cell, str):
                print(f"* {program}, {name}: {_shortened(cell)}")


def _times_as_long(cell: Ratio | str) -> str:
    """How many times as long ours takes."""
    if isinstance(cell, str):
        return f"no number: {_shortened(cell)}"
    return str(Ratio(tuple(1 / times for times in cell.rounds)))


def _goal(times: float, goal: float) -> str:
    return f"goal {goal:g}: {'met' if times >= goal else 'not met'}"


def _shortened(text: str, most: int = 100) -> str:
    return text if len(text) <= most else text[:most] + "..."


_PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "speed": speed,
    "bare": bare,
    "finding": finding,
    "leaks": left_behind,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the four tables, or one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.threads", description=__doc__)
    parser.add_argument("--only", choices=list(_PARTS))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--executions", type=int, default=10_000, help="for the leaks")
    options = parser.parse_args(arguments)
    for name, part in _PARTS.items():
        if options.only in (name, None):
            part(options)


if __name__ == "__main__":
    main()
