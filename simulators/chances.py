"""What chance decides about a request, by name: every engine asks for the same, and gets the same.

A number depends on the seed, the request, the branch and what is drawn, and on nothing else. So
two scenarios share what they have in common (common random numbers), and it does not matter which
engine asks, or in which order. The kinds of draws are "latency" (through the dependence),
"failure", "valid", "arrival", "switch", "first think" and "think".

Who is preferred is no draw. Request r of seed s is the invocation with the inputs `{"request": r}`
and the run ID `str(s)`, so that `spectest.patterns` ranks its branches in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator

from simulators.arrivals import MMPP, Closed, Deterministic, Poisson, Trace
from simulators.errors import ScenarioError
from simulators.scenario import Scenario, checked_scenario
from spectest.latency import Draws, Exponential
from spectest.patterns.policies import (
    AfterFirst,
    Cascade,
    EagerRace,
    FirstValid,
    FirstValidOf,
    Hedge,
    Ranked,
    Sequential,
    WaitForAll,
)
from spectest.patterns.seeds import digest_of, ranking, seed_of

__all__ = ["ALL", "Chances", "as_declared", "cancels_nobody", "checked_count"]

ALL = ""
"""The branch of draws that concern a request as a whole."""


class Chances:
    """Everything that chance decides about the requests of a scenario with this seed."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario = scenario
        self.seed = seed
        self.draws = Draws(seed)
        self._branches = scenario.racing
        self._declared = tuple(range(len(self._branches))) if as_declared(scenario) else None
        self._seedless = isinstance(
            scenario.decision, FirstValid | Ranked | WaitForAll | AfterFirst
        )
        self._seedless = self._seedless and getattr(scenario.decision, "pick", "") != "literal"

    def service(self, request: int, index: int, attempt: int = 1) -> float:
        """How many seconds an attempt of this branch is served."""
        branch, dependence = self._branches[index], self.scenario.dependence
        return float(dependence.draw(self.draws, request, branch.name, branch.service, attempt))

    def fails(self, request: int, index: int, attempt: int = 1) -> bool:
        """Whether its service ends with an error."""
        branch = self._branches[index]
        if not branch.failure:
            return False
        return self.draws.uniform(request, branch.name, attempt, "failure") < branch.failure

    def is_valid(self, request: int, index: int, attempt: int = 1) -> bool:
        """Whether its answer, if there is one, is valid."""
        branch = self._branches[index]
        if branch.valid == 1.0:
            return True
        return self.draws.uniform(request, branch.name, attempt, "valid") < branch.valid

    def ranked(self, request: int) -> tuple[tuple[int, ...], int]:
        """The ranking of the branches, best first, and the seed of the literal rule.

        The seed is 0 where nobody asks for it.
        """
        if self._declared is not None and self._seedless:
            return self._declared, 0
        digest = digest_of({"request": request}, str(self.seed))
        chain = ranking(digest, len(self._branches))
        return self.scenario.policy.ranking_of(chain), seed_of(digest)

    def arrivals(self, n: int) -> Iterator[float]:
        """When the first `n` requests arrive, if their users do not wait for answers."""
        arrivals, draws = self.scenario.arrivals or Deterministic(1.0), self.draws
        match arrivals:
            case Poisson(rate):
                now, gap = 0.0, Exponential(1 / rate)
                for request in range(n):
                    now += gap.inverse(draws.uniform(request, ALL, kind="arrival"))
                    yield now
            case Deterministic(gap=seconds):
                yield from (request * seconds for request in range(n))
            case Trace(times):
                yield from times[:n]
            case MMPP():
                yield from _bursts(arrivals, draws, n)

    def thinks(self, request: int, *, first: bool = False) -> float:
        """How long the user thinks after this request, or, `first`, before the first one."""
        arrivals = self.scenario.arrivals
        if not isinstance(arrivals, Closed):
            raise TypeError("only the users of closed arrivals think")
        kind = "first think" if first else "think"
        return arrivals.thinking.quantile(self.draws.uniform(request, ALL, kind=kind))


def as_declared(scenario: Scenario) -> bool:
    """Whether the policy ranks branches in their declared order, whatever the seed chain says."""
    return type(scenario.policy) in (Cascade, Hedge, Sequential)


def cancels_nobody(scenario: Scenario) -> bool:
    """Whether the policy never ends an attempt in favour of another, and so need not be asked."""
    return type(scenario.policy) in (Cascade, EagerRace, FirstValidOf, Hedge, Sequential)


def checked_count(scenario: Scenario, n: int) -> int:
    """`n` itself, if so many requests of it can be simulated."""
    checked_scenario(scenario)
    if type(n) is not int or n < 1:
        raise ScenarioError("n", n, "is no number of requests", "use 1 or more")
    arrivals = scenario.arrivals
    if isinstance(arrivals, Trace) and n > len(arrivals.times):
        why = f"is more than the {len(arrivals.times)} requests of the trace"
        raise ScenarioError("n", n, why, f"use {len(arrivals.times)} or fewer, or a longer trace")
    return n


def _bursts(process: MMPP, draws: Draws, n: int) -> Iterator[float]:
    """Time is spent like money: each request takes one exponential unit, at the state's rate."""
    now = 0.0
    state = changes = 0
    stay = _stay(process, draws, state, changes)
    for request in range(n):
        due = Exponential(1.0).inverse(draws.uniform(request, ALL, kind="arrival"))
        while due > stay * process.rates[state]:
            due -= stay * process.rates[state]
            now += stay
            state, changes = (state + 1) % len(process.rates), changes + 1
            stay = _stay(process, draws, state, changes)
        took = due / process.rates[state]
        now, stay = now + took, stay - took
        yield now


def _stay(process: MMPP, draws: Draws, state: int, changes: int) -> float:
    """How long this state lasts; the number of changes so far is the name of the draw."""
    uniform = draws.uniform(changes, ALL, kind="switch")
    return Exponential(1 / process.switches[state]).inverse(uniform)
