import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from simulators import estimators, fast
from simulators.scenario import Branch, Cost, Pool, Scenario
from simulators.sweeps.delays import Family, has
from spectest.latency import Constant, Exponential, LogNormal
from spectest.patterns.policies import FirstValid, Hedge

COST = Cost(fixed=1.0, per_token=0.01, tokens=100, per_gpu_second=0.3)
HEAVY = LogNormal(1.0, sigma=1.0)


def scenario(delay: float, latency: Any = HEAVY, **fields: Any) -> Scenario:
    branches = [Branch("a", latency, **fields), Branch("b", Exponential(1.0), **fields)]
    return Scenario(branches, Hedge(delay))


def flat(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if isinstance(value, dict):
        for name, part in value.items():
            yield from flat(part, f"{at} {name}")
    else:
        yield at, value


def differences(found: Any, wanted: Any) -> list[tuple[str, Any, Any]]:
    ours, theirs = dict(flat(found)), dict(flat(wanted))
    assert list(ours) == list(theirs)
    return [(at, ours[at], theirs[at]) for at in ours if not same(ours[at], theirs[at])]


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return one == pytest.approx(other, rel=1e-9, abs=1e-12, nan_ok=True)
    return bool(one == other)


@pytest.mark.parametrize("latency", [HEAVY, Constant(1.0)], ids=["heavy", "constant"])
@pytest.mark.parametrize("cancel", ["immediate", "never", ("delay", 0.7)], ids=str)
def test_every_number_is_that_of_a_run_with_its_control(latency: Any, cancel: Any) -> None:
    fields = {"cost": COST, "cancel": cancel}
    family = Family(scenario(1.0, latency, **fields), 4000, 3)
    control = fast.run(estimators.control_of(scenario(1.0, latency, **fields)), 4000, 3)
    for delay in (0.0, 0.3, 1.0, 4.0, 1e6):
        result = fast.run(scenario(delay, latency, **fields), 4000, 3)
        found, compared = family.at(delay, 0.95, None)
        assert differences(found, estimators.summary(result)) == []
        assert differences(compared, estimators.compare(result, control)) == []


def test_some_measures_are_those_of_all() -> None:
    family = Family(scenario(1.0, cost=COST), 500, 3)
    every, some = family.at(1.0, 0.9, None), family.at(1.0, 0.9, ["cost", "p90", "mean"])
    assert list(some[0]) == list(some[1]) == ["cost", "p90", "mean"]
    assert some[0]["cost"] == every[0]["cost"]
    assert some[1]["mean"] == every[1]["mean"]


def test_what_has_other_rules_is_no_family() -> None:
    alone = scenario(1.0)
    assert has(alone)
    changes: list[dict[str, Any]] = [
        {"policy": Hedge(1.0, most=1)},
        {"decision": FirstValid("literal")},
        {"pools": [Pool("unused", 1)]},
        {"order": ("a",)},
        {"branches": scenario(1.0, failure=0.1).branches},
    ]
    assert not any(has(dataclasses.replace(alone, **change)) for change in changes)
