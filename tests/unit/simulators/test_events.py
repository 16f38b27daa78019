from typing import Any

import numpy as np
import pytest

from simulators import events, fast
from simulators.results import CANCELLED, DROPPED, FAILED, NOT_SERVED, TIMED_OUT, VALID
from simulators.scenario import (
    Branch,
    Closed,
    Cost,
    Limiter,
    Poisson,
    Pool,
    Scenario,
    ScenarioError,
    Trace,
)
from spectest.patterns.policies import Hedge, Sequential, Tied

ENGINES = pytest.mark.parametrize("engine", [events, fast])


def pooled(arrivals: Any, *, capacity: int = 1, policy: Any = None, **fields: Any) -> Scenario:
    names = fields.pop("names", "ab")
    latencies = fields.pop("latencies", (1.0,) * len(names))
    limiter, timer = fields.pop("limiter", Limiter()), fields.pop("timer", "arrival")
    patience = fields.pop("acquire_timeout", None)
    return Scenario(
        [Branch(name, latencies[i], pool="p", **fields) for i, name in enumerate(names)],
        policy or Hedge(0.25),
        limiter=limiter,
        pools=[Pool("p", capacity, acquire_timeout=patience)],
        arrivals=arrivals,
        timer=timer,
        overload="allowed",
    )


def story(scenario: Scenario, n: int) -> list[str]:
    result = events.run(scenario, n, trace=True)
    return [
        f"{event.time:g} {event.request} {event.what} {event.branch or ''}".rstrip()
        for event in result.events
    ]


def test_a_hedge_is_told_event_by_event() -> None:
    scenario = Scenario([Branch("slow", 1.0), Branch("fast", 0.5)], Hedge(0.25))
    assert story(scenario, 1) == [
        "0 0 arrived",
        "0 0 launched slow",
        "0 0 began slow",
        "0.25 0 launched fast",
        "0.25 0 began fast",
        "0.75 0 valid fast",
        "0.75 0 left fast",
        "0.75 0 decided fast",
        "0.75 0 cancelled slow",
        "0.75 0 left slow",
    ]


def test_a_trace_has_the_time_of_the_calendar() -> None:
    scenario = Scenario([Branch("a", 1.0)], Sequential(), arrivals=Trace([2.0, 5.0]))
    assert [line for line in story(scenario, 2) if "decided" in line] == [
        "3 0 decided a",
        "6 1 decided a",
    ]


@ENGINES
def test_who_waits_is_served_in_turn(engine: Any) -> None:
    result = engine.run(pooled(Trace([0.0, 0.0, 0.0]), policy=Sequential()), 3)
    assert result.latency.tolist() == [1.0, 2.0, 3.0]
    assert result.waits[:, 0].tolist() == [0.0, 1.0, 2.0]


@ENGINES
def test_the_effect_of_a_cancellation(engine: Any) -> None:
    works: list[tuple[Any, float]]
    works = [("immediate", 0.75), (("delay", 0.125), 0.875), ("never", 1.0)]
    for cancel, work in works:
        branches = [Branch("slow", 1.0, cancel=cancel), Branch("fast", 0.5)]
        result = engine.run(Scenario(branches, Hedge(0.25)), 1)
        assert result.work[0].tolist() == [work, 0.5]
        assert result.outcome[0].tolist() == [CANCELLED, VALID]
        assert result.wasted.tolist() == [work]


@ENGINES
def test_in_line_a_cancellation_takes_effect_as_late(engine: Any) -> None:
    """The hedge waits in line when its request is answered; nobody else comes."""
    works: list[tuple[Any, float]] = [("immediate", 0.0), (("delay", 0.125), 0.125), ("never", 1.0)]
    for cancel, work in works:
        result = engine.run(pooled(Trace([0.0]), cancel=cancel), 1)
        assert result.work[0].tolist() == [1.0, work]
        assert result.outcome[0].tolist() == [VALID, CANCELLED]


@ENGINES
def test_the_origin_of_the_timer(engine: Any) -> None:
    """The hedge of the second request is due while its first attempt waits, or after that."""
    arrivals = Trace([0.0, 0.5])
    one = engine.run(pooled(arrivals, latencies=(1.0, 1.0), policy=Hedge(0.75)), 2)
    other = engine.run(pooled(arrivals, policy=Hedge(0.75), timer="service_start"), 2)
    assert one.launched[1].tolist() == [0.0, 0.75]
    assert other.launched[1, 1] > one.launched[1, 1]


@ENGINES
def test_the_limiter(engine: Any) -> None:
    arrivals = Trace([0.0, 2.0])
    for limiter, outcome in (
        (Limiter(), CANCELLED),
        (Limiter("drop"), DROPPED),
        (Limiter("drop", capacity=1), DROPPED),
        (Limiter("queue", capacity=1), CANCELLED),
        (Limiter("budget", ratio=1.0, burst=1), CANCELLED),
    ):
        result = engine.run(pooled(arrivals, limiter=limiter), 2)
        assert result.outcome[:, 1].tolist() == [outcome, outcome], limiter
        assert np.isnan(result.began[:, 1]).all()


@ENGINES
def test_a_budget_runs_out(engine: Any) -> None:
    arrivals = Trace([0.0, 2.0, 4.0, 6.0, 8.0])
    limiter = Limiter("budget", ratio=0.5, burst=1)
    result = engine.run(pooled(arrivals, capacity=2, limiter=limiter), 5)
    assert result.drops.tolist() == [0, 1, 0, 1, 0]


@ENGINES
def test_patience_with_a_pool(engine: Any) -> None:
    for patience in (0, 0.5):
        scenario = pooled(
            Trace([0.0, 0.0]), policy=Sequential(), names="a", acquire_timeout=patience
        )
        result = engine.run(scenario, 2)
        assert result.winner.tolist() == [0, -1]
        assert result.latency.tolist() == [1.0, patience]
        assert result.outcome[:, 0].tolist() == [VALID, NOT_SERVED]


@ENGINES
def test_a_timeout_and_a_failure(engine: Any) -> None:
    branches = [Branch("a", 1.0, timeout=0.5), Branch("b", 1.0, failure=1.0)]
    result = engine.run(Scenario(branches, Sequential()), 1)
    assert result.outcome[0].tolist() == [TIMED_OUT, FAILED]
    assert (result.latency[0], result.winner[0]) == (1.5, -1)
    assert result.answered.tolist() == [False]


@ENGINES
def test_an_answer_at_the_moment_of_the_timeout_counts(engine: Any) -> None:
    result = engine.run(Scenario([Branch("a", 1.0, timeout=1.0)], Sequential()), 1)
    assert result.outcome[0].tolist() == [VALID]


@ENGINES
def test_a_request_does_not_get_the_server_that_it_sets_free(engine: Any) -> None:
    """The winner's server goes to the next in line, not to the request's own hedge."""
    result = engine.run(pooled(Trace([0.0, 0.5]), policy=Hedge(0.25)), 2)
    assert result.outcome[0].tolist() == [VALID, CANCELLED]
    assert np.isnan(result.began[0, 1])
    assert result.waits[1, 0] == 0.5


@ENGINES
def test_tied_attempts_end_each_other_when_one_is_served(engine: Any) -> None:
    pools = [Pool("p", 1), Pool("q", 1)]
    branches = [Branch("a", 4.0, pool="p"), Branch("b", 1.0, pool="q")]
    scenario = Scenario(branches, Tied(), pools=pools, arrivals=Trace([0.0, 0.0, 0.0]))
    result = engine.run(scenario, 3)
    assert (result.work > 0).sum(axis=1).tolist() == [1, 1, 1]
    assert np.count_nonzero(result.outcome == CANCELLED) == 3


@ENGINES
def test_users_wait_for_their_answers(engine: Any) -> None:
    scenario = Scenario([Branch("a", 1.0)], Sequential(), arrivals=Closed(1, think=0.5))
    assert engine.run(scenario, 3).arrival.tolist() == [0.5, 2.0, 3.5]


@ENGINES
def test_costs(engine: Any) -> None:
    cost = Cost(fixed=1.0, per_token=0.1, tokens=100, per_gpu_second=2.0)
    branches = [Branch("slow", 1.0, cost=cost), Branch("fast", 0.5)]
    result = engine.run(Scenario(branches, Hedge(0.25)), 1)
    assert result.cost.tolist() == [pytest.approx(1.0 + 7.5 + 1.5)]


@ENGINES
def test_numbers_of_requests(engine: Any) -> None:
    scenario = Scenario([Branch("a", 1.0)], Sequential(), arrivals=Trace([0.0, 1.0]))
    for n in (0, -1, True, 1.5, 3):
        with pytest.raises(ScenarioError, match=r"^n is ") as caught:
            engine.run(scenario, n)
        assert "\n" not in str(caught.value)
    assert len(engine.run(scenario, 2)) == 2


@ENGINES
def test_common_draws(engine: Any) -> None:
    """A scenario with a hedge and its control have the same requests."""
    two = [Branch("a", (0.5, 1.5)), Branch("b", (0.5, 1.5))]
    hedged = engine.run(Scenario(two, Hedge(1.0), arrivals=Poisson(2.0)), 500, 3)
    control = engine.run(Scenario(two, Sequential(), arrivals=Poisson(2.0)), 500, 3)
    assert np.array_equal(hedged.arrival, control.arrival)
    unhedged = hedged.launches == 1
    assert np.array_equal(hedged.latency[unhedged], control.latency[unhedged])
    assert (hedged.latency <= control.latency).all()
