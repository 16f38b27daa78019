"""The answer: how rules are combined, what is refused, and that the same seed says the same."""

import json
from typing import Any

import pytest

from simulators import verdict
from simulators.errors import ScenarioError
from simulators.estimators import Estimate
from simulators.scenario import Branch, Scenario, Trace
from simulators.verdict import Finding
from simulators.verdict.findings import needed
from simulators.verdict.judging import combined
from spectest.patterns.policies import (
    Cascade,
    EagerRace,
    FirstValidOf,
    Hedge,
    Policy,
    Sequential,
    Tied,
)
from tests.unit.simulators.verdict.cases import LAW, P95, pair, pooled


def found(name: str, result: Any, n: int | None = None, *, decides: bool = True) -> Finding:
    return Finding(name, result, "because", needed=n, decides=decides)


def test_one_rule_against_it_is_enough() -> None:
    rules = [found("a", "for"), found("b", "open", 9), found("c", "against"), found("d", "against")]
    assert combined(rules) == ("disable", "disable: against it are c and d")


def test_one_open_rule_leaves_it_open() -> None:
    rules = [found("a", "for"), found("b", "open", 700), found("c", "open", 9000)]
    reason = "inconclusive: open are b and c; n=9,000 would decide, if all else stays the same"
    assert combined(rules) == ("inconclusive", reason)
    reason = "inconclusive: open are b, c and d; how many requests would decide cannot be told"
    assert combined([*rules, found("d", "open")]) == ("inconclusive", reason)


@pytest.mark.parametrize("line, n", [(0.15, 4001), (0.205, 4001), (0.225, 1001), (0.2, None)])
def test_an_interval_shrinks_with_the_root(line: float, n: int | None) -> None:
    """Its side towards the line has to shrink to a half, or fits already."""
    lopsided = Estimate(0.2, 0.1, 0.21, 0.95, 1000, None, "any")
    assert needed(lopsided, line, 1000) == (None if n is None else pytest.approx(n, abs=1))
    assert needed(Estimate(0.2, None, None, 0.95, 9, None, "any"), line, 9) is None


def test_notes_and_what_does_not_apply_say_nothing() -> None:
    rules = [
        found("a", "for"),
        found("b", "against", decides=False),
        found("c", "open", decides=False),
        found("d", "note"),
        found("e", "not applicable"),
    ]
    assert combined(rules) == ("enable", "enable: for it is a, and nothing is against it or open")


def test_every_verdict_has_every_rule() -> None:
    judged = verdict.judge(pair(Hedge(P95)), n=5000)
    assert [rule.name for rule in judged.rules] == [
        "first valid wins", "first answers", "memory", "cost", "p50 improvement",
        "p99 improvement", "timeout", "pool demand", "metastability", "control group",
    ]  # fmt: skip
    with pytest.raises(KeyError, match="no rule 'costs'; there are 'first valid wins', "):
        judged["costs"]


@pytest.mark.parametrize("scenario", [pair(EagerRace(), timeout=11.0), pooled(0.5, "never")])
def test_the_same_seed_says_the_same(scenario: Scenario) -> None:
    one, other = (verdict.judge(scenario, n=1500, seed=4) for _ in range(2))
    assert str(one) == str(other)
    assert json.dumps(one.to_data()) == json.dumps(other.to_data())
    assert str(one) != str(verdict.judge(scenario, n=1500, seed=5))


def test_both_engines_say_the_same() -> None:
    said = [verdict.judge(pooled(0.5, "never"), n=1000, engine=name) for name in ("fast", "events")]
    assert said[0].rules == said[1].rules
    assert [one.provenance.engine for one in said] == ["fast", "events"]


def test_lines_fit_a_terminal_and_name_their_origin() -> None:
    judged = verdict.judge(pooled(0.5, "never"), n=3000)
    lines = str(judged).splitlines()
    assert max(map(len, lines)) <= 100
    assert " ".join(str(judged.provenance).split()) in " ".join(str(judged).split())
    assert judged.reason in " ".join(str(judged).split())
    assert judged.provenance.scenario == pooled(0.5, "never").hash


def test_an_open_rule_says_what_would_decide_it() -> None:
    judged = verdict.judge(pair(Hedge(P95)), n=3000)
    assert judged["first valid wins"].result == "open"
    assert "n=3,851 would decide" in str(judged)


def test_json_has_all_of_it() -> None:
    judged = verdict.judge(pair(Hedge(P95), valid=0.5), n=3000, engine="fast")
    data = json.loads(json.dumps(judged.to_data(), allow_nan=False))
    assert data["answer"] == judged.answer
    assert data["provenance"]["n"] == 3000
    by_name = {rule["name"]: rule for rule in data["rules"]}
    assert by_name["p99 improvement"]["value"] is None
    lost = by_name["first valid wins"]["value"]
    assert lost["low"] <= lost["value"] <= lost["high"]
    assert set(by_name["cost"]) == {
        "name", "result", "decides", "sentence", "value", "line", "needed",
    }  # fmt: skip


def test_a_trace_is_judged_as_long_as_it_is() -> None:
    branches = [Branch(name, LAW) for name in "ab"]
    scenario = Scenario(branches, Hedge(P95), arrivals=Trace([float(time) for time in range(500)]))
    assert verdict.judge(scenario).provenance.n == 500
    with pytest.raises(ScenarioError, match="n is 501"):
        verdict.judge(scenario, n=501)


@pytest.mark.parametrize(
    "policy", [Sequential(), Cascade(), Hedge(1.0, most=1), FirstValidOf(1)], ids=repr
)
def test_what_never_speculates_is_refused(policy: Policy) -> None:
    with pytest.raises(ScenarioError) as refused:
        verdict.judge(pair(policy), n=100)
    assert str(refused.value) == (
        f"policy is {policy!r}, which never runs two branches at once, so that there is nothing "
        "to judge; use two branches or more and a policy that races them, such as Hedge(0.05)"
    )


@pytest.mark.parametrize("policy", [Cascade(patience=1.0), Hedge(1.0), FirstValidOf(2), Tied()])
def test_what_may_speculate_is_judged(policy: Policy) -> None:
    assert verdict.judge(pair(policy), n=200).answer in ("enable", "disable", "inconclusive")


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"n": 0}, "n is 0, which is no number of requests; "),
        ({"percentiles": ()}, r"percentiles is \(\), which names none; use "),
        ({"percentiles": "p99"}, "percentiles is 'p99', which names none; use "),
        ({"percentiles": ("p50", "mean")}, "percentiles is 'mean', which is no percentile; "),
        ({"percentiles": ("p99", "p99")}, "percentiles is 'p99', which is named twice; "),
        ({"threshold": 15}, "threshold is 15, which is no probability; "),
        ({"most_wins": -1}, "most_wins is -1, which is no probability; "),
        ({"most_cost": 0}, "most_cost is 0, which is not above 0; "),
        ({"level": 1.0}, "level is 1.0, which is no level of an interval; "),
        ({"engine": "exact"}, "engine is 'exact', which is not known; "),
    ],
)
def test_an_argument_that_makes_no_sense_is_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        verdict.judge(pair(Hedge(P95)), **settings)
