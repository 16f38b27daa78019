"""What a sweep says of one point: a row, computed anywhere, the same everywhere.

A row is made of plain data, in the process that simulates; only its text travels back. Which
engine makes it follows from the question: "delays" where a hedge delay is all that can differ from
control, "fast" elsewhere. What neighbouring points of a grid share is kept from one to the next.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from simulators import estimators, fast, files, provenance
from simulators.errors import ScenarioError
from simulators.estimators import Comparison, Estimate
from simulators.results import Requests
from simulators.scenario import Scenario
from simulators.sweeps import delays
from simulators.sweeps.journal import to_line

__all__ = ["Question", "Task", "answer", "forget", "refusal"]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of every point. `measures`: None for all that a scenario has."""

    n: int
    warmup: int
    level: float
    measures: tuple[str, ...] | None
    versions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Task:
    """One row to be made: the point as JSON, `scenario` as its data, and the seed."""

    row: int
    point: int
    axes: Mapping[str, Any]
    derived: Mapping[str, float]
    seed: int
    scenario: str
    name: str


def refusal(task: Task, reason: str) -> str:
    """The row of a point that makes no sense."""
    return _line(task, refused=reason)


def answer(tasks: Sequence[Task], question: Question) -> list[str]:
    """The rows of these tasks, in their order.

    `ScenarioError` if this process has other versions of what numbers depend on than the process
    that asks.
    """
    if provenance.versions() != question.versions:
        asked, ours = dict(question.versions), dict(provenance.versions())
        name = min(name for name in {*asked, *ours} if asked.get(name) != ours.get(name))
        why = f"is not {asked.get(name)}, which the sweep was begun with"
        remedy = "install the same versions everywhere"
        raise ScenarioError(f"{name} of a worker", ours.get(name), why, remedy)
    return [_row(task, question) for task in tasks]


def forget() -> None:
    """Let go of what this process keeps from one point to the next."""
    _control.cache_clear()
    _family.cache_clear()


def _row(task: Task, question: Question) -> str:
    data = json.loads(task.scenario)
    scenario = files.from_data(data)
    found: Mapping[str, Estimate]
    compared: Mapping[str, Comparison] = {}
    refused, engine = None, "fast"
    if delays.has(scenario) and question.n > 1 and not question.warmup:
        engine = "delays"
        policy = data["policy"]
        any_delay = json.dumps({**data, "policy": {**policy, "delay": 0.0}})
        family = _family(any_delay, question.n, task.seed)
        found, compared = family.at(policy["delay"], question.level, question.measures)
    else:
        requests = _requests(scenario, task.seed, question)
        found = estimators.summary(requests, question.level, question.measures)
        try:
            control = _control(files.to_json(estimators.control_of(scenario)), task.seed, question)
            compared = estimators.compare(requests, control, question.level, question.measures)
        except ScenarioError as error:
            refused = str(error)
    made = provenance.of(scenario, engine, task.seed, question.n)
    return _line(
        task,
        measures={name: _estimate(one) for name, one in found.items()},
        control={name: _comparison(one) for name, one in compared.items()},
        control_refused=refused,
        provenance=made.to_data(),
    )


def _line(
    task: Task,
    *,
    refused: str | None = None,
    measures: Mapping[str, Any] = MappingProxyType({}),
    control: Mapping[str, Any] = MappingProxyType({}),
    control_refused: str | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> str:
    row = {
        "row": task.row,
        "point": task.point,
        "axes": task.axes,
        "derived": task.derived,
        "seed": task.seed,
        "refused": refused,
        "measures": dict(measures),
        "control": dict(control),
        "control_refused": control_refused,
        "provenance": provenance,
    }
    return to_line(row)


def _requests(scenario: Scenario, seed: int, question: Question) -> Requests:
    return estimators.cut(fast.run(scenario, question.n, seed), question.warmup)


@functools.lru_cache(maxsize=1)
def _control(scenario: str, seed: int, question: Question) -> Requests:
    return _requests(files.from_data(json.loads(scenario)), seed, question)


@functools.lru_cache(maxsize=1)
def _family(scenario: str, n: int, seed: int) -> delays.Family:
    return delays.Family(files.from_data(json.loads(scenario)), n, seed)


def _estimate(one: Estimate) -> dict[str, Any]:
    return {name: _plain(value) for name, value in dataclasses.asdict(one).items()}


def _comparison(one: Comparison) -> dict[str, Any]:
    return {
        "control": _plain(one.control),
        "difference": _estimate(one.difference),
        "saved": _estimate(one.saved),
        "times": _plain(one.times),
    }


def _plain(value: Any) -> Any:
    """JSON has no NaN and no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
