"""Who answers, whether it fits, and when attempts are given up: for, against and open."""

import dataclasses

import pytest

from simulators import verdict
from simulators.scenario import (
    Branch,
    Poisson,
    Pool,
    Scenario,
)
from spectest.latency import Exponential, LogNormal
from spectest.patterns.policies import EagerRace, FirstValidOf, Hedge, Ranked, Tied, WaitForAll
from tests.unit.simulators.verdict.cases import LAW, P95, inside, number, pair, race, rule


def test_an_invalid_fast_answer_does_not_win() -> None:
    branches = [Branch("fast", 0.1, valid=0.0), Branch("slow", 1.0)]
    found = rule(Scenario(branches, EagerRace()), "first valid wins", n=4000)
    assert found.result == "for"
    assert number(found) == 0
    assert "in 100 % an invalid answer or an error was first, and did not win" in found.sentence


def test_a_valid_answer_that_is_passed_over_is_told() -> None:
    branches = [Branch("slow", 1.0), Branch("fast", 0.1)]
    found = rule(Scenario(branches, Hedge(0.5), Ranked()), "first valid wins", n=1000)
    assert "Ranked() passes the first valid answer over in 100 %" in found.sentence


def lossy(load: float) -> Scenario:
    """A pool without a line, where copies take the servers of others."""
    return Scenario(
        [Branch(name, LAW, pool="gpu", cancel="never") for name in "ab"],
        Hedge(P95),
        pools=[Pool("gpu", 10, acquire_timeout=0.0)],
        arrivals=Poisson(load * 10 / LAW.mean),
    )


def test_answers_that_speculation_takes_away_are_against_it() -> None:
    eager = dataclasses.replace(lossy(0.7), policy=EagerRace())
    assert rule(eager, "first valid wins", n=5000).result == "against"


def test_a_few_lost_answers_are_within_the_line() -> None:
    found = rule(lossy(0.3), "first valid wins", n=40_000)
    assert found.result == "for"
    assert number(found) > 0


def test_what_did_not_happen_to_few_may_happen_to_many() -> None:
    few = rule(pair(Hedge(P95)), "first valid wins", n=3000)
    assert (few.result, few.needed) == ("open", 3851)
    assert rule(pair(Hedge(P95)), "first valid wins", n=3851).result == "for"


def test_few_requests_cannot_tell_whether_answers_are_lost() -> None:
    found = rule(lossy(0.4), "first valid wins", n=3000)
    assert found.result == "open"
    assert found.needed is None or found.needed > 3000


@pytest.mark.parametrize(
    "fast, slow, result", [(0.8, 0.2, "for"), (0.9, 0.1, "against"), (0.85, 0.15, "open")]
)
def test_a_branch_that_is_nearly_always_first(fast: float, slow: float, result: str) -> None:
    found = rule(race(1 / fast, 1 / slow), "first answers")
    assert found.result == result
    assert inside(found, fast)
    assert found.sentence.startswith("'fast' in ")


def test_the_identity_of_exponential_branches_is_told() -> None:
    scenario = race(1.0, 9.0)
    judged = verdict.judge(scenario, n=20_000)
    assert "racing would save 10" in judged["first answers"].sentence
    for name in ("p50 improvement", "p99 improvement"):
        assert number(judged[name]) == pytest.approx(0.1, abs=1e-9)


@pytest.mark.parametrize("share, result", [(0.845, "for"), (0.855, "against")])
def test_the_two_rules_of_exponential_branches_are_one(share: float, result: str) -> None:
    """85 % of first answers are 15 % of improvement."""
    judged = verdict.judge(race(1 / share, 1 / (1 - share)), n=40_000, seed=1)
    assert judged["first answers"].result == judged["p99 improvement"].result == result


def test_who_is_first_counts_and_not_who_wins() -> None:
    ranked = dataclasses.replace(race(1.0, 9.0), decision=Ranked())
    found = rule(ranked, "first answers")
    assert inside(found, 0.9)
    first = rule(dataclasses.replace(ranked, decision=WaitForAll()), "first answers")
    assert first.result == "not applicable"


@pytest.mark.parametrize("policy", [Hedge(P95), Tied(), FirstValidOf(2)])
def test_only_eager_races_have_first_answers(policy: object) -> None:
    three = [Branch(name, LAW) for name in "abc"]
    found = rule(Scenario(three, policy), "first answers", n=100)  # type: ignore[arg-type]
    assert found.result == "not applicable"
    assert "for eager races only" in found.sentence


def test_first_valid_of_all_is_an_eager_race() -> None:
    assert rule(pair(FirstValidOf(2)), "first answers").result == "for"


def test_the_line_of_first_answers_can_be_moved() -> None:
    assert rule(race(1.0, 9.0), "first answers", most_wins=0.95).result == "for"
    assert rule(race(1.0, 99.0), "first answers", most_wins=1.0).result == "for"


@pytest.mark.parametrize(
    "factor, n, result",
    [(1.1, 30_000, "for"), (0.99, 5000, "against"), (1.51, 5000, "against"), (1.0, 5000, "open")],
)
def test_timeouts_slightly_above_p99(factor: float, n: int, result: str) -> None:
    timeout = factor * LAW.quantile(0.99)
    scenario = Scenario([Branch("a", LAW, timeout=timeout), Branch("b", LAW)], Hedge(2 * timeout))
    found = rule(scenario, "timeout of a", n=n)
    assert (found.result, found.decides) == (result, False)
    if factor == 1.1:
        assert inside(found, 0.00772)  # table V-E


def test_a_timeout_at_the_p99_that_is_given_is_not_below_it() -> None:
    """Though the logarithm of 0.15 and back is a little more."""
    law = LogNormal.from_percentiles(p50=0.070, p99=0.150)
    assert law.quantile(0.99) > 0.150
    scenario = Scenario([Branch("a", law, timeout=0.150), Branch("b", law)], EagerRace())
    assert rule(scenario, "timeout of a", n=30_000).result == "for"


def test_a_timeout_that_ends_the_waiting_is_spurious() -> None:
    """From arrival, a timeout counts the line as well."""
    law = Exponential(1.0)
    timeout = 1.1 * law.quantile(0.99)
    scenario = Scenario(
        [Branch("a", law, timeout=timeout, pool="one"), Branch("b", law)],
        Hedge(2 * timeout),
        pools=[Pool("one", 1)],
        arrivals=Poisson(0.8),
    )
    assert rule(scenario, "timeout of a", n=4000).result == "against"
    from_service = dataclasses.replace(scenario, timer="service_start")
    assert rule(from_service, "timeout of a", n=8000).result == "for"


def test_an_attempt_that_would_have_failed_is_no_spurious_timeout() -> None:
    branches = [Branch("a", 2.0, timeout=1.0, valid=0.5, failure=0.2), Branch("b", 1.0)]
    found = rule(Scenario(branches, Hedge(5.0)), "timeout of a")
    assert inside(found, 0.8 * 0.5)


def test_without_timeouts_there_is_nothing_to_say() -> None:
    assert rule(pair(Hedge(P95)), "timeout", n=100).result == "not applicable"
