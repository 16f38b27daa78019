"""The report: one page of HTML with verdict, numbers, plots, scenario, and where they come from.

The same numbers give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from simulators.branches import Branch
from simulators.curves import Curve
from simulators.files import to_toml
from simulators.output import html, text
from simulators.output.words import number, share, shortened
from simulators.scenario import Scenario
from simulators.what_if import WhatIf

__all__ = ["Picture", "render"]

_LONGEST_FILE = 20_000

_NO_PLOTS = "Plots need matplotlib, which is not installed here: pip install spectest[plots]"


@dataclass(frozen=True, slots=True)
class Picture:
    """A plot as SVG, with what it shows in words."""

    svg: bytes
    alt: str


def render(
    found: WhatIf,
    name: str,
    *,
    verdict: tuple[str, str] | None = None,
    survival: Picture | None = None,
    curves: Sequence[tuple[Curve, Picture | None]] = (),
    plots: bool = True,
) -> str:
    """The page of a scenario called `name`.

    `verdict`: the answer in a word, and the verdict in full. `survival` and `curves`: what is
    drawn; the table of a curve is there without its picture, too. `plots`: whether there could be
    any.
    """
    parts = [html.heading(text.headline(found, name), 1)]
    if verdict is not None:
        answer, whole = verdict
        parts += [
            html.heading("Verdict"),
            html.paragraph(answer, kind=answer),
            html.preformatted(whole),
        ]
    parts += _numbers(found)
    if survival is not None:
        parts += [html.heading("Who waits how long"), html.picture(survival.svg, survival.alt)]
    for curve, picture in curves:
        parts += _curve(curve, picture)
    if not plots:
        parts.append(html.paragraph(_NO_PLOTS))
    parts += _question(found.scenario)
    parts += [html.heading("Where it comes from"), html.listed(_origin(found))]
    return html.document(text.headline(found, name), parts)


def _numbers(found: WhatIf) -> list[str]:
    refused = [*text.refusals(found.rows, "estimate")]
    refused += [line for line in text.refusals(found.rows, "difference") if line not in refused]
    return [
        html.heading("What requests take and cost"),
        html.paragraph(text.how(found)),
        html.table(text.measured(found), texts=(0, 1, 6)),
        html.heading(f"Without speculation: {text.control(found)}"),
        html.table(text.against_control(found)),
        *(html.paragraph(f"No interval: {line}") for line in refused),
        *(html.paragraph(note) for note in found.notes),
    ]


def _curve(curve: Curve, picture: Picture | None) -> list[str]:
    title, first = {
        "hedge": ("What a hedge delay buys", "delay"),
        "load": ("What a load does", "load"),
    }[curve.axis]
    head = [first, "p50, s", "p99, s", "p99 of control, s", "extra work", ""]
    rows = [head]
    for point in curve.points:
        value = point.value if isinstance(point.value, str) else number(point.value)
        seconds = [number(point.p50), number(point.p99), number(point.control)]
        note = point.refused or ("collapses" if point.collapsed else "")
        rows.append([value, *seconds, share(point.extra), note])
    shown = html.table(rows, texts=(0, 5))
    if picture is None:
        return [html.heading(title), shown]
    return [
        html.heading(title),
        html.picture(picture.svg, picture.alt),
        html.details("As numbers", shown),
    ]


def _question(scenario: Scenario) -> list[str]:
    head = ["branch", "latency", "valid", "failure", "timeout, s", "cancel", "pool", "cost"]
    rows = [head]
    for branch in scenario.racing:
        timeout = "none" if branch.timeout is None else number(branch.timeout)
        cancel = (
            branch.cancel if isinstance(branch.cancel, str) else "{} {} s".format(*branch.cancel)
        )
        chances = [number(branch.valid), number(branch.failure)]
        ends = [timeout, cancel, branch.pool or "none", _cost(branch)]
        rows.append([branch.name, shortened(branch.latency), *chances, *ends])
    terms = [
        ("policy", shortened(scenario.policy)),
        ("decision", shortened(scenario.decision)),
        ("limiter", shortened(scenario.limiter)),
        ("pools", ", ".join(shortened(pool) for pool in scenario.pools) or "none"),
        ("arrivals", shortened(scenario.arrivals)),
        ("dependence", shortened(scenario.dependence)),
        ("timer", scenario.timer),
    ]
    return [
        html.heading("The scenario"),
        html.table(rows, texts=range(8)),
        html.listed(terms),
        _file(scenario),
    ]


def _file(scenario: Scenario) -> str:
    toml = to_toml(scenario)
    if len(toml) > _LONGEST_FILE:
        return html.paragraph(f"As a file it has {len(toml):,} characters; its hash is below.")
    return html.details("As a file", html.preformatted(toml))


def _cost(branch: Branch) -> str:
    parts = [(field.name, getattr(branch.cost, field.name)) for field in fields(branch.cost)]
    said = [f"{name.replace('_', ' ')} {number(value)}" for name, value in parts if value]
    return ", ".join(said) or "none"


def _origin(found: WhatIf) -> list[tuple[str, str]]:
    made = found.provenance
    return [
        ("scenario", made.scenario),
        ("engine", made.engine),
        ("requests", f"{made.n:,}, of which the first {found.cut:,} are cut"),
        ("seed", str(made.seed)),
        ("exact", text.said_exactly(found.exact)),
        ("exact, of control", text.said_exactly(found.exact_control)),
        ("versions", ", ".join(f"{name} {version}" for name, version in made.versions)),
    ]
