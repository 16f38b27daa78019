"""Scenarios whose requests share nothing: every policy that has a survival function.

Dependences are taken apart first: given its row of a trace, or given whether it met a shock, the
branches of a request are independent, so the answer is a mixture. A Gaussian copula has its own
race, for two branches that never fail.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from simulators.exact.attempts import Attempted
from simulators.exact.quadrature import quantile_of
from simulators.exact.races import (
    Alternating,
    Copula,
    Eager,
    Failing,
    OneByOne,
    Race,
    Staggered,
)
from simulators.exact.solution import NotApplicable, Solution
from simulators.scenario import Branch, Scenario
from spectest.latency import (
    CommonShock,
    Constant,
    Empirical,
    GaussianCopula,
    Independent,
    Latency,
    PairedRows,
)
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

__all__ = ["PERCENTILES", "attempted", "solved"]

PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}

_SOURCE = (
    "Dean and Barroso, CACM 56(2), 2013; Joshi, Soljanin and Wornell, ACM TOMPECS 2(2), 2017; "
    "David and Nagaraja, Order Statistics, 2003"
)
_MOST_IN_TURN = 2
_MOST_RANKED = 6
_MOST_ROWS = 1000
_MOST_VALUES = 20_000
_MOST_PAIRS = 1_000


@dataclass(frozen=True)
class _Part:
    """One case of the mixture: how likely it is, and which branches then race in which way."""

    weight: float
    race: Race
    branches: tuple[Branch, ...]


class _Refusal(Exception):
    pass


def _measured(latency: Latency) -> int:
    """How many different values it was measured from."""
    return len(tuple(latency.values)) if isinstance(latency, Empirical) else 0


def solved(scenario: Scenario) -> Solution | NotApplicable:
    """The solution of a scenario without pools, limiters and closed arrivals."""
    values = sum(_measured(branch.service) for branch in scenario.racing)
    if values > _MOST_VALUES:
        return NotApplicable(
            f"{values} measured values make a formula of too many steps, "
            f"which are {_MOST_VALUES} at most"
        )
    try:
        parts = _parts(scenario)
    except _Refusal as refusal:
        return NotApplicable(str(refusal))
    measures: dict[str, float] = {}
    missing: dict[str, str] = {}
    unanswered = _sum(parts, lambda race, _: race.unanswered / len(race.attempts))
    survival = _mixed(parts, unanswered)
    if unanswered < 1:
        scale = min(part.race.scale for part in parts)
        answered = (part for part in parts if part.race.unanswered < 1)
        means = (part.weight * (1 - part.race.unanswered) * part.race.mean for part in answered)
        measures["mean"] = math.fsum(means) / (1 - unanswered)
        if any(_nests(part.race) for part in parts):
            why = f"more than {_MOST_IN_TURN} branches one after the other are nested integrals"
            missing |= dict.fromkeys(PERCENTILES, why)
        else:
            measures |= {n: quantile_of(survival, p, 0.0, scale) for n, p in PERCENTILES.items()}
    else:
        missing |= dict.fromkeys(("mean", *PERCENTILES), "no request is answered")
    work = _sum(parts, lambda race, index: race.work(index))
    measures |= {"unanswered": unanswered, "work": work, "drops": 0.0}
    measures["launches"] = _sum(parts, lambda race, index: race.launched(index))
    asked: dict[str, Callable[[], float]] = {
        "wasted": lambda: _wasted(parts, work),
        "cost": lambda: _cost(parts),
    }
    for name, ask in asked.items():
        try:
            measures[name] = ask()
        except NotImplementedError as error:
            missing[name] = str(error)
    known = "p50" in measures
    law = survival if known else None
    return Solution(parts[0].race.formula, _SOURCE, measures, missing, law)


def _nests(race: Race) -> bool:
    return isinstance(race, OneByOne) and len(race.attempts) > _MOST_IN_TURN


def _sum(parts: Sequence[_Part], function: Callable[[Race, int], float]) -> float:
    """Of all branches, in the mean of all parts."""
    return math.fsum(
        part.weight * function(part.race, index)
        for part in parts
        for index in range(len(part.branches))
    )


def _wasted(parts: Sequence[_Part], work: float) -> float:
    if math.isinf(work):
        raise NotImplementedError("the mean of all work is infinite")
    return work - math.fsum(part.weight * part.race.useful() for part in parts)


def _mixed(parts: Sequence[_Part], unanswered: float) -> Callable[[float], float]:
    def survival(t: float) -> float:
        late = math.fsum(
            part.weight * (1 - part.race.unanswered) * part.race.survival(t)
            for part in parts
            if part.race.unanswered < 1
        )
        return late / (1 - unanswered)

    return survival


def _cost(parts: Sequence[_Part]) -> float:
    total = 0.0
    for part in parts:
        for index, branch in enumerate(part.branches):
            cost, race = branch.cost, part.race
            each = cost.fixed * race.launched(index)
            if cost.per_gpu_second:
                each += cost.per_gpu_second * race.work(index)
            if cost.per_token and cost.tokens:
                each += cost.per_token * cost.tokens * race.share(index)
            total += part.weight * each
    return total


def _parts(scenario: Scenario) -> list[_Part]:
    parts = []
    for weight, branches in _selections(scenario):
        attempts = [attempted(branch) for branch in branches]
        race = None
        if isinstance(scenario.dependence, GaussianCopula) and len(branches) > 1:
            race = _correlated(scenario, attempts, scenario.dependence.correlation)
        if race is not None:
            parts.append(_Part(weight, race, branches))
            continue
        for likely, laws in _cases(scenario.dependence, branches):
            given = [replace(one, law=law) for one, law in zip(attempts, laws, strict=True)]
            parts.append(_Part(weight * likely, _race(scenario, given), branches))
    return parts


def attempted(branch: Branch) -> Attempted:
    """An attempt of this branch."""
    valid = branch.valid * (1 - branch.failure)
    timeout = math.inf if branch.timeout is None else branch.timeout
    return Attempted(branch.service, valid, timeout, branch.lingers)


def _selections(scenario: Scenario) -> list[tuple[float, tuple[Branch, ...]]]:
    """The branches that may run, in the order of their launch, with the probability of that."""
    branches, policy = scenario.racing, scenario.policy
    if isinstance(policy, Hedge) and policy.most is not None:
        branches = branches[: policy.most]
    one_at_a_time = isinstance(policy, Sequential) or policy == Cascade()
    if one_at_a_time:
        certain = (place for place, one in enumerate(branches, 1) if attempted(one).certain)
        branches = branches[: next(certain, len(branches))]
    if isinstance(policy, FirstValidOf) and policy.k < len(branches):
        if not all(attempted(one).certain for one in branches):
            raise _Refusal("FirstValidOf replaces what ends in vain; there is no formula for that")
        chosen = list(combinations(branches, policy.k))
        return [(1 / len(chosen), one) for one in chosen]
    return [(1.0, branches)]


def _race(scenario: Scenario, attempts: Sequence[Attempted]) -> Race:
    policy, decision = scenario.policy, scenario.decision
    if len(attempts) == 1 or isinstance(policy, Sequential) or policy == Cascade():
        return OneByOne(attempts)
    delay = _delay(policy)
    if delay is None or (delay == 0 and isinstance(decision, FirstValid)):
        return _at_once(decision, attempts)
    if not isinstance(decision, FirstValid):
        raise _Refusal(f"{policy!r} with {decision!r} has no formula; FirstValid() has")
    if all(one.certain for one in attempts):
        return Staggered(attempts, delay)
    if len(attempts) == 2:
        pairs = math.prod(len(one.breaks) for one in attempts)
        if pairs > _MOST_PAIRS:
            raise _Refusal(
                f"a measured branch that fails and its backup have {pairs} pairs of values; "
                f"a formula may have {_MOST_PAIRS}"
            )
        return Failing(attempts[0], attempts[1], delay)
    raise _Refusal(
        f"{len(attempts)} staggered branches that fail, answer invalidly or time out have no "
        "formula; two have"
    )


def _delay(policy: object) -> float | None:
    """Seconds between launches; None: all at once."""
    if isinstance(policy, Hedge):
        return policy.delay
    if isinstance(policy, Cascade):
        return policy.patience
    if isinstance(policy, EagerRace | FirstValidOf):
        return None
    raise _Refusal(f"{policy!r} without pools has no formula: all are served at once")


def _at_once(decision: object, attempts: Sequence[Attempted]) -> Race:
    match decision:
        case FirstValid():
            return Eager(attempts)
        case AfterFirst(window=window):
            return Eager(attempts, window)
        case WaitForAll():
            return Alternating(attempts, wait_for_all=True)
        case Ranked() if len(attempts) <= _MOST_RANKED:
            return Alternating(attempts, wait_for_all=False)
    raise _Refusal(f"{decision!r} over {len(attempts)} branches has no formula")


def _correlated(
    scenario: Scenario, attempts: Sequence[Attempted], correlation: float
) -> Race | None:
    """The race under a Gaussian copula; None if there is nothing to correlate."""
    if correlation == 0 or len(attempts) == 1:
        return None
    race = _race(scenario, attempts)
    simple = isinstance(race, Staggered) or (isinstance(race, Eager) and not race.window)
    if len(attempts) != 2 or not simple or not all(one.certain for one in attempts):
        raise _Refusal(
            "a Gaussian copula has a formula for two branches that always answer validly, in a "
            "hedge or an eager race for the first one"
        )
    return Copula(attempts, race.starts[1], correlation)


def _cases(dependence: object, branches: Sequence[Branch]) -> list[tuple[float, list[Latency]]]:
    """What the branches take, given what they have in common; and how likely that is."""
    laws = [branch.service for branch in branches]
    match dependence:
        case Independent() | GaussianCopula():
            return [(1.0, laws)]
        case PairedRows(rows=rows) if len(rows) <= _MOST_ROWS:
            known: list[dict[str, float]] = [dict(row) for row in rows]
            if any(branch.name not in known[0] for branch in branches):
                raise _Refusal("the rows of PairedRows lack a branch")
            constants = [[Constant(row[branch.name]) for branch in branches] for row in known]
            return [(1 / len(known), [*row]) for row in constants]
        case CommonShock(probability=p, factor=factor, extra=extra):
            if isinstance(extra, Constant) or extra is None:
                shift = 0.0 if extra is None else extra.seconds
                hit: list[Latency] = [_Moved(law, factor or 1.0, shift) for law in laws]
                return [case for case in ((1 - p, laws), (p, hit)) if case[0] > 0]
            raise _Refusal("CommonShock has a formula for a factor or a constant extra")
    raise _Refusal(f"{type(dependence).__name__} has no formula for these branches")


@dataclass(frozen=True, slots=True)
class _Moved(Latency):
    """A latency times `factor`, and `shift` seconds on top."""

    law: Latency
    factor: float
    shift: float

    def sf(self, t: float) -> float:
        return self.law.sf((t - self.shift) / self.factor)

    def inverse(self, p: float) -> float:
        return self.law.quantile(p) * self.factor + self.shift

    @property
    def mean(self) -> float:
        return self.law.mean * self.factor + self.shift

    @property
    def variance(self) -> float:
        return self.law.variance * self.factor**2

    @property
    def support(self) -> tuple[float, float]:
        low, high = self.law.support
        return low * self.factor + self.shift, high * self.factor + self.shift
