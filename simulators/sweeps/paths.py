"""Where an axis points in the data of a scenario, and that data with another value there."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from simulators import checks
from simulators.errors import ScenarioError
from simulators.forms import fields_of
from simulators.scenario import Scenario

__all__ = ["DERIVED", "put", "steps_of"]

DERIVED = ("hedge", "load")
"""Axes that are no field of a scenario."""

_STEP = re.compile(r"(?:^|\.)([^.\[\]]+)|\[\s*(['\"]?)([^\]]+?)\2\s*\]")


def steps_of(path: str) -> tuple[str, ...]:
    """("branches", "llm", "cancel") of `branches.llm.cancel` and of `branches['llm'].cancel`.

    Brackets hold a name with dots in it, or the place in a list, counted from 0. `ScenarioError` if
    it is no path, or begins with what no scenario has.
    """
    steps, at = [], 0
    while match := _STEP.match(path, at):
        steps.append(match[1] or match[3])
        at = match.end()
    if not steps or at < len(path):
        remedy = "use one such as policy.delay or branches.llm.latency"
        raise ScenarioError("axis", path, "is no path into a scenario", remedy)
    known = [name for name in fields_of(Scenario) if name != "order"]
    if steps[0] not in known:
        remedy = checks.nearest(steps[0], [*known, *DERIVED])
        raise ScenarioError("axis", path, f"begins with {steps[0]!r}, which is no field", remedy)
    return tuple(steps)


def put(data: Mapping[str, Any], path: str, value: Any, defaults: Mapping[str, Any]) -> Any:
    """A copy of `data` with `value` at `path`; whole parts that `data` leaves out are `defaults`.

    Whether a scenario can have the field and the value is for `files.from_data` to say.
    """
    steps = steps_of(path)
    changed = copy.deepcopy(dict(data))
    if changed.get(steps[0]) is None and defaults.get(steps[0]) is not None:
        changed[steps[0]] = copy.deepcopy(defaults[steps[0]])
    node: Any = changed
    for place, step in enumerate(steps):
        at, last = ".".join(steps[:place]), place == len(steps) - 1
        if isinstance(node, list):
            key: Any = _place(path, at, node, step)
        elif isinstance(node, dict):
            key = step
        else:
            why = f"goes into {at}, which is {node!r} and has no fields"
            raise ScenarioError("axis", path, why, f"sweep {at} as a whole")
        if last:
            node[key] = copy.deepcopy(value)
        elif isinstance(node, dict) and node.get(key) is None:
            node[key] = {}
        node = node[key]
    return changed


def _place(path: str, at: str, parts: list[Any], step: str) -> int:
    names = [part.get("name") if isinstance(part, Mapping) else None for part in parts]
    if step in names:
        return names.index(step)
    if step.isdecimal() and int(step) < len(parts):
        return int(step)
    known = [name for name in names if isinstance(name, str)] or list(map(str, range(len(parts))))
    remedy = checks.nearest(step, known) if known else f"declare it in {at}"
    raise ScenarioError("axis", path, f"names {step!r}, which is not in {at}", remedy)
