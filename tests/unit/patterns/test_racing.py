"""The state machine, driven by hand."""

from collections.abc import Sequence

import pytest

from spectest.patterns.policies import (
    AfterFirst,
    Decision,
    EagerRace,
    FirstValid,
    Hedge,
    Policy,
    Ranked,
    Sequential,
    Situation,
    Tied,
)
from spectest.patterns.racing import Cancel, Decide, GiveUp, Launch, Race


def race(
    policy: Policy,
    timeouts: Sequence[float | None] = (None, None),
    decision: Decision | None = None,
) -> Race:
    ranking = tuple(range(len(timeouts)))
    return Race(policy, decision or Ranked(), ranking=ranking, seed=0, timeouts=timeouts)


def test_the_first_launch_is_needed_and_those_beside_it_are_speculative() -> None:
    assert race(EagerRace()).actions(0.0) == [Launch(0, False), Launch(1, True)]


def test_a_fallback_for_one_that_failed_is_needed() -> None:
    machine = race(Sequential())
    machine.actions(0.0)
    machine.ended(0, "failed", 0.1)
    assert machine.actions(0.1) == [Launch(1, False)]


def test_the_decision_cancels_who_still_runs() -> None:
    machine = race(EagerRace())
    machine.actions(0.0)
    machine.ended(0, "valid", 0.1)
    assert machine.actions(0.1) == [Decide(0), Cancel(1, "cancelled")]


def test_there_is_one_decision() -> None:
    machine = race(EagerRace(), decision=FirstValid())
    machine.actions(0.0)
    machine.ended(1, "valid", 0.1)
    assert Decide(1) in machine.actions(0.1)
    machine.ended(0, "valid", 0.2)
    assert machine.actions(0.2) == []
    assert machine.over
    assert machine.alarm is None


def test_the_alarm_is_the_next_thing_that_is_due() -> None:
    machine = race(Hedge(0.05), timeouts=(0.2, 0.1))
    machine.actions(0.0)
    assert machine.alarm == pytest.approx(0.05)
    assert machine.actions(0.05, rang=True) == [Launch(1, True)]
    assert machine.alarm == pytest.approx(0.15)


def test_an_alarm_that_rings_a_little_early_counts_as_on_time() -> None:
    machine = race(Hedge(0.05))
    machine.actions(0.0)
    assert machine.actions(0.05 - 1e-9) == []
    assert machine.actions(0.05 - 1e-9, rang=True) == [Launch(1, True)]


def test_a_branch_that_is_late_is_cancelled_and_its_answer_ignored() -> None:
    machine = race(Sequential(), timeouts=(0.1, None))
    machine.actions(0.0)
    assert machine.actions(0.1) == [Cancel(0, "timed out"), Launch(1, False)]
    machine.ended(0, "valid", 0.11)
    assert machine.actions(0.11) == []
    machine.ended(1, "valid", 0.2)
    assert machine.actions(0.2) == [Decide(1)]


def test_an_answer_that_comes_with_the_timeout_counts() -> None:
    machine = race(Sequential(), timeouts=(0.1, None))
    machine.actions(0.0)
    machine.ended(0, "valid", 0.1)
    assert machine.actions(0.1, rang=True) == [Decide(0)]


def test_it_gives_up_when_everyone_has_failed() -> None:
    machine = race(EagerRace())
    machine.actions(0.0)
    machine.ended(0, "failed", 0.1)
    assert machine.actions(0.1) == []
    machine.ended(1, "invalid", 0.2)
    assert machine.actions(0.2) == [GiveUp()]


def test_it_gives_up_when_the_last_one_times_out_though_nobody_says_that_it_ended() -> None:
    machine = race(EagerRace(), timeouts=(0.1,))
    machine.actions(0.0)
    assert machine.actions(0.1) == [Cancel(0, "timed out"), GiveUp()]


def test_it_gives_up_though_the_policy_keeps_some_back() -> None:
    machine = race(Hedge(0.05, most=1))
    machine.actions(0.0)
    machine.ended(0, "failed", 0.01)
    assert machine.actions(0.01) == [GiveUp()]


def test_a_dropped_branch_is_not_waited_for() -> None:
    machine = race(EagerRace())
    machine.actions(0.0)
    machine.dropped(1, 0.0)
    assert machine.actions(0.0) == []
    machine.ended(0, "failed", 0.1)
    assert machine.actions(0.1) == [GiveUp()]


def test_a_hedge_without_delay_launches_all_at_once() -> None:
    assert race(Hedge(0.0)).actions(0.0) == [Launch(0, False), Launch(1, True)]


def test_who_is_served_ends_the_others_and_can_still_be_followed() -> None:
    machine = race(Tied(0.05), timeouts=(None, None, None))
    machine.actions(0.0)
    machine.actions(0.05)
    machine.began(1, 0.06)
    assert machine.actions(0.06) == [Cancel(0, "cancelled")]
    assert machine.alarm is None
    machine.ended(1, "invalid", 0.2)
    assert machine.actions(0.2) == [Launch(2, False)]


def test_a_window_rings_when_it_closes() -> None:
    machine = race(EagerRace(), decision=AfterFirst(0.1))
    machine.actions(0.0)
    machine.ended(1, "valid", 0.3)
    assert machine.actions(0.3) == []
    assert machine.alarm == pytest.approx(0.4)
    assert machine.actions(0.4, rang=True) == [Decide(1), Cancel(0, "cancelled")]


def test_a_policy_or_decision_that_errs_is_named() -> None:
    class Twice(EagerRace):
        def launches(self, situation: Situation) -> tuple[int, ...]:
            return (0,)

    class Anyone(Ranked):
        def winner(self, situation: Situation) -> int | None:
            return 1

    with pytest.raises(ValueError, match="launches branch 0, which is running"):
        race(Twice()).actions(0.0)
    with pytest.raises(ValueError, match="chose branch 1, which is waiting"):
        race(EagerRace(), decision=Anyone()).actions(0.0)
