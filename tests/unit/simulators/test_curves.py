import math
import tomllib
from pathlib import Path

import pytest

from simulators import curves, files, provenance, sweeps
from simulators.scenario import Branch, Scenario
from spectest.latency import Exponential
from spectest.patterns.policies import Sequential
from tests.unit.simulators.scenario_files import COLLAPSING, FREE, POOLED

HEDGED = files.from_data(tomllib.loads(FREE))
QUEUED = files.from_data(tomllib.loads(POOLED))
FRAGILE = files.from_data(tomllib.loads(COLLAPSING))


def test_an_earlier_hedge_takes_more_work_and_less_time() -> None:
    curve = curves.hedge_delays(HEDGED, "p50..p99:4", n=5_000)
    assert curve is not None
    assert [point.value for point in curve.points][::3] == ["p50", "p99"]
    extra = [point.extra for point in curve.points]
    p99 = [point.p99 for point in curve.points]
    assert extra == sorted(extra, reverse=True)
    assert p99 == sorted(p99)
    assert len({point.control for point in curve.points}) == 1


def test_a_load_at_which_it_collapses() -> None:
    curve = curves.loads(FRAGILE, "0.3,0.8", n=10_000)
    assert curve is not None
    assert [point.collapsed for point in curve.points] == [False, True]
    calm, lost = curve.points
    assert lost.p99 > 20 * calm.p99


def test_what_cannot_vary_has_no_curve() -> None:
    alone = Scenario([Branch("a", Exponential(1.0))], Sequential())
    assert curves.hedge_delays(alone) is None
    assert curves.loads(alone) is None
    assert curves.loads(HEDGED) is None


def test_a_point_that_makes_no_sense_says_why() -> None:
    curve = curves.loads(QUEUED, "0.5,1.5", n=200)
    assert curve is not None
    point = curve.points[1]
    assert math.isnan(point.p99)
    assert not point.collapsed
    assert "is more work than it has servers for" in str(point.refused)


@pytest.mark.parametrize("axis, values", [("hedge", "p50..p99:2"), ("load", "0.4,0.6,1.5")])
def test_a_sweep_says_the_same(tmp_path: Path, axis: str, values: str) -> None:
    along = {"hedge": curves.hedge_delays, "load": curves.loads}[axis]
    curve = along(QUEUED, values, n=500, seed=2)
    assert curve is not None
    grid = sweeps.Grid(QUEUED, {axis: values}, refused="row")
    rows = sweeps.run(grid, tmp_path / "rows", n=500, seed=2, warmup=50, progress=False)
    made = provenance.of(QUEUED, "fast", 2, 500)
    assert repr(curves.of_rows(axis, rows, made)) == repr(curve)
