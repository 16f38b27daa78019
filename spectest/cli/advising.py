"""`spectest advise`: what the records of production say about speculating."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from spectest.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spectest.patterns.advice import Advice
    from spectest.patterns.records import Record

__all__ = ["add_advice", "advice_of", "page_of", "records_in"]

T = TypeVar("T")

_LINES = (
    ("percentile", "P", "where the improvement decides, a part of 1 (0.99)"),
    ("confidence", "P", "how sure the intervals are (0.95)"),
    ("least-improvement", "P", "less is too little (0.15)"),
    ("most-wins", "P", "a branch of an eager race that is first more often wastes others (0.85)"),
    ("most-cost", "X", "so many times the cost of control is too dear (2)"),
    ("control-cost", "X", "what a request of control costs, unless its records say it"),
    ("device", "X", "the memory there is, in the unit of --memory"),
)
_AMOUNTS = (
    ("cost", "what one call of a branch costs; for each branch"),
    ("memory", "what a branch holds; for each branch"),
)


def add_advice(parser: argparse.ArgumentParser) -> None:
    """The options of `advise`."""
    add = parser.add_argument
    add("records", metavar="RECORDS", type=Path, help="a log with records of speculations")
    add(
        "--control",
        metavar="FILE",
        type=Path,
        required=True,
        help="requests that did not speculate: their records, or a latency in ms on each line",
    )
    for name, metavar, purpose in _LINES:
        add(f"--{name}", type=float, metavar=metavar, help=purpose)
    for name, purpose in _AMOUNTS:
        add(f"--{name}", action="append", type=_amount, metavar="NAME=X", help=purpose)
    add("--json", action="store_true", help="print facts instead of the page")


def advice_of(options: argparse.Namespace) -> Advice:
    """The advice that these options ask for; UsageError if none can follow."""
    from spectest.patterns.advice import AdviceError, advise

    names = [name.replace("-", "_") for name, *_ in _LINES]
    given = {name: getattr(options, name) for name in names}
    given["costs"] = _once_each("--cost", options.cost)
    given["memory"] = _once_each("--memory", options.memory)
    asked: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    records = records_in(options.records)
    control = _control(options.control)
    try:
        return advise(records, control, **asked)
    except AdviceError as error:
        raise UsageError(str(error)) from error


def page_of(advice: Advice, options: argparse.Namespace) -> str:
    """What is printed."""
    return json.dumps(advice.to_json(), indent=2) if options.json else advice.render()


def _amount(text: str) -> tuple[str, float]:
    name, separator, number = text.rpartition("=")
    if not separator or not name:
        raise argparse.ArgumentTypeError(f"{text!r} does not read NAME=X")
    try:
        return name, float(number)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{number!r} of {text!r} is no number") from None


def _once_each(option: str, pairs: Sequence[tuple[str, T]] | None) -> dict[str, T] | None:
    if pairs is None:
        return None
    for name, _ in pairs:
        if sum(name == other for other, _ in pairs) > 1:
            raise UsageError(f"{option} gives {name!r} twice")
    return dict(pairs)


def records_in(path: Path) -> list[Record]:
    """The records of a log; `UsageError` if it cannot be read, or has none."""
    from spectest.patterns.record_files import read_records
    from spectest.patterns.records import RecordError

    try:
        records = read_records(path)
    except (OSError, RecordError) as error:
        raise UsageError(f"{path}: {_reason(error)}") from error
    if not records:
        raise UsageError(f"{path}: there are no records of speculations in it")
    return records


def _control(path: Path) -> Sequence[Record | float]:
    """Latencies if the first line that is not empty is a number, records otherwise."""
    try:
        lines = path.read_text("utf-8", errors="replace").splitlines()
    except OSError as error:
        raise UsageError(f"{path}: {_reason(error)}") from error
    told = [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]
    if not told or _number(told[0][1]) is None:
        return records_in(path)
    latencies = []
    for number, line in told:
        latency = _number(line)
        if latency is None:
            raise UsageError(f"{path}: line {number}: {line[:80]!r} is no latency in milliseconds")
        latencies.append(latency)
    return latencies


def _number(line: str) -> float | None:
    try:
        return float(line)
    except ValueError:
        return None


def _reason(error: Exception) -> str:
    strerror = error.strerror if isinstance(error, OSError) else None
    return strerror or str(error)
