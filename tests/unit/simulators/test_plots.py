import tomllib
from pathlib import Path

import pytest

from simulators import curves, files, plots, provenance, what_if
from simulators.curves import Curve, Point
from simulators.scenario import Branch, Scenario, ScenarioError
from spectest.latency import Constant
from spectest.patterns.policies import Sequential
from tests.unit.simulators.scenario_files import FREE, POOLED

HEDGED = files.from_data(tomllib.loads(FREE))
QUEUED = files.from_data(tomllib.loads(POOLED))
MADE = provenance.of(QUEUED, "fast", 0, 100)
LOADS = Curve(
    "load",
    [
        Point(0.5, 1.0, 2.0, 3.0, 0.1, 0.5),
        Point(0.6, 1.0, 2.5, 3.0, 0.1, 0.7),
        Point(0.7, 9.0, 99.0, 3.5, 0.5, 1.0),
        Point(0.8, refused="no"),
    ],
    MADE,
)


def lines_of(figure: object) -> dict[str, tuple[list[float], list[float]]]:
    (axes,) = figure.axes  # type: ignore[attr-defined]
    return {
        str(line.get_label()): (list(line.get_xdata()), list(line.get_ydata()))
        for line in axes.lines
    }


def test_survival_of_both_and_the_exact_curve_on_log_scale() -> None:
    found = what_if.ask(HEDGED, n=2_000)
    figure = plots.survival(found)
    (axes,) = figure.axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    lines = lines_of(figure)
    assert set(lines) == {"control", "speculative", "speculative, exact"}
    times, shares = lines["speculative"]
    assert found.requests is not None
    for place in (0, len(times) // 2, len(times) - 2):
        beyond = float((found.requests.latency > times[place]).mean())
        assert shares[place] == pytest.approx(beyond, abs=1.1 / 2_000)
    assert shares[-1] == 1 / 2_000
    assert "speculative, exact" not in lines_of(plots.survival(what_if.ask(QUEUED, n=500)))


def test_what_was_not_simulated_or_answered_has_no_survival() -> None:
    with pytest.raises(ScenarioError, match="simulates nothing to draw"):
        plots.survival(what_if.ask(HEDGED, "exact"))
    lost = Scenario([Branch("a", Constant(1.0), failure=1.0)], Sequential())
    with pytest.raises(ScenarioError, match="leaves no latency to draw"):
        plots.survival(what_if.ask(lost, n=50))


def test_the_collapse_is_marked() -> None:
    figure = plots.load(LOADS)
    (axes,) = figure.axes
    assert axes.get_yscale() == "log"
    lines = lines_of(figure)
    assert lines["speculative"] == ([0.5, 0.6, 0.7], [2.0, 2.5, 99.0])
    assert lines["control"][1] == [3.0, 3.0, 3.5]
    assert lines["collapses, from 0.7 on"] == ([0.7], [99.0])
    calm = plots.load(Curve("load", LOADS.points[:2], MADE))
    assert calm.axes[0].get_yscale() == "linear"
    assert not [label for label in lines_of(calm) if "collapses" in label]


def test_a_trade_off_begins_at_control() -> None:
    curve = curves.hedge_delays(HEDGED, "p50..p99:3", n=500)
    assert curve is not None
    figure = plots.tradeoff(curve)
    lines = lines_of(figure)
    assert lines["control"] == ([0], [curve.points[0].control])
    assert lines["each hedge delay"][0] == [100 * point.extra for point in curve.points]
    assert {text.get_text() for text in figure.axes[0].texts} == {"p50", "p74.5", "p99"}


@pytest.mark.parametrize("draw", [plots.load, plots.tradeoff])
def test_a_curve_of_nothing(draw: object) -> None:
    with pytest.raises(ScenarioError, match="has no point to draw"):
        draw(Curve("load", [Point(0.8, refused="no")], MADE))  # type: ignore[operator]


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_the_same_figure_gives_the_same_bytes(kind: str, tmp_path: Path) -> None:
    one, other = (plots.drawn(plots.load(LOADS), kind) for _ in range(2))
    assert one == other
    plots.save(plots.load(LOADS), tmp_path / f"out.{kind}")
    assert (tmp_path / f"out.{kind}").read_bytes() == one
