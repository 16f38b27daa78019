"""Numbers, policies and rows of a table, as people read them."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Sequence

__all__ = [
    "WIDTH",
    "aligned",
    "apart",
    "between",
    "number",
    "share",
    "shares",
    "shortened",
    "wrapped",
]

WIDTH = 100

_LONGEST = 300
_LONG = re.compile(r"\d+\.\d+(?:e[+-]?\d+)?")


def number(value: float | None, digits: int = 4) -> str:
    """So many digits, "-" for none."""
    if value is None or math.isnan(value):
        return "-"
    if 10**digits <= abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def between(low: float, high: float) -> str:
    """An interval."""
    return f"{number(low)} to {number(high)}"


def apart(low: float, high: float) -> str:
    """An interval of a difference, which has fewer digits that mean something."""
    return f"{number(low, 3)} to {number(high, 3)}"


def share(value: float | None) -> str:
    """Percent, "-" for none."""
    return "-" if value is None or math.isnan(value) else f"{_percent(value)} %"


def shares(low: float, high: float) -> str:
    """An interval in percent."""
    return f"{_percent(low)} to {_percent(high)} %"


def shortened(value: object) -> str:
    """A policy or distribution, or what is said of one, with four digits of its numbers.

    A distribution of many measured values is cut off.
    """
    text = value if isinstance(value, str) else repr(value)
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}..."
    return _LONG.sub(lambda found: f"{float(found[0]):.4g}", text)


def aligned(rows: Sequence[Sequence[str]], texts: Sequence[int] = (0,)) -> list[str]:
    """Columns under each other: those in `texts` begin at the same place, numbers end there."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if place in texts else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def wrapped(label: str, text: str) -> list[str]:
    """`label`, and beside it the text, in lines that fit a terminal."""
    indent = " " * len(label)
    return textwrap.wrap(
        text, WIDTH, initial_indent=label, subsequent_indent=indent, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def _percent(value: float) -> str:
    percent = 100 * value
    if abs(percent) < 1:
        return f"{round(percent, 2) + 0.0:g}"
    return f"{percent:,.0f}" if abs(percent) >= 1000 else f"{percent:.3g}"
