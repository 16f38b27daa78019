"""The race, driven through random latencies, outcomes, timeouts and drops without any clock."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from spectest.patterns.policies import (
    AfterFirst,
    Cascade,
    Decision,
    EagerRace,
    FirstValid,
    FirstValidOf,
    Hedge,
    Policy,
    Ranked,
    Sequential,
    Tied,
    WaitForAll,
)
from spectest.patterns.racing import Cancel, Decide, Ending, GiveUp, Launch, Race

DELAYS = st.integers(0, 6).map(lambda tens: tens / 100)
POLICIES: st.SearchStrategy[Policy] = st.one_of(
    st.sampled_from([Sequential(), Cascade(), EagerRace()]),
    st.builds(Cascade, DELAYS),
    st.builds(Hedge, DELAYS, st.none() | st.integers(1, 4)),
    st.builds(Tied, DELAYS),
    st.builds(FirstValidOf, st.integers(1, 4)),
)
DECISIONS: st.SearchStrategy[Decision] = st.one_of(
    st.sampled_from([Ranked(), WaitForAll(), FirstValid(), WaitForAll("literal")]),
    st.builds(AfterFirst, DELAYS),
)
ENDINGS: list[Ending] = ["valid", "invalid", "failed"]
BRANCHES = st.lists(st.tuples(DELAYS, st.sampled_from(ENDINGS)), min_size=1, max_size=5)


@dataclass
class Run:
    """A discrete simulation of one race."""

    policy: Policy
    decision: Decision
    branches: Sequence[tuple[float, Ending]]
    timeouts: Sequence[float | None]
    drops: frozenset[int] = frozenset()
    seed: int = 0
    launched: list[int] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    ended: set[int] = field(default_factory=set)
    verdicts: list[int | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        chain = tuple(reversed(range(len(self.branches))))
        self.ranking = self.policy.ranking_of(chain)
        self.race = Race(
            self.policy,
            self.decision,
            ranking=self.ranking,
            seed=self.seed,
            timeouts=self.timeouts,
        )
        self.pending: list[tuple[float, int]] = []

    def go(self) -> int | None:
        """The winner, or None; the clock moves from event to event."""
        self.act(0.0)
        for _ in range(100):
            if self.race.over:
                break
            alarm = float("inf") if self.race.alarm is None else self.race.alarm
            now = min(alarm, self.pending[0][0] if self.pending else alarm)
            assert now < float("inf"), "nothing is due and the race is not over"
            while self.pending and self.pending[0][0] <= now:
                _, index = heapq.heappop(self.pending)
                self.ended.add(index)
                self.race.ended(index, self.branches[index][1], now)
            self.act(now, rang=now == alarm)
        assert self.race.over
        (verdict,) = self.verdicts
        return verdict

    def act(self, now: float, *, rang: bool = False) -> None:
        for action in self.race.actions(now, rang=rang):
            match action:
                case Launch(index, speculative):
                    if speculative and index in self.drops:
                        self.race.dropped(index, now)
                        self.act(now)
                        continue
                    self.launched.append(index)
                    heapq.heappush(self.pending, (now + self.branches[index][0], index))
                case Cancel(index):
                    self.cancelled.append(index)
                case Decide(index):
                    self.verdicts.append(index)
                case GiveUp():
                    self.verdicts.append(None)


def run_of(data: st.DataObject, policy: Policy, decision: Decision, *, timed: bool) -> Run:
    branches = data.draw(BRANCHES)
    timeout = st.none() | st.integers(1, 6).map(lambda tens: tens / 100) if timed else st.none()
    timeouts = data.draw(st.lists(timeout, min_size=len(branches), max_size=len(branches)))
    drops = data.draw(st.frozensets(st.integers(0, 4))) if timed else frozenset()
    return Run(policy, decision, branches, timeouts, drops, data.draw(st.integers(0, 2**64 - 1)))


@settings(deadline=None)  # a real clock of a busy machine
@given(st.data(), POLICIES, DECISIONS)
def test_every_race_ends_with_one_verdict(
    data: st.DataObject, policy: Policy, decision: Decision
) -> None:
    run = run_of(data, policy, decision, timed=True)
    winner = run.go()
    assert len(set(run.launched)) == len(run.launched)
    assert len(set(run.cancelled)) == len(run.cancelled)
    assert set(run.cancelled) <= set(run.launched)
    if winner is None:
        assert set(run.launched) <= run.ended | set(run.cancelled)
    else:
        assert run.branches[winner][1] == "valid"
        assert winner in run.ended
        assert winner not in run.cancelled
        assert set(run.launched) == run.ended | set(run.cancelled)


@settings(deadline=None)  # a real clock of a busy machine
@given(st.data(), POLICIES)
def test_without_timeouts_and_drops_the_best_ranked_valid_branch_wins(
    data: st.DataObject, policy: Policy
) -> None:
    run = run_of(data, policy, Ranked(), timed=False)
    reachable = run.ranking
    if isinstance(policy, Hedge) and policy.most is not None:
        reachable = reachable[: policy.most]
    valid = [index for index in reachable if run.branches[index][1] == "valid"]
    assert run.go() == (valid[0] if valid else None)


@settings(deadline=None)  # a real clock of a busy machine
@given(st.data(), POLICIES, DECISIONS)
def test_a_race_depends_on_nothing_but_its_events(
    data: st.DataObject, policy: Policy, decision: Decision
) -> None:
    run = run_of(data, policy, decision, timed=True)
    again = Run(policy, decision, run.branches, run.timeouts, run.drops, run.seed)
    assert (run.go(), run.launched, run.cancelled) == (again.go(), again.launched, again.cancelled)
