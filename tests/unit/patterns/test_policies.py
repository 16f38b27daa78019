"""Policies asked directly: whom to launch in which situation."""

import dataclasses
import math

import pytest

from spectest.patterns.policies import (
    Attempt,
    Cascade,
    EagerRace,
    FirstValidOf,
    Hedge,
    Policy,
    Sequential,
    Situation,
    State,
    Tied,
    quantile,
    timeout_from_p99,
)

WAITING = Attempt()


def running(launched: float = 0.0, began: float | None = None) -> Attempt:
    return Attempt("running", launched=launched, began=began)


def failed(launched: float = 0.0, ended: float = 0.01) -> Attempt:
    return Attempt("failed", launched=launched, ended=ended)


def valid(ended: float = 0.01) -> Attempt:
    return Attempt("valid", launched=0.0, ended=ended)


def dropped(ended: float) -> Attempt:
    return Attempt("dropped", ended=ended)


def situation(
    *attempts: Attempt, now: float = 0.0, ranking: tuple[int, ...] | None = None
) -> Situation:
    return Situation(now, ranking or tuple(range(len(attempts))), 0, attempts)


STAGGERED = [Sequential(), Cascade(), Cascade(patience=0.05), Hedge(0.05)]
TOGETHER = [EagerRace(), Tied(), FirstValidOf(2)]


@pytest.mark.parametrize("policy", STAGGERED)
def test_staggered_policies_rank_in_the_declared_order(policy: Policy) -> None:
    assert policy.ranking_of((2, 0, 1)) == (0, 1, 2)


@pytest.mark.parametrize("policy", TOGETHER)
def test_policies_that_launch_together_rank_by_the_seed_chain(policy: Policy) -> None:
    assert policy.ranking_of((2, 0, 1)) == (2, 0, 1)


@pytest.mark.parametrize("policy", STAGGERED)
def test_staggered_policies_begin_with_the_primary(policy: Policy) -> None:
    assert policy.launches(situation(WAITING, WAITING)) == (0,)


@pytest.mark.parametrize("policy", [*STAGGERED, Tied(0.05)])
@pytest.mark.parametrize("state", ["invalid", "failed", "timed out", "cancelled"])
def test_when_nobody_runs_any_more_the_next_one_is_launched_at_once(
    policy: Policy, state: State
) -> None:
    ended = dataclasses.replace(failed(ended=0.001), state=state)
    assert policy.launches(situation(ended, WAITING, WAITING, now=0.001)) == (1,)


@pytest.mark.parametrize("policy", [*STAGGERED, Tied(), Tied(0.05), FirstValidOf(3)])
def test_nobody_is_launched_once_there_is_a_valid_answer(policy: Policy) -> None:
    after = situation(running(), valid(), WAITING, now=9.0)
    assert policy.launches(after) == ()
    assert policy.wakes(after) is None


def test_sequential_and_a_cascade_without_patience_wait_for_the_one_before() -> None:
    for policy in (Sequential(), Cascade()):
        assert policy.launches(situation(running(), WAITING, now=99.0)) == ()
        assert policy.wakes(situation(running(), WAITING)) is None


@pytest.mark.parametrize("policy", [Hedge(0.05), Cascade(patience=0.05), Tied(0.05)])
def test_the_next_one_is_due_a_delay_after_the_last_launch(policy: Policy) -> None:
    before = situation(running(), running(launched=0.03), WAITING, now=0.0799)
    assert policy.launches(before) == ()
    assert policy.wakes(before) == pytest.approx(0.08)
    assert policy.launches(dataclasses.replace(before, now=0.08)) == (2,)


def test_after_a_drop_the_delay_begins_anew() -> None:
    after = situation(running(), dropped(0.05), WAITING, now=0.06)
    assert Hedge(0.05).launches(after) == ()
    assert Hedge(0.05).wakes(after) == pytest.approx(0.1)


def test_a_hedge_launches_no_more_than_it_may() -> None:
    full = situation(running(), running(), WAITING, now=9.0)
    assert Hedge(0.05, most=2).launches(full) == ()
    assert Hedge(0.05, most=2).wakes(full) is None
    assert Hedge(0.05, most=3).launches(full) == (2,)


def test_a_hedge_at_a_quantile_waits_for_that_quantile() -> None:
    latencies = [number / 1000 for number in range(1, 101)]
    assert Hedge.at_quantile(latencies, 0.95) == Hedge(0.095)


def test_an_eager_race_launches_all_best_ranked_first() -> None:
    assert EagerRace().launches(situation(WAITING, WAITING, ranking=(1, 0))) == (1, 0)


def test_tied_requests_without_a_delay_begin_together() -> None:
    assert Tied().launches(situation(WAITING, WAITING, ranking=(1, 0))) == (1, 0)


def test_the_first_that_is_served_ends_the_others() -> None:
    served = situation(running(), running(began=0.02), running(began=0.03), WAITING, now=0.5)
    assert Tied(0.05).cancels(served) == (0, 2)
    assert Tied(0.05).launches(served) == ()
    assert Tied(0.05).wakes(served) is None
    assert Tied().launches(served) == ()


def test_of_two_that_are_served_at_the_same_moment_the_better_ranked_goes_on() -> None:
    both = situation(running(began=0.02), running(began=0.02), ranking=(1, 0))
    assert Tied().cancels(both) == (0,)


def test_nobody_is_cancelled_before_one_is_served() -> None:
    assert Tied().cancels(situation(running(), running())) == ()


def test_k_run_at_once_and_each_failure_is_replaced() -> None:
    policy = FirstValidOf(2)
    assert policy.launches(situation(WAITING, WAITING, WAITING, ranking=(2, 0, 1))) == (2, 0)
    assert policy.launches(situation(running(), running(), WAITING)) == ()
    assert policy.launches(situation(failed(), running(), WAITING, WAITING)) == (2,)
    assert policy.launches(situation(failed(), failed(), WAITING, WAITING)) == (2, 3)
    assert policy.launches(situation(dropped(0.0), running(), WAITING)) == ()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Hedge(-1.0),
        lambda: Hedge(math.nan),
        lambda: Hedge(0.05, most=0),
        lambda: Tied(math.inf),
        lambda: Cascade(patience=-0.1),
        lambda: FirstValidOf(0),
    ],
)
def test_a_policy_that_means_nothing_is_refused(make: object) -> None:
    with pytest.raises(ValueError, match="is"):
        make()  # type: ignore[operator]


def test_the_repr_of_a_policy_makes_it_again() -> None:
    for policy in (*STAGGERED, *TOGETHER, Hedge(0.1, most=2)):
        assert eval(repr(policy)) == policy


def test_a_quantile_is_a_latency_that_was_measured() -> None:
    latencies = [0.1 * number for number in range(100, 0, -1)]
    assert quantile(latencies, 0.99) == pytest.approx(9.9)
    assert quantile(latencies, 0.5) == pytest.approx(5.0)
    assert quantile([3.0, 1.0], 0.5) == 1.0


def test_a_quantile_of_too_few_latencies_is_refused() -> None:
    with pytest.raises(ValueError, match=r"99 latencies .* it takes 100"):
        quantile([1.0] * 99, 0.99)
    with pytest.raises(ValueError, match="finite"):
        quantile([math.nan, 1.0], 0.5)
    with pytest.raises(ValueError, match=r"0\.95"):
        quantile([1.0] * 100, 95)


def test_a_timeout_is_a_little_above_the_99th_percentile() -> None:
    latencies = [number / 100 for number in range(1, 101)]
    assert timeout_from_p99(latencies) == pytest.approx(0.99 * 1.2)
    assert timeout_from_p99(latencies, factor=2) == pytest.approx(1.98)
    with pytest.raises(ValueError, match="factor"):
        timeout_from_p99(latencies, factor=0.9)
