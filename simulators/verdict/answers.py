"""Who answers: the first valid answer wins, and one branch should not be that always."""

from __future__ import annotations

import math

import numpy as np

from simulators import estimators
from simulators.estimators.tables import student
from simulators.results import FAILED, INVALID, VALID, Array, Requests
from simulators.verdict.findings import Finding, needed, percent, percents, side, unsure
from simulators.verdict.trials import Trial
from spectest.patterns.policies import EagerRace, FirstValid, FirstValidOf, WaitForAll

__all__ = ["MOST_LOST", "first_answers", "first_valid_wins"]

MOST_LOST = 0.001
"""The share of requests that may lose their answer to speculation."""


def first_valid_wins(trial: Trial) -> Finding:
    """Does speculation leave requests without an answer that control answers? At most one in 1,000.

    Only a valid answer wins: what is invalid or failed does not, however fast it was. So racing
    takes no answer away, unless pools, limiters or timeouts do.
    """
    requests, control = trial.requests, trial.control
    lost = estimators.compare(requests, control, trial.level, ["unanswered"])["unanswered"]
    differs = requests.answered != control.answered
    value = lost.difference if differs.any() else trial.share(differs, np.ones(len(differs)))
    result = side(
        favourable=value.high is not None and value.high <= MOST_LOST,
        adverse=value.low is not None and value.low > MOST_LOST,
    )
    fooled, passed = _overtaken(requests)
    sentence = (
        f"{percent(lost.value)} of requests get no valid answer, {percent(lost.control)} in "
        f"control; in {percent(fooled)} an invalid answer or an error was first, and did not win"
    )
    if not isinstance(trial.scenario.decision, FirstValid):
        name = type(trial.scenario.decision).__name__
        sentence += f"; {name}() passes the first valid answer over in {percent(passed)}"
    sentence += unsure(value)
    more = None
    if result == "open":
        more = needed(value, MOST_LOST, trial.n) if differs.any() else _enough(trial)
    return Finding("first valid wins", result, sentence, value, MOST_LOST, more)


def first_answers(trial: Trial, most: float) -> Finding:
    """How often is the same branch first with a valid answer? More than `most`: the others are
    waste. Of the requests that launched two branches or more and were answered.
    """
    name, scenario, requests = "first answers", trial.scenario, trial.requests
    policy = scenario.policy
    if isinstance(scenario.decision, WaitForAll):
        return Finding(name, "not applicable", "WaitForAll() waits for all, whoever is first")
    whole = isinstance(policy, FirstValidOf) and policy.k >= len(scenario.racing)
    if not isinstance(policy, EagerRace) and not whole:
        why = (
            f"for eager races only; {type(policy).__name__} launches a branch when another one is "
            "late or has failed, so one that is nearly always first is what it is made for"
        )
        if isinstance(policy, FirstValidOf):
            why = "for eager races only; FirstValidOf launches a part of the branches, by ranking"
        return Finding(name, "not applicable", why)
    first = _first_valid(requests)
    raced = (first >= 0) & (requests.launches >= 2)
    counts = [int(np.count_nonzero(first[raced] == one)) for one in range(len(scenario.racing))]
    if not sum(counts):
        return Finding(name, "not applicable", "no request had two attempts and a valid answer")
    fastest = counts.index(max(counts))
    value = trial.share(raced & (first == fastest), raced)
    result = side(
        favourable=value.high is not None and value.high <= most,
        adverse=value.low is not None and value.low > most,
    )
    sentence = (
        f"{scenario.racing[fastest].name!r} in {percents(value)}; over {percent(most)} the others "
        f"are waste; if latencies were exponential, racing would save {percent(1 - value.value)} "
        "against this branch alone at each percentile, others save more or less"
    )
    sentence += unsure(value)
    more = needed(value, most, trial.n) if result == "open" else None
    return Finding(name, result, sentence, value, most, more)


def _enough(trial: Trial) -> int:
    """Requests that make it certain enough that what never happens is rarer than the line."""
    enough = student(trial.level, 1000) ** 2 / MOST_LOST
    return math.ceil(enough * trial.n / len(trial.requests))


def _ends(requests: Requests, *outcomes: int) -> Array:
    """When attempts with these outcomes ended; infinite for all others."""
    ends: Array = requests.began + requests.work
    return np.where(np.isin(requests.outcome, outcomes), ends, np.inf)


def _first_valid(requests: Requests) -> Array:
    """The branch with the first valid answer, the winner among equals; -1 where there is none."""
    ends = _ends(requests, VALID)
    earliest = ends.min(axis=1)
    first = np.where(np.isinf(earliest), -1, ends.argmin(axis=1))
    winning = ends[np.arange(len(requests)), requests.winner]
    return np.where(requests.answered & (winning == earliest), requests.winner, first)


def _overtaken(requests: Requests) -> tuple[float, float]:
    """The shares of requests whose first end was none of a valid answer, though another branch won;
    and whose first valid answer did not win.
    """
    first_end = _ends(requests, INVALID, FAILED).min(axis=1)
    valid = _first_valid(requests)
    ends = _ends(requests, VALID)[np.arange(len(requests)), valid]
    fooled = requests.answered & (first_end < ends)
    passed = requests.answered & (valid != requests.winner)
    return float(fooled.mean()), float(passed.mean())
