"""A scenario as a file, TOML or JSON, and the hash of its content.

Both forms say the same, and `scenario.schema.json` says what that is. A file is read strictly: a
field that does not exist, a number out of range or a name of nobody is a `ScenarioError` of one
line. Two scenarios that are equal have the same hash, however they were written down.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulators import checks
from simulators.branches import Branch, Cost, Limiter, Memory, Pool
from simulators.errors import ScenarioError
from simulators.forms import fields_of, kind_from, latency_from, part_from, to_data
from simulators.scenario import Scenario

__all__ = ["SCHEMA", "from_data", "read", "read_data", "to_data", "to_json", "to_toml", "write"]

SCHEMA = Path(__file__).with_name("scenario.schema.json")
"""Where the JSON Schema is: https://json-schema.org, draft 2020-12."""


def read(path: str | os.PathLike[str]) -> Scenario:
    """The scenario in a file whose name ends in .toml or .json.

    `ScenarioError` if it is none; `OSError` if it cannot be opened.
    """
    return from_data(read_data(path))


def read_data(path: str | os.PathLike[str]) -> Any:
    """The data of a scenario in a file, which nobody has checked: what `from_data` takes."""
    place = Path(path)
    loads = {".toml": tomllib.loads, ".json": json.loads}.get(place.suffix)
    if loads is None:
        raise ScenarioError(
            "the file", place.name, "is neither TOML nor JSON", "use .toml or .json"
        )
    try:
        return loads(place.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        told = " ".join(str(error).split())
        raise ScenarioError(
            "the file", place.name, f"is no {place.suffix[1:].upper()}", told
        ) from None


def write(scenario: Scenario, path: str | os.PathLike[str]) -> None:
    """Write it down, as TOML or JSON, by the ending of the name."""
    place = Path(path)
    forms = {".toml": to_toml, ".json": to_json}
    if place.suffix not in forms:
        raise ScenarioError(
            "the file", place.name, "is neither TOML nor JSON", "use .toml or .json"
        )
    text = forms[place.suffix](scenario)
    half = place.with_name(f".{place.name}.half")
    half.write_text(text, encoding="utf-8")
    half.replace(place)


def from_data(data: Any) -> Scenario:
    """A scenario from what `json` or `tomllib` read."""
    if not isinstance(data, Mapping):
        raise ScenarioError("the scenario", data, "is no object", "begin with {'branches': ...}")
    _check_keys(data)
    branches = [_branch(at, part) for at, part in _parts("branches", data["branches"])]
    values: dict[str, Any] = {"branches": branches, **_policy(data["policy"], branches)}
    for key, value in data.items():
        if key in ("decision", "dependence"):
            values[key] = kind_from(key, key, value)
        elif key == "arrivals":
            values[key] = None if value is None else kind_from(key, key, value)
        elif key == "pools":
            values[key] = [part_from(Pool, at, part) for at, part in _parts(key, value)]
        elif key == "limiter":
            values[key] = part_from(Limiter, key, value)
        elif key not in values:
            values[key] = value
    return Scenario(**values)


def to_json(scenario: Scenario) -> str:
    """The scenario as JSON text."""
    return json.dumps(to_data(scenario), indent=2, ensure_ascii=False) + "\n"


def to_toml(scenario: Scenario) -> str:
    """The scenario as TOML text."""
    plainly, tables = [], []
    for key, value in to_data(scenario).items():
        if isinstance(value, dict):
            tables.append(_table(f"[{key}]", value))
        elif isinstance(value, list):
            tables += [_table(f"[[{key}]]", part) for part in value]
        elif value is not None:
            plainly.append(f"{key} = {_toml(value)}\n")
    return "\n".join(["".join(plainly), *tables]).lstrip("\n")


def _check_keys(data: Mapping[str, Any]) -> None:
    known = [field for field in fields_of(Scenario) if field != "order"]
    for key, value in data.items():
        if key not in known:
            raise ScenarioError(key, value, "is no field", checks.nearest(key, known))
    for key in ("branches", "policy"):
        if key not in data:
            raise ScenarioError(key, None, "is missing", "add it")


def _parts(field: str, data: Any) -> list[tuple[str, Any]]:
    if not isinstance(data, list):
        raise ScenarioError(field, data, "is no list", f"use [[{field}]]")
    return [
        (f"{field}[{part.get('name', place)!r}]" if isinstance(part, Mapping) else field, part)
        for place, part in enumerate(data)
    ]


def _branch(at: str, data: Any) -> Any:
    return part_from(
        Branch,
        at,
        data,
        latency=latency_from,
        cancel=_cancel,
        cost=lambda at, part: part_from(Cost, at, part),
        memory=lambda at, part: None if part is None else part_from(Memory, at, part),
    )


def _cancel(_: str, value: Any) -> Any:
    if isinstance(value, Mapping) and list(value) == ["delay"]:
        return ("delay", value["delay"])
    return value


def _policy(data: Any, branches: list[Any]) -> dict[str, Any]:
    """The policy and the order of its branches; a delay may be a quantile of a branch's latency."""
    if not isinstance(data, Mapping):
        raise ScenarioError("policy", data, "is no policy", "use {kind = 'Hedge', delay = 0.05}")
    rest = {key: value for key, value in data.items() if key != "branches"}
    order = data.get("branches", [])
    known = {branch.name: branch for branch in branches}
    for key, value in rest.items():
        if isinstance(value, Mapping) and "quantile" in value:
            first = order[0] if isinstance(order, list) and order else next(iter(known), "")
            rest[key] = _quantile(f"policy.{key}", value, known, first)
    return {"policy": kind_from("policy", "policy", rest), "order": order}


def _quantile(at: str, data: Mapping[str, Any], known: Mapping[str, Any], first: str) -> float:
    for key, value in data.items():
        if key not in ("quantile", "of"):
            remedy = checks.nearest(key, ("quantile", "of"))
            raise ScenarioError(f"{at}.{key}", value, "is no field", remedy)
    name = data.get("of", first)
    if name not in known:
        raise ScenarioError(f"{at}.of", name, "is no branch", checks.nearest(str(name), known))
    q = checks.probability(f"{at}.quantile", data["quantile"])
    seconds = known[name].service.quantile(q)
    return checks.seconds(at, seconds)


def _table(head: str, data: Mapping[str, Any]) -> str:
    lines = [f"{key} = {_toml(value)}\n" for key, value in data.items() if value is not None]
    return f"{head}\n{''.join(lines)}"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        pairs = [f"{_key(key)} = {_toml(part)}" for key, part in value.items() if part is not None]
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return key if key.isascii() and key.replace("_", "").isalnum() else json.dumps(key)
