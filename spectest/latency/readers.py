"""Measured times from files, in seconds. What cannot be read is refused with its line number."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from spectest.errors import UsageError

__all__ = ["csv_rows", "in_seconds", "jsonl_values", "opened", "per_second"]

_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}

Name = str | os.PathLike[str]


def per_second(unit: str) -> float:
    """How many of `unit` make a second. Times are divided by it, so that 150 ms are 0.15 s."""
    if unit not in _PER_SECOND:
        raise UsageError(f"unit={unit!r} is not known; use one of {', '.join(_PER_SECOND)}")
    return _PER_SECOND[unit]


def csv_rows(path: Name, columns: Sequence[str], unit: str) -> list[list[float]]:
    """These columns of every row of a CSV file whose first row is its header."""
    scale = per_second(unit)
    rows = []
    with opened(path) as file:
        reader = csv.DictReader(file)
        try:
            for name in columns:
                _check_column(path, name, reader.fieldnames or ())
            for row in reader:
                where = f"{os.fspath(path)}, line {reader.line_num}"
                rows.append([in_seconds(row[name], scale, f"{where}: {name}") for name in columns])
        except csv.Error as error:
            raise UsageError(f"{os.fspath(path)}, line {reader.line_num}: {error}") from None
    if not rows:
        raise UsageError(f"{os.fspath(path)} has no row below its header; use a file with data")
    return rows


def jsonl_values(path: Name, field: str, unit: str) -> list[float]:
    """A field of every line of a JSON Lines file; blank lines are passed over."""
    scale = per_second(unit)
    values = []
    with opened(path) as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                where = f"{os.fspath(path)}, line {number}"
                found = _field(line, field, where)
                if not isinstance(found, int | float) or isinstance(found, bool):
                    raise UsageError(f"{where}: {field}={found!r} is not a number")
                values.append(in_seconds(found, scale, f"{where}: {field}"))
    if not values:
        raise UsageError(f"{os.fspath(path)} has no line; use a file with data")
    return values


def in_seconds(value: Any, scale: float, where: str) -> float:
    """`value` in units of which `scale` make a second; `where` says where it was read."""
    try:
        number = float(value) / scale
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise UsageError(
            f"{where}={value!r} is not a time, which is a finite number, 0 or more.\n"
            "Correct that line, or leave it out of the file."
        )
    return number


@contextmanager
def opened(path: Name) -> Iterator[TextIO]:
    """The text file `path`, or a `UsageError` that says why it cannot be read."""
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            yield file
    except OSError as error:
        raise UsageError(f"{os.fspath(path)} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{os.fspath(path)} is not UTF-8 text: {error}") from error


def _check_column(path: Name, name: str, header: Sequence[str]) -> None:
    if name not in header:
        raise UsageError(
            f"{os.fspath(path)} has no column {name!r}; use one of {', '.join(header) or 'none'}"
        )


def _field(line: str, field: str, where: str) -> Any:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise UsageError(f"{where} is not JSON: {error}") from None
    for key in field.split("."):
        if not isinstance(value, dict) or key not in value:
            raise UsageError(f"{where} has no field {field!r}; `a.b` is the field b of object a")
        value = value[key]
    return value
