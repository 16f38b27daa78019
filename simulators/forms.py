"""Parts of a scenario as plain data, and back: what JSON and TOML can say.

A part that comes in kinds is an object with its `kind`, the name of the class, and its fields. A
latency may also be a number of seconds, a pair [low, high], or {p50, p99} for the log-normal one. A
field that no class has is refused, never ignored.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from simulators import checks
from simulators.errors import ScenarioError
from spectest import latency as latencies
from spectest.errors import UsageError

__all__ = [
    "KINDS",
    "class_of",
    "content_hash",
    "fields_of",
    "kind_from",
    "latency_from",
    "part_from",
    "plain",
    "to_data",
]

_LATENCIES = (
    "Constant", "Empirical", "Erlang", "Exponential", "HyperExponential", "LLM", "LogNormal",
    "Mixture", "Pareto", "Percentiles", "ShiftedExponential", "Uniform", "Weibull",
)  # fmt: skip
_DEPENDENCES = ("CommonShock", "GaussianCopula", "Independent", "PairedRows")

KINDS: dict[str, tuple[str, ...]] = {
    "latency": _LATENCIES,
    "dependence": _DEPENDENCES,
    "policy": ("Cascade", "EagerRace", "FirstValidOf", "Hedge", "Sequential", "Tied"),
    "decision": ("AfterFirst", "FirstValid", "Ranked", "WaitForAll"),
    "arrivals": ("Closed", "Deterministic", "MMPP", "Poisson", "Trace"),
}
"""The names of the classes that a file may name, by what they are."""

_SECONDS = ("delay", "patience", "window")
_COUNTS = {"most": "number of branches", "k": "number of branches"}
_REFUSED = re.compile(
    r"^[\w.]+: (?P<field>[\w\[\].]+)=(?P<value>.+?) (?P<why>.+?)[;.] (?P<way>.+)$"
)


def fields_of(kind: type[Any]) -> list[str]:
    """What a file may say of this class."""
    return [field.name for field in dataclasses.fields(kind) if field.init]


def class_of(role: str, name: str) -> type[Any]:
    """The class that a `kind` names."""
    from simulators import arrivals
    from spectest.patterns import policies

    homes: dict[str, Any] = {
        "latency": latencies,
        "dependence": latencies,
        "policy": policies,
        "decision": policies,
        "arrivals": arrivals,
    }
    found: type[Any] = getattr(homes[role], name)
    return found


def kind_from(role: str, at: str, data: Any) -> Any:
    """A policy, a decision, arrivals, a dependence or a latency, from an object with its kind."""
    if not isinstance(data, Mapping):
        remedy = f"use an object such as {{kind = '{KINDS[role][0]}', ...}}"
        raise ScenarioError(at, data, f"is no {role}", remedy)
    name = data.get("kind")
    if name not in KINDS[role]:
        remedy = checks.nearest(str(name), KINDS[role])
        raise ScenarioError(f"{at}.kind", name, f"is no {role}", remedy)
    rest = {key: value for key, value in data.items() if key != "kind"}
    return part_from(class_of(role, name), at, rest)


def part_from(kind: type[Any], at: str, data: Any, **read: Any) -> Any:
    """An object of this class. `read`: by field, what makes its value of plain data."""
    if not isinstance(data, Mapping):
        raise ScenarioError(at, data, "is no object", f"use {{{', '.join(fields_of(kind))}}}")
    known = fields_of(kind)
    for key, value in data.items():
        if key not in known:
            none = f"leave it out: {kind.__name__} has no fields"
            remedy = checks.nearest(key, known) if known else none
            raise ScenarioError(f"{at}.{key}", value, "is no field", remedy)
    for field in dataclasses.fields(kind):
        required = field.default is field.default_factory is dataclasses.MISSING
        if field.init and required and field.name not in data:
            raise ScenarioError(f"{at}.{field.name}", None, "is missing", "add it")
    values = {key: _field(f"{at}.{key}", key, value, read) for key, value in data.items()}
    try:
        return kind(**values)
    except ScenarioError:
        raise
    except (UsageError, ValueError, TypeError) as error:
        raise _retold(at, data, error) from None


def latency_from(at: str, data: Any) -> Any:
    """A latency from a number, a pair, {p50, p99} or an object with its kind."""
    if not isinstance(data, Mapping):
        return checks.latency(at, tuple(data) if isinstance(data, list) else data)
    if "kind" in data or not {"p50", "p99"} & set(data):
        return kind_from("latency", at, data)
    for key, value in data.items():
        if key not in ("p50", "p99"):
            raise ScenarioError(f"{at}.{key}", value, "is no field", "use p50 and p99, or a kind")
    for key in ("p50", "p99"):
        if key not in data:
            raise ScenarioError(f"{at}.{key}", None, "is missing", "add it")
    try:
        return latencies.LogNormal.from_percentiles(p50=data["p50"], p99=data["p99"])
    except UsageError as error:
        raise _retold(at, data, error) from None


def plain(value: Any) -> Any:
    """Any part as JSON has it: objects with all their fields, lists, texts and numbers."""
    if isinstance(value, latencies.Empirical):
        items: Any = value.values
        return {"kind": "Empirical", "values": [v for v, count in items for _ in range(count)]}
    if isinstance(value, latencies.PairedRows):
        rows: Any = value.rows
        return {"kind": "PairedRows", "rows": [dict(row) for row in rows]}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _object(value)
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ScenarioError("a number", value, "has no form in a file", "use a finite one")
    if value is None or isinstance(value, str | int | float):
        return value
    remedy = "use one of simulators, spectest.latency or spectest.patterns.policies"
    raise ScenarioError("a part", value, "has no form in a file", remedy)


def to_data(scenario: Any) -> dict[str, Any]:
    """A scenario as plain data, with every field: what a file says, and what is hashed.

    `ScenarioError` if a part of it is of a class that a file cannot name.
    """
    data: dict[str, Any] = plain(scenario)
    data["policy"]["branches"] = data.pop("order")
    for branch in data["branches"]:
        if isinstance(branch["cancel"], list):
            branch["cancel"] = {"delay": branch["cancel"][1]}
    return data


def content_hash(scenario: Any) -> str:
    """SHA-256 of the data of a scenario, as JSON with sorted keys and no spaces; in hex."""
    text = json.dumps(to_data(scenario), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _object(value: Any) -> dict[str, Any]:
    name = type(value).__name__
    known = {kind for kinds in KINDS.values() for kind in kinds}
    own = type(value).__module__ in ("simulators.branches", "simulators.scenario")
    if not own and name not in known:
        remedy = f"use one of {', '.join(sorted(known))}"
        raise ScenarioError(name, value, "has no form in a file", remedy)
    written: dict[str, Any] = {} if own else {"kind": name}
    for field in fields_of(type(value)):
        part = plain(getattr(value, field))
        written[field] = float(part) if field in _SECONDS and part is not None else part
    return written


def _field(at: str, key: str, value: Any, read: Mapping[str, Any]) -> Any:
    if key in read:
        return read[key](at, value)
    if key in _SECONDS:
        return None if value is None else checks.seconds(at, value)
    if key in _COUNTS:
        return None if value is None and key == "most" else checks.count(at, value, _COUNTS[key])
    if key == "pick":
        return checks.one_of(at, value, ("ranking", "literal"))
    return _nested(at, value)


def _nested(at: str, value: Any) -> Any:
    """Latencies inside of latencies."""
    if isinstance(value, Mapping) and ("kind" in value or "p50" in value):
        return latency_from(at, value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_nested(f"{at}[{place}]", part) for place, part in enumerate(value)]
    return value


def _retold(at: str, data: Any, error: Exception) -> ScenarioError:
    """An error of a class that knows nothing of files, with the place in the file."""
    told = " ".join(str(error).split())
    if match := _REFUSED.match(told):
        value = data.get(match["field"], match["value"]) if isinstance(data, Mapping) else data
        return ScenarioError(f"{at}.{match['field']}", value, match["why"], match["way"])
    return ScenarioError(at, data, "makes no sense", told)
