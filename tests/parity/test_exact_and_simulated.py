"""Whatever scenario has a formula, simulating it gives the same numbers, to within their errors."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulators.estimators.intervals import spread_of
from simulators.estimators.measures import statistic
from simulators.exact import Solution, solve
from simulators.fast import run
from simulators.scenario import Branch, Cost, Scenario
from spectest.latency import (
    CommonShock,
    Constant,
    Exponential,
    GaussianCopula,
    HyperExponential,
    Independent,
    LogNormal,
    Mixture,
    ShiftedExponential,
    Uniform,
    Weibull,
)
from spectest.patterns.policies import (
    AfterFirst,
    Cascade,
    Decision,
    EagerRace,
    FirstValid,
    FirstValidOf,
    Hedge,
    Policy,
    Ranked,
    Sequential,
    WaitForAll,
)

SHORT = st.floats(0.3, 3)
LATENCIES = st.one_of(
    st.builds(Exponential, SHORT),
    st.builds(LogNormal, SHORT, st.floats(0.2, 1)),
    st.builds(Weibull, SHORT, st.floats(0.6, 2)),
    st.builds(Uniform, st.just(0.2), SHORT),
    st.builds(ShiftedExponential, st.just(0.2), SHORT),
    st.just(Mixture([(0.9, LogNormal(1.0, 0.3)), (0.1, Constant(4.0))])),
    st.just(HyperExponential([0.7, 0.3], [0.5, 3.0])),
)
CANCELS = st.one_of(
    st.sampled_from(["immediate", "never"]), st.tuples(st.just("delay"), st.floats(0, 2))
)
COSTS = st.builds(Cost, st.floats(0, 1), st.floats(0, 0.1), st.just(10), st.floats(0, 1))
SURE = st.builds(Branch, st.just("x"), LATENCIES, cancel=CANCELS, cost=COSTS)
FAILING = st.builds(
    Branch,
    st.just("x"),
    LATENCIES,
    st.floats(0.5, 1),
    st.floats(0, 0.3),
    st.none() | st.floats(1, 4),
    cancel=CANCELS,
    cost=COSTS,
)
POLICIES: st.SearchStrategy[Policy] = st.one_of(
    st.sampled_from([Sequential(), EagerRace(), FirstValidOf(2), Hedge(0.0), Hedge(1.0, 2)]),
    st.builds(Cascade, st.floats(0, 2)),
    st.builds(Hedge, st.floats(0, 3)),
)
DECISIONS: st.SearchStrategy[Decision] = st.sampled_from(
    [FirstValid(), Ranked(), WaitForAll(), AfterFirst(0.7)]
)
DEPENDENCES = st.sampled_from([
    Independent(), GaussianCopula(0.4), CommonShock(0.2, factor=2.0), CommonShock(0.2, extra=1.5)
])  # fmt: skip


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    kind = draw(st.sampled_from([SURE, FAILING]))
    drawn = draw(st.lists(kind, min_size=1, max_size=3))
    branches = [
        Branch(name, one.latency, one.valid, one.failure, one.timeout, one.cancel, cost=one.cost)
        for name, one in zip("abc", drawn, strict=False)
    ]
    return Scenario(branches, draw(POLICIES), draw(DECISIONS), dependence=draw(DEPENDENCES))


@pytest.mark.soak
@settings(max_examples=60, deadline=None)
@given(scenarios(), st.integers(0, 2**32))
def test_a_simulation_agrees_with_its_formula(scenario: Scenario, seed: int) -> None:
    exact = solve(scenario)
    assume(isinstance(exact, Solution))
    assert isinstance(exact, Solution)
    requests = run(scenario, 20_000, seed)
    for measure, value in exact.measures.items():
        found = statistic(requests, measure)
        error = spread_of(found.influence, queued=False).error
        # Some thousand comparisons are made, and the error of a percentile is itself estimated.
        assert abs(found.value - value) <= 6 * error + 1e-6 * max(1, abs(value)), measure
