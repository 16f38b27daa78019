"""A sweep from its grid to its file: what is asked, who does it, and what is there already."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from simulators import estimators, files, provenance
from simulators.chances import checked_count
from simulators.checks import count, probability
from simulators.errors import ScenarioError
from simulators.estimators.measures import check_measures
from simulators.scenario import Scenario
from simulators.sweeps.crews import crew_of
from simulators.sweeps.dealing import Dealer
from simulators.sweeps.grid import Grid
from simulators.sweeps.journal import FORMAT, Journal, contents, journal_of
from simulators.sweeps.locks import locked
from simulators.sweeps.progress import Progress
from simulators.sweeps.rows import Question, Task, forget, refusal

__all__ = ["Row", "read", "run"]

Row: TypeAlias = dict[str, Any]

_AT_ONCE = 200_000
"""Requests of a chunk of rows: what a crash may cost, and what makes handing it out worth while."""


def run(
    grid: Grid,
    path: str | os.PathLike[str],
    *,
    n: int,
    seed: int = 0,
    replications: int = 1,
    warmup: int = 0,
    measures: Sequence[str] | None = None,
    level: float = 0.95,
    pool: Any = None,
    progress: bool = True,
    resume: bool = True,
) -> list[Row]:
    """Simulate `n` requests at each point of the grid; the rows, which are also in the file.

    Each point is simulated `replications` times, with the seeds `seed`, `seed + 1`, ..., and beside
    its control group on the same draws; the first `warmup` requests are cut. `measures`: names as
    in `estimators.MEASURES`, or such as "p90"; None: all. `level`: of their intervals.

    `pool`: None for this process, "processes" for one on each core, a number of processes,
    "dask://host:port" for a Dask cluster, "dask://" for one of this machine, or an executor of
    `concurrent.futures`. The file is the same from all of them, to the last byte.

    An interrupted sweep goes on when the same is asked again; its rows are in `path` + ".part"
    until all are there. `ScenarioError` if the file is of another sweep and `resume`, if another
    process is sweeping into it, or if a point cannot be simulated.
    """
    place = Path(path)
    if not place.absolute().parent.is_dir():
        remedy = "make it first"
        raise ScenarioError("the folder", str(place.parent), "does not exist", remedy)
    question = _question(grid, n, warmup, level, measures)
    first, times = _whole("seed", seed), count("replications", replications, "number of runs")
    tasks = [
        task
        for point in range(len(grid))
        for task in _tasks(grid, point, range(first, first + times), times)
    ]
    header = _header(grid, question, first, times)
    with locked(place):
        journal = Journal(place, header)
        journal.open(resume=resume)
        try:
            _fill(journal, grid, tasks, question, pool, shown=progress)
            journal.finish()
        finally:
            journal.close()
    return read(place)


def read(path: str | os.PathLike[str]) -> list[Row]:
    """The rows of a finished sweep, in the order of its grid.

    `ScenarioError` if the sweep is not finished, or the file is no sweep's.
    """
    place = Path(path)
    if journal_of(place).exists():
        header, rows, _ = contents(journal_of(place))
        why = f"has {len(rows)} of {header['rows']} rows so far"
        raise ScenarioError("the file", place.name, why, "sweep again to have the others")
    if not place.exists():
        raise ScenarioError("the file", place.name, "does not exist", "sweep into it first")
    header, rows, _ = contents(place)
    if len(rows) != header["rows"]:
        why = f"has lost {header['rows'] - len(rows)} of its rows"
        raise ScenarioError("the file", place.name, why, "sweep again to have them")
    return [json.loads(line) for line in rows.values()]


def _fill(
    journal: Journal,
    grid: Grid,
    tasks: list[Task],
    question: Question,
    pool: Any,
    *,
    shown: bool,
) -> None:
    missing = [task for task in tasks if task.row not in journal.done]
    bar = Progress(journal.total, journal.total - len(missing), shown=shown)
    refused = [(task, grid.points[task.point].refused) for task in missing]
    rows = [refusal(task, reason) for task, reason in refused if reason is not None]
    if rows:
        journal.add(rows)
        bar.advance(len(rows))
    left = _grouped([task for task, reason in refused if reason is None], grid)
    if left:
        try:
            _simulate(journal, left, question, pool, bar)
        except KeyboardInterrupt:
            bar.end(f"interrupted; sweep into {journal.path} again to go on from here")
            raise
        except BaseException:
            bar.end()
            raise
    bar.end()


def _simulate(
    journal: Journal, tasks: list[Task], question: Question, pool: Any, bar: Progress
) -> None:
    crew = crew_of(pool)
    over = False
    try:
        dealer = Dealer(_chunks(tasks, question.n, crew.size), question, crew, bar.show)
        for lines in dealer.rows():
            journal.add(lines)
            bar.advance(len(lines))
        over = True
    finally:
        crew.close(now=not over)
        forget()


def _grouped(tasks: list[Task], grid: Grid) -> list[Task]:
    """In the order of the grid, but those side by side that have a control group in common."""
    groups: dict[tuple[str, int], list[Task]] = {}
    for task in tasks:
        scenario = grid.points[task.point].scenario
        group = "" if scenario is None else _control_of(scenario)
        groups.setdefault((group, task.seed), []).append(task)
    return [task for group in groups.values() for task in group]


def _control_of(scenario: Scenario) -> str:
    try:
        return estimators.control_of(scenario).hash
    except ScenarioError:  # control is offered more than its pools can do
        return scenario.hash


def _chunks(tasks: list[Task], n: int, size: int) -> list[list[Task]]:
    """Few enough rows that every worker has several chunks."""
    rows = max(1, min(_AT_ONCE // n, len(tasks) // (4 * size)))
    return [tasks[at : at + rows] for at in range(0, len(tasks), rows)]


def _question(
    grid: Grid, n: int, warmup: int, level: float, measures: Sequence[str] | None
) -> Question:
    if not 0 < probability("level", level) < 1:
        raise ScenarioError("level", level, "leaves nothing out or in", "use one such as 0.95")
    for point in grid.points:
        if point.scenario is not None:
            checked_count(point.scenario, n)
            check_measures(point.scenario, measures or ())
    if not 0 <= _whole("warmup", warmup) < n:
        raise ScenarioError("warmup", warmup, f"cuts all of {n} requests", "cut fewer")
    names = None if measures is None else tuple(measures)
    return Question(n, warmup, float(level), names, provenance.versions())


def _tasks(grid: Grid, index: int, seeds: Sequence[int], times: int) -> Iterator[Task]:
    point = grid.points[index]
    scenario = "" if point.scenario is None else files.to_json(point.scenario)
    for place, seed in enumerate(seeds):
        row = index * times + place
        yield Task(row, index, point.axes, point.derived, seed, scenario, str(point))


def _header(grid: Grid, question: Question, seed: int, replications: int) -> dict[str, Any]:
    return {
        "sweep": FORMAT,
        "axes": {axis.name: list(axis.values) for axis in grid.axes},
        "n": question.n,
        "seed": seed,
        "replications": replications,
        "warmup": question.warmup,
        "level": question.level,
        "measures": None if question.measures is None else list(question.measures),
        "versions": dict(question.versions),
        "scenarios": grid.hash,
        "rows": len(grid) * replications,
    }


def _whole(field: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ScenarioError(field, value, "is no whole number", "use 0 or more")
    return value
