from typing import Any

import numpy as np
import pytest

from simulators import events, fast
from simulators.scenario import Branch, Closed, Cost, Pool, Scenario, ScenarioError, Trace
from simulators.ticks import InTicks, in_ticks, ticks
from spectest.latency import Exponential, LogNormal
from spectest.patterns.policies import AfterFirst, Cascade, Hedge
from tests.parity.simulated import SCENARIOS


def test_half_to_even_on_both_sides() -> None:
    halves = [0.5e-9, 1.5e-9, 2.5e-9, 1e-9 / 3]
    assert [ticks(half) for half in halves] == np.rint(np.array(halves) * 1e9).tolist()
    assert ticks(2.5e-9) == 2.0


def test_everything_is_measured_in_nanoseconds() -> None:
    scenario = Scenario(
        [
            Branch(
                "a",
                LogNormal(1.0, 0.5),
                timeout=1 / 3,
                cancel=("delay", 0.1),
                pool="p",
                cost=Cost(per_gpu_second=2.0),
            )
        ],
        Cascade(patience=0.2),
        AfterFirst(0.3),
        pools=[Pool("p", 1, acquire_timeout=0.7)],
        arrivals=Closed(2, Exponential(1.0)),
    )
    ticked = in_ticks(scenario, 3, 0)
    branch = ticked.racing[0]
    assert (branch.timeout, branch.lingers, branch.cost.per_gpu_second) == (333333333, 1e8, 2e-9)
    assert (ticked.policy, ticked.decision) == (Cascade(2e8), AfterFirst(3e8))
    assert ticked.pools[0].acquire_timeout == 7e8
    assert isinstance(ticked.arrivals, Closed)
    for latency in (branch.service, ticked.arrivals.thinking):
        assert isinstance(latency, InTicks)
        assert latency.quantile(0.3) == ticks(latency.seconds.quantile(0.3))
        assert latency.mean == pytest.approx(latency.seconds.mean * 1e9)
        assert latency.variance == pytest.approx(latency.seconds.variance * 1e18)
        assert latency.sf(2e9) == latency.seconds.sf(2.0)
        assert latency.support == (0.0, np.inf)


def test_arrivals_are_a_trace_of_rounded_moments() -> None:
    scenario = SCENARIOS["cancellation late"]
    ticked = in_ticks(scenario, 50, 3).arrivals
    assert isinstance(ticked, Trace)
    moments = events.run(scenario, 50, 3).arrival
    assert list(ticked.times) == np.rint(moments * 1e9).tolist()


@pytest.mark.parametrize("name", SCENARIOS)
def test_events_and_fast_agree_in_ticks(name: str) -> None:
    one = events.run(SCENARIOS[name], 300, 4, ticks=True)
    assert one.difference(fast.run(SCENARIOS[name], 300, 4, ticks=True)) is None
    for column in (one.arrival, one.latency, one.launched, one.began, one.work):
        known = column[~np.isnan(column)]
        assert np.array_equal(np.rint(known * 1e9) / 1e9, known)


def test_a_tick_changes_no_result_by_more_than_rounding() -> None:
    scenario = SCENARIOS["hedge"]
    one, other = events.run(scenario, 500, 1, ticks=True), events.run(scenario, 500, 1)
    assert np.abs(one.latency - other.latency).max() < 2e-9
    assert np.allclose(one.cost, other.cost)
    assert one.scenario is scenario


def test_events_are_told_in_seconds() -> None:
    scenario = Scenario([Branch("a", 0.25)], Hedge(1.0))
    assert [e.time for e in events.run(scenario, 1, trace=True, ticks=True).events][-1] == 0.25


@pytest.mark.parametrize("engine", [events, fast])
def test_what_no_float_counts_is_refused(engine: Any) -> None:
    scenario = Scenario([Branch("a", 1e7)], Hedge(1.0))
    with pytest.raises(ScenarioError) as caught:
        engine.run(scenario, 1, ticks=True)
    assert str(caught.value) == (
        "the last moment in seconds is 10000000.0, which is more than 2**53 nanoseconds, 9007199 s;"
        " use fewer requests, shorter latencies, or the engine in seconds"
    )
