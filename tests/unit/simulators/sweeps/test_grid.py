from typing import Any

import pytest

from simulators import files
from simulators.scenario import Closed, ScenarioError
from simulators.sweeps import Axis, Grid
from tests.unit.simulators.sweeps.grids import data


def scenarios(grid: Grid) -> list[Any]:
    return [point.scenario for point in grid.points]


def test_the_last_axis_changes_fastest() -> None:
    grid = Grid(data(), {"policy.delay": [1, 2], "pools.gpu.capacity": "15,20"})
    assert [(point.index, *point.axes.values()) for point in grid.points] == [
        (0, 1, 15), (1, 1, 20), (2, 2, 15), (3, 2, 20),
    ]  # fmt: skip
    assert [one.pools[0].capacity for one in scenarios(grid)] == [15, 20, 15, 20]
    assert [one.policy.delay for one in scenarios(grid)] == [1, 1, 2, 2]
    assert str(grid.points[1]) == "policy.delay=1, pools.gpu.capacity=20"


@pytest.mark.parametrize(
    "path", ["branches.llm.failure", "branches['llm'].failure", 'branches["llm"].failure',
             "branches[llm].failure", "branches[0].failure", "branches.0.failure"]
)  # fmt: skip
def test_parts_are_found_by_name_and_by_place(path: str) -> None:
    (scenario,) = scenarios(Grid(data(), {path: [0.25]}))
    assert [branch.failure for branch in scenario.branches] == [0.25, 0.0]


def test_what_the_data_leave_out_can_be_swept() -> None:
    axes = {
        "branches.llm.cost.fixed": [3],
        "decision.pick": ["literal"],
        "limiter.kind": ["drop"],
        "timer": ["service_start"],
    }
    (scenario,) = scenarios(Grid(data(), axes))
    assert scenario.branches[0].cost.fixed == 3
    assert scenario.decision.pick == "literal"
    assert (scenario.limiter.kind, scenario.timer) == ("drop", "service_start")


def test_whole_parts_can_be_swept() -> None:
    policies = [{"kind": "Sequential"}, {"kind": "Hedge", "delay": 1.0}]
    grid = Grid(data(), [Axis("policy", tuple(policies))])
    assert [type(one.policy).__name__ for one in scenarios(grid)] == ["Sequential", "Hedge"]


def test_relations_of_the_data_hold_at_each_point() -> None:
    for one in scenarios(Grid(data(), {"branches.llm.latency.p50": [0.3, 0.6]})):
        assert one.policy.delay == one.branches[0].service.quantile(0.95)
    given: Any = files.from_data(data())
    for one in scenarios(Grid(given, {"branches.llm.latency.median": [0.3, 0.6]})):
        assert one.policy.delay == given.policy.delay


def test_data_stay_as_they_are() -> None:
    given = data()
    Grid(
        given,
        {"branches.llm.latency.p50": [0.3], "hedge": [1], "load": [0.5], "timer": ["arrival"]},
    )
    assert given == data()


def test_a_scenario_is_its_data() -> None:
    axes = {"load": [0.5], "hedge": ["p90"]}
    assert Grid(data(), axes).hash == Grid(files.from_data(data()), axes).hash
    assert Grid(data(), axes).hash != Grid(data(), {**axes, "load": [0.6]}).hash
    assert Grid(data(), axes).hash != Grid(data(timer="service_start"), axes).hash


@pytest.mark.parametrize(
    "arrivals",
    [
        None,
        {"kind": "Poisson", "rate": 2.0},
        {"kind": "Deterministic", "gap": 0.5},
        {"kind": "MMPP", "rates": [1.0, 3.0], "switches": [0.1, 0.3]},
        {"kind": "Trace", "times": [0.0, 0.5, 3.0, 4.5]},
    ],
)
def test_load_is_what_the_fullest_pool_is_offered(arrivals: Any) -> None:
    pools = [{"name": "gpu", "capacity": 20}, {"name": "idle", "capacity": 1}]
    grid = Grid(
        data(pools=pools, arrivals=arrivals), {"load": [0.3, 0.9], "pools.gpu.capacity": [10, 20]}
    )
    for point in grid.points:
        assert point.scenario is not None
        assert max(point.scenario.offered().values()) == pytest.approx(point.axes["load"])
        assert not isinstance(point.scenario.arrivals, Closed | None)
        assert point.derived["rate"] == point.scenario.arrivals.mean_rate
        given = arrivals or {"kind": "Poisson"}
        assert type(point.scenario.arrivals).__name__ == given["kind"]


def test_a_hedge_is_a_delay_of_the_policy() -> None:
    grid = Grid(data(), {"hedge": ["p50", 0.25]})
    assert [one.policy.delay for one in scenarios(grid)] == [pytest.approx(0.6), 0.25]
    assert [point.derived for point in grid.points] == [
        {"delay": pytest.approx(0.6)},
        {"delay": 0.25},
    ]
    assert scenarios(Grid(data(), {"policy.delay": "p50"})) == scenarios(grid)[:1]
    cascade = data(policy={"kind": "Cascade", "branches": ["backup", "llm"]})
    assert scenarios(Grid(cascade, {"hedge": ["p99"]}))[0].policy.patience == 0.8


@pytest.mark.parametrize(
    "axes, told",
    [
        (
            {"polcy.delay": [1]},
            (
                "axis is 'polcy.delay', which begins with 'polcy', which is no "
                "field; did you mean 'policy'?"
            ),
        ),
        (
            {"lod": [1]},
            ("axis is 'lod', which begins with 'lod', which is no field; did you mean 'load'?"),
        ),
        (
            {"branches.lm.cancel": ["never"]},
            (
                "axis is 'branches.lm.cancel', which names 'lm', which "
                "is not in branches; did you mean 'llm'?"
            ),
        ),
        (
            {"branches.7.cancel": ["never"]},
            (
                "axis is 'branches.7.cancel', which names '7', which is "
                "not in branches; use one of 'llm', 'backup'"
            ),
        ),
        (
            {"branches.llm.cancl": ["never"]},
            (
                "branches['llm'].cancl at the point branches.llm.cancl="
                "never is 'never', which is no field; did you mean 'cancel'?"
            ),
        ),
        (
            {"branches.backup.latency.median": [2]},
            (
                "axis is 'branches.backup.latency.median', which "
                "goes into branches.backup.latency, which is 0.8 and has no fields; sweep "
                "branches.backup.latency as a whole"
            ),
        ),
        (
            {"a..b": [1]},
            (
                "axis is 'a..b', which is no path into a scenario; use one such as "
                "policy.delay or branches.llm.latency"
            ),
        ),
        (
            {"policy.delay": [1, -1]},
            (
                "policy.delay at the point policy.delay=-1 is -1, which is no "
                "duration; use seconds, 0 or more, such as 0.2 for 200 ms"
            ),
        ),
        (
            {"pools.gpu.capacity": [20, 1.5]},
            (
                "pools['gpu'].capacity at the point pools.gpu.capacity="
                "1.5 is 1.5, which is no capacity; use an integer, 1 or more"
            ),
        ),
        (
            {"load": [0.5, "p50"]},
            (
                "load at the point load=p50 is 'p50', which is no number; use a "
                "positive number, such as 0.8"
            ),
        ),
        (
            {"hedge": [1], "policy.delay": [2]},
            (
                "axis is 'policy.delay', which sets policy.delay, as "
                "'hedge' does; leave one of them out"
            ),
        ),
        (
            {"load": [0.5], "arrivals.rate": [2]},
            (
                "axis is 'arrivals.rate', which sets arrivals.rate, "
                "as 'load' does; leave one of them out"
            ),
        ),
        (
            {},
            (
                "axes is [], which sweeps nothing; use one or more, such as {'policy.delay': [0.1, "
                "0.2]}"
            ),
        ),
    ],
)
def test_what_leads_nowhere_is_refused_in_one_line(axes: Any, told: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        Grid(data(), axes)
    assert str(caught.value) == told
    with pytest.raises(ScenarioError):
        Grid(data(), {name: values[-1:] for name, values in axes.items()}, refused="row")


@pytest.mark.parametrize(
    "axes, changes, told",
    [
        ({"hedge": [1]}, {"policy": {"kind": "Sequential"}}, "is for a policy that waits, not Seq"),
        ({"load": [0.5]}, {"arrivals": {"kind": "Closed", "users": 3, "think": 1.0}},
         "cannot be set where users wait for answers; use an axis arrivals.users"),
        ({"load": [0.5]}, {"policy": {"kind": "Hedge", "delay": 1, "branches": ["backup"]}},
         "what is launched at once offers 0 to the pools; give the first branch a pool"),
    ],
)  # fmt: skip
def test_derived_axes_need_what_they_set(axes: Any, changes: Any, told: str) -> None:
    with pytest.raises(ScenarioError, match=told):
        Grid(data(**changes), axes)


def test_a_point_that_makes_no_sense_is_an_error_or_a_row() -> None:
    axes = {"load": [0.5, 1.2], "overload": ["refused", "allowed"]}
    told = (
        "offered load of pools['gpu'] at the point load=1.2, overload=refused is 1.2, which is more"
    )
    with pytest.raises(ScenarioError) as caught:
        Grid(data(), axes)
    assert str(caught.value).startswith(told)
    points = Grid(data(), axes, refused="row").points
    assert [point.refused is None for point in points] == [True, True, False, True]
    assert str(points[2].refused).startswith("offered load of pools['gpu'] is 1.2, which is more")


def test_a_grid_is_of_a_scenario() -> None:
    with pytest.raises(ScenarioError, match="scenario is 7, which is no Scenario; use "):
        Grid(7, {"load": [1]})  # type: ignore[arg-type]
    with pytest.raises(ScenarioError, match="refused is 'never', which is not known"):
        Grid(data(), {"load": [0.5]}, refused="never")  # type: ignore[arg-type]
