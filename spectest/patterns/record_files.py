"""Records in a log file, whoever wrote its lines.

A line that has nothing to do with records belongs to somebody else and is passed over. A line that
has, and holds no whole record, is an error that names the line: a log that was cut off is no
evidence.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any

from spectest.patterns.record_checks import RecordError
from spectest.patterns.records import Record

__all__ = ["numbered_records", "read_records"]

KEY = "speculation_record"
BEGINNING = '{"format"'
TELLING = frozenset({"branch_names", "input_hash", "winning_branch_index"})
"""Fields by which an object is taken for a record, whole or not."""


def read_records(path: str | PathLike[str]) -> list[Record]:
    """The records of a log file, in its order.

    A line may be a record as JSON; a JSON object that has one somewhere under the key
    `speculation_record`, or as a text, which is what formatters for JSON and structlog write; or
    any text that ends with one, which is what `logging.Formatter` writes.

    Raises RecordError, with the number of the line, for a record that is cut off or contradicts
    itself, and OSError if the file cannot be read.
    """
    return [record for _, record in numbered_records(path)]


def numbered_records(path: str | PathLike[str]) -> Iterator[tuple[int, Record]]:
    """Each record as `read_records` has it, with the number of its line, one after the other."""
    with Path(path).open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                said = _record_in(line.decode("utf-8").strip())
                if said is not None:
                    yield number, Record.from_json(said)
            except UnicodeDecodeError as error:
                raise RecordError("", line, f"it is no UTF-8: {error}", f"line {number}") from None
            except RecordError as error:
                place = f"line {number}"
                raise RecordError(error.field, error.value, error.rule, place) from None


def _record_in(line: str) -> str | dict[str, Any] | None:
    """What a line says of a record; None if it says nothing."""
    if line.startswith("{"):
        return _record_in_object(line)
    start = line.rfind(BEGINNING)
    return line[start:] if start >= 0 else None


def _record_in_object(line: str) -> str | dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return line
    if TELLING & entry.keys():
        return line
    for said in _values(entry):
        if isinstance(said, dict) and (TELLING & said.keys() or KEY in said):
            inner = said.get(KEY, said)
            return inner if isinstance(inner, str | dict) else {KEY: inner}
        if isinstance(said, str) and BEGINNING in said:
            return said[said.rfind(BEGINNING) :]
    return line if BEGINNING in line else None


def _values(value: Any) -> Iterator[Any]:
    """The value and everything in it, what stands under the key first."""
    yield value
    if isinstance(value, dict):
        for name in sorted(value, key=lambda name: name != KEY):
            yield from _values(value[name])
    elif isinstance(value, list):
        for one in value:
            yield from _values(one)
