"""The engines against the state machine that production code runs, `patterns.racing`.

The race is driven here by a small virtual clock. Where requests share nothing, the engines must say
the same about each of them: who was launched when, what came of it, who won and at what time.
"""

import math
from heapq import heappop, heappush
from typing import Any

import pytest

from simulators import events, fast
from simulators.chances import Chances
from simulators.results import OUTCOMES
from simulators.scenario import Branch, Scenario
from spectest.latency import Constant, Exponential, LogNormal
from spectest.patterns.policies import Tied
from spectest.patterns.racing import Cancel, Decide, Launch, Race
from spectest.patterns.seeds import digest_of, ranking, seed_of
from tests.parity.test_engines import DECISIONS, POLICIES


class Driven:
    """One request of a scenario, raced by `patterns.racing` at the same draws."""

    def __init__(self, scenario: Scenario, request: int, seed: int) -> None:
        digest = digest_of({"request": request}, str(seed))
        chain = ranking(digest, len(scenario.racing))
        self.chances, self.request = Chances(scenario, seed), request
        self.race = Race(
            scenario.policy,
            scenario.decision,
            ranking=scenario.policy.ranking_of(chain),
            seed=seed_of(digest),
            timeouts=[branch.timeout for branch in scenario.racing],
        )
        self.tied = isinstance(scenario.policy, Tied)
        self.launched = [math.nan] * len(scenario.racing)
        self.outcome = ["not launched"] * len(scenario.racing)
        self.winner, self.latency = -1, math.nan
        self.ends: list[tuple[float, int]] = []
        self.run()

    def run(self) -> None:
        self.perform(0.0, rang=False)
        while not self.race.over:
            alarm = math.inf if self.race.alarm is None else self.race.alarm
            now = min(alarm, self.ends[0][0] if self.ends else math.inf)
            while self.ends and self.ends[0][0] == now:
                index = heappop(self.ends)[1]
                if self.outcome[index] == "running":
                    self.outcome[index] = self.ending(index)
                    self.race.ended(index, self.outcome[index], now)  # type: ignore[arg-type]
            self.perform(now, rang=now == alarm)

    def ending(self, index: int) -> str:
        if self.chances.fails(self.request, index):
            return "failed"
        return "valid" if self.chances.is_valid(self.request, index) else "invalid"

    def perform(self, now: float, *, rang: bool) -> None:
        actions = self.race.actions(now, rang=rang)
        began = []
        for action in actions:
            match action:
                case Launch(index):
                    self.launched[index], self.outcome[index] = now, "running"
                    heappush(self.ends, (now + self.chances.service(self.request, index), index))
                    began.append(index)
                case Cancel(index, because):
                    self.outcome[index] = because
                case Decide(index):
                    self.winner = index
        if self.race.over:
            self.latency = now
        if self.tied and began:
            for index in began:
                self.race.began(index, now)
            self.perform(now, rang=rang)


def row(result: Any, request: int) -> tuple[Any, ...]:
    outcome = [OUTCOMES[code] for code in result.outcome[request]]
    times = [repr(time) for time in result.launched[request].tolist()]
    return result.latency[request].item(), result.winner[request].item(), times, outcome


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
@pytest.mark.parametrize("decision", DECISIONS, ids=repr)
def test_engines_race_as_the_patterns_do(policy: Any, decision: Any) -> None:
    latencies = (Exponential(1.5), LogNormal(1.0, 1.0), Constant(1.0))
    branches = [
        Branch("abc"[place], latency, valid=0.7, failure=0.2, timeout=(2.0, None, None)[place])
        for place, latency in enumerate(latencies)
    ]
    scenario = Scenario(branches, policy, decision)
    results = [engine.run(scenario, 60, 5) for engine in (events, fast)]
    for request in range(60):
        race = Driven(scenario, request, 5)
        expected = (race.latency, race.winner, [repr(t) for t in race.launched], race.outcome)
        for result in results:
            assert row(result, request) == expected
