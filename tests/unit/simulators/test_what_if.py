import dataclasses
import math
import tomllib

import pytest

from simulators import estimators, exact, fast, files, what_if
from simulators.scenario import Branch, Closed, Poisson, Pool, Scenario, ScenarioError
from spectest.latency import Exponential
from spectest.patterns.policies import EagerRace, Sequential
from tests.unit.simulators.scenario_files import COLLAPSING, FREE, POOLED

HEDGED = files.from_data(tomllib.loads(FREE))
FRAGILE = files.from_data(tomllib.loads(COLLAPSING))
QUEUED = files.from_data(tomllib.loads(POOLED))


def test_a_row_is_what_the_estimators_and_the_formula_say() -> None:
    found = what_if.ask(HEDGED, n=3_000, seed=5)
    ours = fast.run(HEDGED, 3_000, 5)
    theirs = fast.run(estimators.control_of(HEDGED), 3_000, 5)
    row, pair = found["p95"], estimators.compare(ours, theirs)["p95"]
    assert row.estimate == estimators.estimate(ours, "p95")
    assert row.control == estimators.estimate(theirs, "p95")
    assert (row.difference, row.saved, row.times) == (pair.difference, pair.saved, pair.times)
    solution = exact.solve(HEDGED)
    assert isinstance(solution, exact.Solution)
    assert (row.exact, row.why, row.unit) == (solution["p95"], None, "s")


def test_where_requests_queue_the_first_tenth_of_both_is_cut() -> None:
    found = what_if.ask(QUEUED, n=2_000)
    assert found.cut == 200
    assert found.requests is not None
    assert found.requests_of_control is not None
    assert len(found.requests) == len(found.requests_of_control) == 1_800
    assert found.provenance.n == 2_000
    assert found["p95"].exact is None
    assert "with a pool has no formula" in str(found["p95"].why)


def test_the_only_pool_is_not_shown_twice() -> None:
    assert [row.measure for row in what_if.ask(QUEUED, n=500).rows][-1] == "utilisation"
    (asked,) = what_if.ask(QUEUED, n=500, measures=["utilisation:gpu"]).rows
    assert asked.measure == "utilisation:gpu"
    with pytest.raises(KeyError):
        what_if.ask(QUEUED, n=500, measures=["mean"])["p99"]


def test_a_measure_that_the_formula_does_not_give_has_a_reason() -> None:
    row = what_if.ask(HEDGED, "exact", measures=["p90"])["p90"]
    assert row.exact is None
    assert math.isnan(row.estimate.value)
    assert row.estimate.refused == row.why
    assert "does not give it" in str(row.why)


def test_formulas_may_be_left_out() -> None:
    found = what_if.ask(HEDGED, n=100, measures=["p95"], formulas=False)
    assert (found["p95"].exact, found["p95"].why) == (None, "nobody has asked for a formula")
    assert not found.exact_control


def test_an_engine_of_ones_own() -> None:
    asked: list[Scenario] = []

    def simulate(scenario: Scenario, n: int) -> object:
        asked.append(scenario)
        return fast.run(scenario, n, 3)

    found = what_if.ask(HEDGED, "mine", 100, 3, simulate=simulate)  # type: ignore[arg-type]
    assert asked == [HEDGED, found.control]
    with pytest.raises(ScenarioError, match="engine is 'mine', which is not known"):
        what_if.ask(HEDGED, "mine", 100)


def test_pools_that_collapse_are_noted() -> None:
    busy = dataclasses.replace(FRAGILE, arrivals=Poisson(4.5))
    (note,) = what_if.ask(busy, n=5_000).notes
    assert note.startswith("pool 'gpu' was brought 1.")
    assert note.endswith("there is no steady state, and latencies grow with n")
    assert what_if.ask(FRAGILE, n=5_000).notes == []


def test_requests_without_an_answer_are_noted() -> None:
    late = [Branch(name, Exponential(1.0), timeout=1.0) for name in "ab"]
    (note,) = what_if.ask(Scenario(late, EagerRace()), n=5_000).notes
    assert note.startswith("13.")
    assert "% of requests got no answer, and 13." in note


def test_users_who_wait_are_noted() -> None:
    closed = Scenario(
        [Branch("a", Exponential(1.0), pool="gpu"), Branch("b", Exponential(1.0), pool="gpu")],
        EagerRace(),
        pools=[Pool("gpu", 4)],
        arrivals=Closed(3, 1.0),
    )
    (note,) = what_if.ask(closed, n=200).notes
    assert note.startswith("users who wait for answers")


def test_a_scenario_without_speculation_is_its_own_control() -> None:
    alone = Scenario([Branch("a", Exponential(1.0))], Sequential())
    found = what_if.ask(alone, n=500)
    assert found["mean"].difference is not None
    assert found["mean"].difference.value == 0.0


@pytest.mark.parametrize(
    "measure, unit",
    [("p99", "s"), ("work", "s"), ("cost", ""), ("drops", ""), ("utilisation:gpu", "share")],
)
def test_units(measure: str, unit: str) -> None:
    assert what_if.unit_of(measure) == unit
