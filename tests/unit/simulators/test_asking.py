"""Whoever is asked about something else than a scenario says so, in one line."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from simulators import check, events, exact, fast, live, sweeps, verdict, what_if
from simulators.scenario import Branch, Scenario, ScenarioError
from spectest.patterns.policies import EagerRace

ASKING: dict[str, Callable[[Any], object]] = {
    "what_if": lambda scenario: what_if.ask(scenario, n=10),
    "exact": exact.solve,
    "events": lambda scenario: events.run(scenario, 10),
    "fast": lambda scenario: fast.run(scenario, 10),
    "live": lambda scenario: live.run(scenario, 10),
    "verdict": verdict.judge,
    "sweeps": lambda scenario: sweeps.Grid(scenario, {"hedge": [0.1]}),
    "check.engines": lambda scenario: check.engines(scenario, 10),
    "check.code": lambda scenario: check.code(scenario, fast.run, 10),
}


@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING)
def test_the_name_of_a_file(ask: Callable[[Any], object]) -> None:
    told = "scenario is 'svc.toml', which is no Scenario; use files.read('NAME.toml')"
    with pytest.raises(ScenarioError, match=f"^{re.escape(told)}$"):
        ask("svc.toml")


def test_the_data_of_a_file() -> None:
    with pytest.raises(ScenarioError, match=r"is no Scenario; use files.from_data\(\.\.\.\)$"):
        fast.run({"branches": []}, 10)  # type: ignore[arg-type]


def test_measures_that_are_a_text() -> None:
    scenario = Scenario([Branch("a", 1.0), Branch("b", 2.0)], EagerRace())
    told = "measures is 'p99', which is no list of names; use ['p99']"
    with pytest.raises(ScenarioError, match=f"^{re.escape(told)}$"):
        what_if.ask(scenario, n=10, measures="p99")
