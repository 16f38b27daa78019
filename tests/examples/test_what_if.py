"""Four what-ifs: what the simulators say about each scenario, and about the code beside it."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from examples.what_if.fraud_check import pipeline as fraud_check
from examples.what_if.hedged_llm import pipeline as hedged_llm
from examples.what_if.pool_starvation import pipeline as pool_starvation
from examples.what_if.reranker import pipeline as reranker
from simulators import check, files, live
from simulators.results import Requests
from simulators.scenario import Limiter, Scenario
from simulators.verdict import Verdict, judge
from spectest.latency import GaussianCopula
from tests.examples.pages import ROOT

FOLDER = ROOT / "examples" / "what_if"
N = 20_000


def scenario_of(name: str) -> Scenario:
    return files.read(FOLDER / f"{name}.toml")


def judged(scenario: Scenario, percentiles: tuple[str, ...] = ("p50", "p99")) -> Verdict:
    return judge(scenario, n=N, percentiles=percentiles)


def against(verdict: Verdict) -> list[str]:
    """The rules that decide and are against it."""
    return [rule.name for rule in verdict.rules if rule.decides and rule.result == "against"]


def checked(name: str, pipeline: Callable[[], Any], n: int = 200) -> check.Report:
    """`pipeline()` is what runs the requests of one seed."""

    def code(scenario: Scenario, n: int, seed: int) -> Requests:
        return live.run(scenario, n, seed, pipeline())

    return check.code(scenario_of(name), code, n)


def explained(report: check.Report) -> tuple[tuple[str, ...], ...]:
    assert report.explanation is not None, report
    return report.explanation.matches


# What is it worth?


def test_a_fast_engine_beside_a_slow_one() -> None:
    verdict = judged(scenario_of("fraud_check/scenario"), ("p50", "p95"))
    assert verdict.answer == "enable"
    assert verdict["first answers"].result == "for"
    cost = verdict["cost"].value
    assert cost is not None
    assert 1.5 < cost.value < 1.7


def test_a_race_that_the_same_one_always_wins() -> None:
    verdict = judged(scenario_of("reranker/scenario"))
    assert verdict.answer == "disable"
    assert against(verdict) == ["first answers", "memory", "p99 improvement"]
    first = verdict["first answers"].value
    assert first is not None
    assert first.value > 0.99


def test_percentiles_that_contradict_each_other() -> None:
    scenario = scenario_of("hedged_llm/scenario")
    verdict = judged(scenario)
    assert verdict.answer == "enable"
    assert "against it is p50 improvement; the answer follows p99" in verdict.conflicts[0]
    together = dataclasses.replace(scenario, dependence=GaussianCopula(0.9))
    assert against(judged(together)) == ["p99 improvement"]


def test_a_pool_that_never_drains() -> None:
    assert judged(scenario_of("pool_starvation/scenario")).answer == "enable"
    forgetful = scenario_of("pool_starvation/forgetful")
    verdict = judged(forgetful)
    assert verdict.answer == "disable"
    assert against(verdict) == ["metastability"]
    assert verdict["p99 improvement"].result == "for"
    limited = dataclasses.replace(forgetful, limiter=Limiter("drop"))
    assert judged(limited).answer == "enable"


# Does the code do what its scenario says?


@pytest.mark.parametrize(
    "name, pipeline",
    [
        ("fraud_check/scenario", lambda: fraud_check.fixed),
        ("reranker/scenario", lambda: reranker.rerank),
        ("hedged_llm/scenario", lambda: hedged_llm.answer),
        ("pool_starvation/scenario", pool_starvation.Cured),
        ("pool_starvation/forgetful", pool_starvation.Forgetful),
    ],
)
def test_code_that_does(name: str, pipeline: Callable[[], Any]) -> None:
    report = checked(name, pipeline)
    assert report.agrees, report


@pytest.mark.parametrize(
    "name, pipeline, mistakes",
    [
        (
            "fraud_check/scenario",
            lambda: fraud_check.written,
            ("who times out is not cancelled",),
        ),
        ("pool_starvation/scenario", pool_starvation.Forgetful, ("loser not cancelled",)),
        (
            "pool_starvation/scenario",
            pool_starvation.Sleeping,
            ("loser not cancelled", "hedges sleep through their delay on a server"),
        ),
    ],
)
def test_code_that_does_not(
    name: str, pipeline: Callable[[], Any], mistakes: tuple[str, ...]
) -> None:
    assert explained(checked(name, pipeline)) == (mistakes,)


def test_scenario_and_code_name_the_same_numbers() -> None:
    pool = scenario_of("pool_starvation/scenario")
    forgetful = scenario_of("pool_starvation/forgetful")
    never = [dataclasses.replace(branch, cancel="never") for branch in pool.branches]
    assert forgetful == dataclasses.replace(pool, branches=never)
    assert pool.pools[0].capacity == pool_starvation.CONNECTIONS


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*/pipeline.py")), ids=lambda p: p.parent.name)
def test_there_is_no_harness_in_the_code(path: Path) -> None:
    text = path.read_text("utf-8")
    assert "spectest" not in text
    assert "simulators" not in text
