"""Durations, counts and lengths, as a report writes them."""

from __future__ import annotations

from spectest.kernel.clock import FOREVER_NS

__all__ = ["count", "cut", "difference", "duration", "milliseconds", "ordinal"]

_SECONDS_FROM_NS = 10_000_000_000
_FINE_NS = 1_000


def milliseconds(ns: int, digits: int = 6) -> str:
    """The number, without zeros that say nothing."""
    text = f"{ns / 1e6:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration(ns: int, digits: int = 6) -> str:
    """With its unit; "for ever" for what never ends."""
    if ns >= FOREVER_NS:
        return "for ever"
    if abs(ns) >= _SECONDS_FROM_NS:
        return f"{ns / 1e9:.{digits}f}".rstrip("0").rstrip(".") + " s"
    return f"{milliseconds(ns, digits)} ms"


def difference(took_ns: int, usual_ns: int) -> str:
    """By how much longer it took, as a part of the usual where that says something."""
    more = took_ns - usual_ns
    if abs(more) < _FINE_NS:
        return f"{more:+d} ns"
    if usual_ns == 0 or abs(more) < usual_ns / 2_000:
        return f"{'+' if more > 0 else ''}{duration(more)}"
    return f"{100 * more / usual_ns:+.1f}".removesuffix(".0") + " %"


def count(number: int, thing: str) -> str:
    """The thing in its plural, unless there is one of it."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def cut(text: str, width: int) -> str:
    """The text, or as much of it as fits."""
    return text if len(text) <= width else text[: max(width - 3, 0)].rstrip() + "..."


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if 10 < number % 100 < 14 else ending}"
