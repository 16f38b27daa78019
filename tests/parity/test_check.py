"""Real pipelines, as people write them: what one does wrong is named, and what is right agrees."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from simulators import check, live
from simulators.results import Requests
from simulators.scenario import Branch, Limiter, Poisson, Pool, Scenario
from spectest.latency import LogNormal
from spectest.patterns.policies import Hedge
from tests.parity import mistaken
from tests.parity.mistaken import DELAY, TIMEOUT

SERVERS, MOST = 4, 6


def two(pool: str | None = None) -> list[Branch]:
    fields: dict[str, Any] = {"timeout": TIMEOUT, "valid": 0.9, "failure": 0.1, "pool": pool}
    return [Branch(name, LogNormal(1.0, 1.0), **fields) for name in ("llm", "backup")]


POOLED = Scenario(two("gpu"), Hedge(DELAY), pools=[Pool("gpu", SERVERS)], arrivals=Poisson(1.4))
LIMITED = Scenario(
    two(), Hedge(DELAY), limiter=Limiter("drop", capacity=MOST), arrivals=Poisson(2.5)
)
HASTY = "a free slot is handed on before the request that has set it free decides"
AGAIN = "a failed attempt is launched again on its branch"
RIGHT = [mistaken.Hedged, mistaken.WithSemaphore, mistaken.WithLimiter]
WRONG: dict[type[mistaken.Hedged], tuple[str, ...]] = {
    mistaken.NeverCancels: ("loser not cancelled",),
    mistaken.CancelsLate: ("loser cancelled late, after 0.3 s",),
    mistaken.TimerAtService: ("timer counts from the start of service",),
    mistaken.Retries: (f"{AGAIN}, once more, at the end of the line",),
    mistaken.TakesAnything: ("invalid answer wins",),
    mistaken.FirstDone: ("first done wins: an attempt that fails or times out ends its request",),
    mistaken.ForgetsTheLate: ("who times out is not cancelled",),
    mistaken.Sleeps: ("hedges sleep through their delay on a server",),
    mistaken.SleepsAndNeverCancels: (
        "loser not cancelled",
        "hedges sleep through their delay on a server",
    ),
    mistaken.NoTimeout: ("timeout missing",),
    mistaken.LeaksOnCancel: ("server leaked by an attempt that is cancelled or times out", HASTY),
    mistaken.LeaksOnFailure: ("server leaked by an attempt that fails",),
    mistaken.LeaksPermits: (
        "permit of the limiter leaked by an attempt that is cancelled or times out",
    ),
    mistaken.NoLimiter: ("limiter absent",),
    mistaken.QueuesAtLimiter: ("limiter queues, at 6 attempts", HASTY),
}


def question(kind: type[mistaken.Hedged]) -> tuple[Scenario, Callable[[], mistaken.Hedged]]:
    if issubclass(kind, mistaken.WithSemaphore):
        return POOLED, lambda: kind(SERVERS)
    if issubclass(kind, mistaken.WithLimiter):
        return LIMITED, lambda: kind(MOST)
    return POOLED, kind


def checked(kind: type[mistaken.Hedged], n: int, seeds: list[int]) -> check.Report:
    scenario, pipeline = question(kind)

    def code(scenario: Scenario, n: int, seed: int) -> Requests:
        return live.run(scenario, n, seed, pipeline())

    return check.code(scenario, code, n, seeds)


@pytest.mark.parametrize("kind", RIGHT)
def test_code_that_does_what_the_scenario_says(kind: type[mistaken.Hedged]) -> None:
    report = checked(kind, 300, [0, 1, 2])
    assert report.agrees, report


@pytest.mark.parametrize("kind", WRONG)
def test_a_mistake_is_named(kind: type[mistaken.Hedged]) -> None:
    report = checked(kind, 150, [0, 1])
    assert report.explanation is not None
    assert report.explanation.matches == (WRONG[kind],), report


def test_code_that_gets_stuck_is_compared_as_far_as_it_goes() -> None:
    patient = [dataclasses.replace(branch, timeout=None) for branch in POOLED.branches]
    scenario = dataclasses.replace(POOLED, branches=patient)

    def code(scenario: Scenario, n: int, seed: int) -> Requests:
        return live.run(scenario, n, seed, mistaken.LeaksUntilNothingIsLeft(SERVERS))

    report = check.code(scenario, code, 50, [0, 1])
    assert report.explanation is not None
    assert report.explanation.matches == (("server leaked by an attempt that is cancelled", HASTY),)
    assert report.n < 50
    assert not report.agrees
    assert "the code does not answer more requests: pipeline is" in str(report)
    assert "never answers request" in str(report.to_data()["stopped"])


@pytest.mark.soak
@pytest.mark.parametrize("kind", [*RIGHT, *WRONG])
def test_more_seeds(kind: type[mistaken.Hedged]) -> None:
    report = checked(kind, 500, [2, 3, 4, 5, 6])
    found = None if report.explanation is None else report.explanation.matches
    assert found == ((WRONG[kind],) if kind in WRONG else None), report


def test_whoever_sleeps_when_all_are_answered_asks_all_the_same() -> None:
    def code(scenario: Scenario, n: int, seed: int) -> Requests:
        return live.run(scenario, n, seed, mistaken.SleepsAndNeverCancels(SERVERS))

    report = check.code(dataclasses.replace(POOLED, arrivals=Poisson(0.05)), code, 40, [0, 1, 2])
    assert report.explanation is not None
    assert report.explanation.matches == (WRONG[mistaken.SleepsAndNeverCancels],), report


def test_speculate_agrees() -> None:
    assert check.code(LIMITED, live.run, 200).agrees
