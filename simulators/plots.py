"""Plots of what was found: who waits how long, what a hedge delay buys, where a load collapses.

Each function returns a `matplotlib.figure.Figure`, made without pyplot, so that nothing is left
open. matplotlib is the extra `plots`: pip install spectest[plots].
"""

from __future__ import annotations

import io
import math
import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simulators.curves import Curve, Point
from simulators.errors import ScenarioError
from simulators.exact import Solution
from simulators.provenance import Provenance
from simulators.what_if import WhatIf

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["drawn", "load", "save", "survival", "tradeoff"]

_POINTS = 300
_EXACT_POINTS = 120
_OURS, _CONTROL, _EXACT, _COLLAPSE = "#0b62a4", "#b35c00", "#000000", "#b42318"


def survival(found: WhatIf) -> Figure:
    """Of the answered requests, how many wait longer than t: both axes on log scale.

    The scenario, its control on the same draws, and the exact curve where there is one.
    `ScenarioError` if nothing was simulated or nobody was answered.
    """
    if found.requests is None or found.requests_of_control is None:
        raise ScenarioError("engine", "exact", "simulates nothing to draw", "use another one")
    figure, axes = _axes("latency, s", "share of requests that take longer")
    both = (
        (found.requests_of_control, "control", _CONTROL),
        (found.requests, "speculative", _OURS),
    )
    ends = []
    for requests, label, colour in both:
        times, shares = _tail(requests.latency[requests.answered])
        if len(times):
            ends += [times[0], times[-1]]
            axes.plot(times, shares, drawstyle="steps-post", label=label, color=colour)
    if not ends:
        remedy = "use a scenario that answers some requests"
        raise ScenarioError("answered requests", 0, "leaves no latency to draw", remedy)
    if isinstance(found.exact, Solution) and found.exact.survival is not None:
        times = np.geomspace(min(ends), max(ends), _EXACT_POINTS)
        shares = np.array([found.exact.survival(float(t)) for t in times])
        seen = shares > 0.5 / len(found.requests)
        axes.plot(
            times[seen], shares[seen], ":", label="speculative, exact", color=_EXACT, linewidth=1
        )
    _on_log_scale(axes, "x", "y")
    return _finished(figure, axes, found.provenance)


def tradeoff(curve: Curve) -> Figure:
    """p99 of each hedge delay against the work that it adds; control adds none.

    `ScenarioError` if nothing was found at any point.
    """
    figure, axes = _axes("extra work for the servers, % of control's", "p99, s")
    points = _known(curve)
    extra, p99 = [100 * point.extra for point in points], [point.p99 for point in points]
    axes.plot(extra, p99, "o-", color=_OURS, markersize=4, label="each hedge delay")
    for place in sorted({0, len(points) // 2, len(points) - 1}):
        at = (extra[place], p99[place])
        axes.annotate(_shown(points[place]), at, (5, 5), textcoords="offset points", fontsize=8)
    axes.plot([0], [points[0].control], "s", color=_CONTROL, label="control")
    return _finished(figure, axes, curve.provenance)


def load(curve: Curve) -> Figure:
    """p99 at each load beside control's, on log scale if need be; where pools collapse is marked.

    `ScenarioError` if nothing was found at any point.
    """
    figure, axes = _axes("load offered by what is launched at once", "p99, s")
    points = _known(curve)
    at, p99 = [float(point.value) for point in points], [point.p99 for point in points]
    theirs = [point.control for point in points]
    axes.plot(at, theirs, "s-", color=_CONTROL, markersize=4, label="control")
    axes.plot(at, p99, "o-", color=_OURS, markersize=4, label="speculative")
    down = [place for place, point in enumerate(points) if point.collapsed]
    if down:
        first = at[down[0]]
        axes.axvline(first, color=_COLLAPSE, linestyle="--", linewidth=1)
        marks = [at[place] for place in down], [p99[place] for place in down]
        axes.plot(*marks, "x", color=_COLLAPSE, label=f"collapses, from {first:.3g} on")
    if max(p99) > 10 * min(p99):
        _on_log_scale(axes, "y")
    return _finished(figure, axes, curve.provenance)


def drawn(figure: Figure, kind: str = "svg") -> bytes:
    """The figure as "svg" or "png": the same bytes for the same figure."""
    from matplotlib import rc_context

    written = io.BytesIO()
    metadata = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
    with rc_context({"svg.hashsalt": "simulators", "svg.fonttype": "none"}):
        figure.savefig(written, format=kind, metadata=metadata, dpi=150)
    return written.getvalue()


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write it to a file whose name ends in .svg or .png."""
    from simulators.output.writing import write

    write(path, drawn(figure, Path(path).suffix[1:]))


def _axes(x: str, y: str) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=x, ylabel=y)
    axes.grid(visible=True, which="major", alpha=0.3)
    return figure, axes


def _on_log_scale(axes: Any, *names: str) -> None:
    from matplotlib.ticker import NullFormatter

    for name in names:
        axes.set(**{f"{name}scale": "log"})
        axis = getattr(axes, f"{name}axis")
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())


def _finished(figure: Figure, axes: Any, made: Provenance) -> Figure:
    axes.legend(fontsize=8)
    lines = textwrap.wrap(str(made), 110)
    figure.supxlabel("\n".join(lines), fontsize=6, color="#555555")
    return figure


def _known(curve: Curve) -> list[Point]:
    points = [point for point in curve.points if math.isfinite(point.p99)]
    if not points:
        values = [point.value for point in curve.points]
        remedy = "use other values"
        raise ScenarioError(f"axis {curve.axis!r}", values, "has no point to draw", remedy)
    return points


def _shown(point: Point) -> str:
    return point.value if isinstance(point.value, str) else f"{point.value:.3g} s"


def _tail(latencies: Any) -> tuple[Any, Any]:
    """Points of the survival function, more of them in the tail; the last share is 1/n, not 0."""
    ordered = np.sort(latencies[latencies > 0])
    n = len(ordered)
    if n == 0:
        return ordered, ordered
    left = np.unique(np.geomspace(1, n, _POINTS).astype(int))[::-1]
    return ordered[n - left], left / n
