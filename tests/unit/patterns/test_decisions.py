"""Decisions asked directly: who has won in which situation."""

import itertools

import pytest

from spectest.patterns.policies import (
    AfterFirst,
    Attempt,
    Decision,
    FirstValid,
    Ranked,
    Situation,
    State,
    WaitForAll,
)


def situation(
    *states: State,
    ranking: tuple[int, ...] | None = None,
    seed: int = 0,
    now: float = 1.0,
    ended: float = 0.5,
) -> Situation:
    attempts = [
        Attempt(state, launched=0.0, ended=None if state == "running" else ended)
        for state in states
    ]
    return Situation(now, ranking or tuple(range(len(states))), seed, tuple(attempts))


def test_the_best_ranked_wins_as_soon_as_it_is_valid() -> None:
    assert Ranked().winner(situation("running", "valid", ranking=(1, 0))) == 1


def test_a_better_ranked_one_that_still_runs_is_waited_for() -> None:
    assert Ranked().winner(situation("running", "valid")) is None


@pytest.mark.parametrize("state", ["invalid", "failed", "timed out", "dropped", "cancelled"])
def test_a_better_ranked_one_without_a_valid_answer_is_not_waited_for(state: State) -> None:
    assert Ranked().winner(situation(state, "valid", "running")) == 1


def test_an_invalid_answer_never_wins() -> None:
    for decision in (Ranked(), WaitForAll(), AfterFirst(0.0), FirstValid()):
        assert decision.winner(situation("invalid", "failed")) is None


@pytest.mark.parametrize("decision", [Ranked(), WaitForAll(), WaitForAll("literal")])
def test_a_deterministic_decision_has_one_winner_in_every_order_of_completion(
    decision: Decision,
) -> None:
    assert decision.deterministic
    final: tuple[State, ...] = ("valid", "failed", "valid", "valid")
    winners = set()
    for order in itertools.permutations(range(4)):
        states: list[State] = ["running"] * 4
        for index in order:
            states[index] = final[index]
            winner = decision.winner(situation(*states, ranking=(1, 3, 0, 2), seed=7))
            if winner is not None:
                winners.add(winner)
                break
    assert len(winners) == 1


@pytest.mark.parametrize("decision", [FirstValid(), AfterFirst(0.1)])
def test_a_decision_that_depends_on_latencies_says_so(decision: Decision) -> None:
    assert not decision.deterministic


def test_waiting_for_all_waits_for_all() -> None:
    assert WaitForAll().winner(situation("valid", "running")) is None
    assert WaitForAll().winner(situation("valid", "waiting")) == 0


def test_the_literal_rule_divides_by_the_number_of_valid_branches() -> None:
    states: tuple[State, ...] = ("valid", "failed", "valid", "valid")
    literal = WaitForAll("literal")
    assert [literal.winner(situation(*states, seed=seed)) for seed in range(4)] == [0, 2, 3, 0]


def test_a_window_closes_so_many_seconds_after_the_first_valid_answer() -> None:
    decision = AfterFirst(0.1)
    assert decision.wakes(situation("running", "invalid")) is None
    assert decision.wakes(situation("running", "valid", ended=0.5)) == pytest.approx(0.6)
    assert decision.winner(situation("running", "valid", now=0.55)) is None
    assert decision.winner(situation("running", "valid", now=0.6)) == 1
    assert decision.winner(situation("failed", "valid", now=0.55)) == 1


def test_answers_at_the_same_moment_are_ranked() -> None:
    assert FirstValid().winner(situation("valid", "valid", ranking=(1, 0))) == 1
    assert FirstValid("literal").winner(situation("valid", "valid", ranking=(1, 0))) == 0


def test_a_decision_that_means_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="pick"):
        WaitForAll("fastest")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="window"):
        AfterFirst(-1)
