"""The numbers of a scenario on a terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from simulators.exact import NotApplicable, Solution
from simulators.output.words import (
    aligned,
    apart,
    between,
    number,
    share,
    shares,
    shortened,
    wrapped,
)
from simulators.provenance import Provenance
from simulators.what_if import Row, WhatIf

if TYPE_CHECKING:
    from simulators.appointments import Event
    from simulators.estimators import Estimate

__all__ = [
    "against_control",
    "control",
    "headline",
    "how",
    "log",
    "measured",
    "origin",
    "refusals",
    "render",
    "said_exactly",
]


def render(found: WhatIf, name: str) -> str:
    """All of it; `name` is what the scenario is called."""
    lines = [headline(found, name), *wrapped("", how(found)), ""]
    lines += aligned(measured(found), texts=(0, 1, 6))
    lines += _refused(found.rows, "estimate")
    lines += ["", f"without speculation, {control(found)}"]
    lines += aligned(against_control(found), texts=(0,))
    lines += _refused(found.rows, "difference")
    lines += ["", *wrapped("exact        ", said_exactly(found.exact))]
    lines += wrapped("of control   ", said_exactly(found.exact_control))
    for note in found.notes:
        lines += wrapped("note         ", note)
    lines += origin(found.provenance)
    return "\n".join(lines)


def origin(made: Provenance, asked: str = "scenario") -> list[str]:
    """Where numbers come from, in two lines; `asked` is what the hash is of."""
    numbers, _, versions = str(made).partition("; ")
    return [f"provenance   {numbers.replace('scenario', asked, 1)}", f"versions     {versions}"]


def headline(found: WhatIf, name: str) -> str:
    """Who races whom."""
    names = ", ".join(branch.name for branch in found.scenario.racing)
    return f"{name}: {shortened(found.scenario.policy)} of {names}"


def how(found: WhatIf) -> str:
    """Where the numbers of the table come from."""
    made = found.provenance
    if found.requests is None:
        return "computed by formula, without simulating"
    words = [f"{made.n:,} requests by the engine {made.engine!r}, seed {made.seed}"]
    if found.cut:
        words.append(f"the first {found.cut:,} to arrive are cut")
    words.append(f"intervals of {found.level:.0%}".replace("%", " %"))
    words.append(f"percentiles by {found.method}")
    if found.precise is not None:
        words.append("as precise as asked" if found.precise else "less precise than asked")
    return "; ".join(words)


def measured(found: WhatIf) -> list[list[str]]:
    """The head and the rows of the first table."""
    head = ["", "", "value", "interval", "exact", "effective n", "interval by"]
    return [head, *(_measured(row) for row in found.rows)]


def against_control(found: WhatIf) -> list[list[str]]:
    """The head and the rows of the second table."""
    head = ["", "control", "difference", "interval", "saved", "interval", "variance"]
    return [head, *(_against(row) for row in found.rows)]


def refusals(rows: Sequence[Row], part: str) -> list[str]:
    """Why there is no interval for `part` of some rows; those with the same reason share a line."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        found: Estimate | None = getattr(row, part)
        if found is not None and found.refused is not None:
            reasons.setdefault(found.refused, []).append(row.measure)
    return [f"{', '.join(names)}: {reason}" for reason, names in reasons.items()]


def said_exactly(answer: Solution | NotApplicable) -> str:
    """By which formula, or why by none."""
    if isinstance(answer, NotApplicable):
        return shortened(str(answer))
    return f"{answer.formula}; {answer.source}"


def control(found: WhatIf) -> str:
    """What control is."""
    policy = shortened(found.control.policy)
    if found.requests is None:
        return policy
    return f"{policy} on the same draws"


def _measured(row: Row) -> list[str]:
    found = row.estimate
    worth = "-" if found.effective is None else f"{found.effective:,.0f}"
    by = found.method.replace("order statistics by", "ranks by")
    by = by if found.refused is None else "refused, see below"
    value, exact = number(found.value), number(row.exact)
    return [row.measure, row.unit, value, _interval(found), exact, worth, by]


def _against(row: Row) -> list[str]:
    if row.control is None or row.difference is None or row.saved is None:
        return [row.measure, *["-"] * 6]
    return [
        row.measure,
        number(row.control.value),
        number(row.difference.value, 3),
        _interval(row.difference, apart),
        share(row.saved.value),
        _interval(row.saved, shares),
        "-" if row.times is None else f"/{number(row.times)}",
    ]


def _interval(found: Estimate, shown: Callable[[float, float], str] = between) -> str:
    if found.low is None or found.high is None:
        return "-" if math.isnan(found.value) else "refused"
    return "" if found.method == "formula" else shown(found.low, found.high)


def _refused(rows: Sequence[Row], part: str) -> list[str]:
    return [line for told in refusals(rows, part) for line in wrapped("refused: ", told)]


def log(events: Sequence[Event]) -> list[str]:
    """What happened, an event a line."""
    rows = [["time, s", "request", "event", "branch"]]
    rows += [
        [f"{event.time:.6f}", str(event.request), event.what, event.branch or ""]
        for event in events
    ]
    return aligned(rows, texts=(2, 3))
