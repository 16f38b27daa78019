"""CSV and JSON Lines, row by row: nothing but columns of numbers is kept of a file."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from simulators import checks
from simulators.errors import ScenarioError
from simulators.fit.columns import Columns, columns_of
from simulators.fit.lines import RowError, field_of, numbered, objects
from simulators.fit.observations import Gathering, Observations

__all__ = ["csv_table", "jsonl_table"]

_Rows = Iterator[tuple[int, Any]]
"""The number of a line, and its row as a mapping, or the error that it is."""


def csv_table(
    path: str | os.PathLike[str], *, delimiter: str = ",", **mapping: Any
) -> Observations:
    """A CSV file whose first row is its header."""
    columns = columns_of(Path(path).name, lambda row, column: row[column], **mapping)
    return _gathered(columns, "csv", _csv_rows(path, columns, delimiter))


def jsonl_table(path: str | os.PathLike[str], **mapping: Any) -> Observations:
    """A file with a JSON object in each line; "a.b" is the field b of the object a."""
    columns = columns_of(Path(path).name, field_of, **mapping)
    return _gathered(columns, "jsonl", _jsonl_rows(path, columns))


def _csv_rows(path: str | os.PathLike[str], columns: Columns, delimiter: str) -> _Rows:
    name = columns.name
    lines = (line for _, line in numbered(path))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        header = next(reader, None)
        if header is None:
            raise ScenarioError("the file", name, "is empty", "use one with a header and rows")
        for column in columns.used():
            if column not in header:
                remedy = checks.nearest(column, header)
                raise ScenarioError("a column", column, f"is not in {name}", remedy)
        for row in reader:
            if len(row) == len(header):
                yield reader.line_num, dict(zip(header, row, strict=True))
            elif row:
                why = f"has {len(row)} cells, and the header has {len(header)}"
                error = RowError(name, reader.line_num, "", delimiter.join(row), why)
                yield reader.line_num, error
    except csv.Error as error:
        at, remedy = f"{name}, line {reader.line_num}", "correct that line"
        raise ScenarioError(at, str(error), "is no CSV", remedy) from None


def _jsonl_rows(path: str | os.PathLike[str], columns: Columns) -> _Rows:
    unseen, first = dict.fromkeys(columns.used()), dict[str, Any]()
    for line, row in objects(path):
        if unseen and not isinstance(row, RowError):
            first = first or row
            for column in [one for one in unseen if field_of(row, one) is not None]:
                del unseen[column]
        yield line, row
    for column in unseen:
        if first:
            remedy = checks.nearest(column, _fields(first))
            raise ScenarioError("a field", column, f"is in no line of {columns.name}", remedy)


def _gathered(columns: Columns, form: str, rows: _Rows) -> Observations:
    long = columns.branch is not None
    take = _take_attempt if long else _take_request
    gathering = Gathering(columns.name, form, list(columns.branches), absolute=long)
    for line, row in rows:
        gathering.tally.read += 1
        try:
            if isinstance(row, RowError):
                raise row
            reason = columns.outside(row) or take(gathering, columns, row, line)
        except RowError as error:
            if not columns.dropping:
                raise
            reason = error.reason
        if reason is not None:
            gathering.tally.drop(reason, line)
    if not gathering.tally.read:
        raise ScenarioError("the file", columns.name, "has no row of data", "use one with rows")
    return gathering.observations()


def _take_request(
    gathering: Gathering, columns: Columns, row: Mapping[str, Any], line: int
) -> str | None:
    """Add a row that is a request; why not, if it is not added."""
    key = None if columns.request is None else columns.cell(row, columns.request, line)
    if key is not None and gathering.knows(key):
        return f"{columns.request} stands there before"
    began = columns.began(row, line)
    found = {name: columns.attempt(row, place, line) for name, place in columns.branches.items()}
    request = gathering.request(key, began)
    for name, (outcome, took, launched) in found.items():
        gathering.attempt(request, name, outcome, line, took, launched)
    return None


def _take_attempt(
    gathering: Gathering, columns: Columns, row: Mapping[str, Any], line: int
) -> str | None:
    """Add a row that is an attempt; why not, if it is not added."""
    assert columns.branch is not None
    assert columns.request is not None
    called = str(columns.cell(row, columns.branch, line))
    names = {place: name for name, place in columns.branches.items()} or {called: called}
    if called not in names:
        return f"{columns.branch} is none of the branches"
    key = columns.cell(row, columns.request, line)
    began = columns.began(row, line)
    outcome, took, _ = columns.attempt(row, called, line)
    request = gathering.request(key)
    gathering.earlier(request, began)
    gathering.attempt(request, names[called], outcome, line, took, began)
    return None


def _fields(row: Mapping[str, Any], before: str = "") -> list[str]:
    found = []
    for key, value in row.items():
        found.append(f"{before}{key}")
        if isinstance(value, Mapping):
            found += _fields(value, f"{before}{key}.")
    return found
