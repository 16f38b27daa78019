"""The rows of a sweep, as a table on a terminal and as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from simulators.output.text import origin
from simulators.output.words import WIDTH, aligned, number, share, wrapped
from simulators.provenance import Provenance

__all__ = ["csv_of", "render"]

_FIRST = ("p99", "p50", "mean", "work", "cost")
"""What is shown first, as far as there is room."""


def render(rows: Sequence[Mapping[str, Any]], made: Provenance, axes: Sequence[str]) -> str:
    """A line a row: where it is, its measures, and what each saves against control."""
    names = [name for row in rows for name in row["measures"]]
    known = list(dict.fromkeys([*(one for one in _FIRST if one in names), *names]))
    lines = aligned(_table(rows, axes, []), texts=())
    shown: list[str] = []
    for name in known:
        wider = aligned(_table(rows, axes, [*shown, name]), texts=())
        if shown and max(map(len, wider)) > WIDTH:
            break
        lines, shown = wider, [*shown, name]
    refused = [wrapped("refused      ", row["refused"]) for row in rows if row["refused"]]
    told = [line for reason in refused for line in reason]
    return "\n".join([*lines, *(["", *told] if told else []), "", *origin(made, "grid")])


def csv_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """A line a row; `p99_low` is a part of the estimate of p99, `p99_control` control's value."""
    flat = [_flat(row) for row in rows]
    names = dict.fromkeys(name for row in flat for name in row)
    written = io.StringIO()
    writer = csv.DictWriter(written, list(names), lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return written.getvalue()


def _table(
    rows: Sequence[Mapping[str, Any]], axes: Sequence[str], measures: Sequence[str]
) -> list[list[str]]:
    head = [*axes]
    for name in measures:
        head += [name, "saved"]
    return [head, *([*_place(row, axes), *_numbers(row, measures)] for row in rows)]


def _place(row: Mapping[str, Any], axes: Sequence[str]) -> list[str]:
    values = (row["axes"][name] for name in axes)
    return [value if isinstance(value, str) else json.dumps(value) for value in values]


def _numbers(row: Mapping[str, Any], measures: Sequence[str]) -> list[str]:
    cells = []
    for name in measures:
        found, control = row["measures"].get(name), row["control"].get(name)
        cells.append("-" if found is None else number(found["value"]))
        cells.append("-" if control is None else share(control["saved"]["value"]))
    return cells


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {**row["axes"], **row["derived"], "row_seed": row["seed"]}
    flat["refused"] = row["refused"]
    for name, found in row["measures"].items():
        flat |= {f"{name}_{part}" if part != "value" else name: one for part, one in found.items()}
    for name, control in row["control"].items():
        flat[f"{name}_control"] = control["control"]
        for kind in ("difference", "saved"):
            for part in ("value", "low", "high", "refused"):
                flat[f"{name}_{kind}_{part}"] = control[kind][part]
    made = row.get("provenance", {})
    versions = made.get("versions", {})
    flat |= {name: made.get(name) for name in ("scenario_hash", "engine", "seed", "n")}
    flat["versions"] = ", ".join(f"{name} {version}" for name, version in versions.items())
    return flat
