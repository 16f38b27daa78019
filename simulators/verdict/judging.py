"""The answer, and how the rules make it: one that is against it is enough, and none may be open."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from simulators import checks, estimators, events, fast, provenance
from simulators.errors import ScenarioError
from simulators.provenance import Provenance
from simulators.scenario import Scenario, Trace, checked_scenario
from simulators.verdict.answers import first_answers, first_valid_wins
from simulators.verdict.demand import pool_demand
from simulators.verdict.findings import Finding
from simulators.verdict.gains import control_group, cost, improvement
from simulators.verdict.memory import memory
from simulators.verdict.metastability import metastability
from simulators.verdict.timeouts import timeouts
from simulators.verdict.trials import Simulate, trial
from spectest.patterns.policies import Cascade, FirstValidOf, Hedge, Sequential

__all__ = ["Answer", "Verdict", "combined", "judge"]

Answer: TypeAlias = Literal["enable", "disable", "inconclusive"]

_ENGINES: dict[str, Simulate] = {"auto": fast.run, "fast": fast.run, "events": events.run}
_N = 100_000
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a scenario should speculate: the `answer`, its `reason`, and what every rule says.

    `conflicts`: rules that contradict each other, in words. `level`: that of all intervals.
    `provenance`: of the requests that speculate; control has the same seed, engine and number.
    """

    answer: Answer
    reason: str
    rules: tuple[Finding, ...]
    conflicts: tuple[str, ...]
    scenario: Scenario
    level: float
    provenance: Provenance

    def __getitem__(self, name: str) -> Finding:
        """The finding of the rule with this name."""
        found = {rule.name: rule for rule in self.rules}
        if name not in found:
            raise KeyError(f"no rule {name!r}; there are {', '.join(map(repr, found))}")
        return found[name]

    def __str__(self) -> str:
        """The answer and a table of the rules, in lines of up to 100 columns."""
        first = max(len(rule.name) for rule in self.rules)
        second = max(len(_says(rule)) for rule in self.rules)
        head = (
            f"{self.scenario.policy} of "
            f"{', '.join(branch.name for branch in self.scenario.racing)}: {self.answer} "
            f"({self.provenance.n:,} requests, intervals of {100 * self.level:g} %)"
        )
        lines = [*_wrapped(head), ""]
        for rule in self.rules:
            beginning = f"{rule.name:{first}}  {_says(rule):{second}}  "
            more = f"; n={rule.needed:,} would decide" if rule.needed is not None else ""
            lines += _wrapped(f"{rule.sentence}{more}", beginning)
        notes = [self.reason, *self.conflicts, str(self.provenance)]
        return "\n".join([*lines, "", *(line for note in notes for line in _wrapped(note))])

    def to_data(self) -> dict[str, Any]:
        """What JSON can say."""
        return {
            "answer": self.answer,
            "reason": self.reason,
            "rules": [rule.to_data() for rule in self.rules],
            "conflicts": list(self.conflicts),
            "policy": str(self.scenario.policy),
            "branches": [branch.name for branch in self.scenario.racing],
            "level": self.level,
            "provenance": self.provenance.to_data(),
        }


def judge(
    scenario: Scenario,
    *,
    n: int | None = None,
    seed: int = 0,
    percentiles: Sequence[str] = ("p50", "p99"),
    threshold: float = 0.15,
    most_wins: float = 0.85,
    most_cost: float = 2.0,
    level: float = 0.95,
    engine: str = "auto",
) -> Verdict:
    """Whether the speculation of a scenario is worth it, against its control group.

    `n`: requests of each group; None: 100,000, or all of a trace. `percentiles`: of the time to the
    answer; at the last one an improvement of less than `threshold` is too little, the others are
    shown. `most_wins`: one branch of an eager race that is first more often makes a waste of the
    others; 1 switches the rule off. `most_cost`: so many times the cost of control is too dear.
    `engine`: "fast" or "events" for what is simulated, which is all the same to the last bit;
    "auto" takes the exact improvement and cost where there is a formula, and "fast" for the rest.

    `ScenarioError` if the scenario speculates never, or an argument makes no sense.
    """
    _check(scenario, percentiles, threshold, most_wins, most_cost, level)
    checks.one_of("engine", engine, _ENGINES)
    number, simulate = _all_of(scenario) if n is None else n, _ENGINES[engine]
    formulas = engine == "auto"
    runs = trial(scenario, number, seed, level=level, simulate=simulate, formulas=formulas)
    improvements = [
        improvement(runs, measure, threshold, decides=measure == percentiles[-1])
        for measure in percentiles
    ]
    rules = (
        first_valid_wins(runs),
        first_answers(runs, most_wins),
        memory(runs),
        cost(runs, most_cost),
        *improvements,
        *timeouts(runs),
        *pool_demand(runs),
        metastability(runs),
        control_group(runs),
    )
    answer, reason = combined(rules)
    return Verdict(
        answer=answer,
        reason=reason,
        rules=rules,
        conflicts=tuple(_conflicts(rules)),
        scenario=scenario,
        level=level,
        provenance=provenance.of_requests(runs.whole),
    )


def combined(rules: Sequence[Finding]) -> tuple[Answer, str]:
    """The answer of all rules that decide, and the reason.

    "disable" if one is against it, whatever the others say; otherwise "inconclusive" if one is
    open; otherwise "enable". Notes and rules that do not apply say nothing.
    """
    against = [rule.name for rule in rules if rule.decides and rule.result == "against"]
    if against:
        return "disable", f"disable: against it {_are(against)}"
    undecided = [rule for rule in rules if rule.decides and rule.result == "open"]
    if not undecided:
        favourable = [rule.name for rule in rules if rule.decides and rule.result == "for"]
        return "enable", f"enable: for it {_are(favourable)}, and nothing is against it or open"
    reason = f"inconclusive: open {_are([rule.name for rule in undecided])}"
    counts = [rule.needed for rule in undecided]
    known = [count for count in counts if count is not None]
    if len(known) == len(counts):
        return (
            "inconclusive",
            f"{reason}; n={max(known):,} would decide, if all else stays the same",
        )
    return "inconclusive", f"{reason}; how many requests would decide cannot be told"


def _conflicts(rules: Sequence[Finding]) -> list[str]:
    gains = [rule for rule in rules if rule.name.endswith(" improvement")]
    conflicts = []
    better = [rule.name for rule in gains if rule.result == "for"]
    worse = [rule.name for rule in gains if rule.result == "against"]
    if better and worse:
        deciding = next(rule.name for rule in gains if rule.decides).removesuffix(" improvement")
        conflicts.append(
            f"conflict: for it {_are(better)}, and against it {_are(worse)}; "
            f"the answer follows {deciding}"
        )
    faster = [rule.name for rule in gains if rule.result == "for" and rule.decides]
    others = [
        rule.name
        for rule in rules
        if rule.decides and rule.result == "against" and rule not in gains
    ]
    if faster and others:
        conflicts.append(
            f"conflict: for it {_are(faster)}, and against it {_are(others)}; "
            "one rule that is against it is enough"
        )
    return conflicts


def _check(
    scenario: Scenario,
    percentiles: Sequence[str],
    threshold: float,
    most_wins: float,
    most_cost: float,
    level: float,
) -> None:
    if not _speculates(checked_scenario(scenario)):
        why = "never runs two branches at once, so that there is nothing to judge"
        remedy = "use two branches or more and a policy that races them, such as Hedge(0.05)"
        raise ScenarioError("policy", scenario.policy, why, remedy)
    if isinstance(percentiles, str) or not percentiles:
        raise ScenarioError("percentiles", percentiles, "names none", "use ('p50', 'p99')")
    for name in percentiles:
        if estimators.percentile(str(name)) is None:
            raise ScenarioError("percentiles", name, "is no percentile", "use one such as 'p99'")
        if list(percentiles).count(name) > 1:
            raise ScenarioError("percentiles", name, "is named twice", "name it once")
    checks.probability("threshold", threshold)
    checks.probability("most_wins", most_wins)
    checks.positive("most_cost", most_cost, "such as 2 for twice the cost")
    if not 0 < checks.probability("level", level) < 1:
        raise ScenarioError("level", level, "is no level of an interval", "use one such as 0.95")


def _all_of(scenario: Scenario) -> int:
    """How many requests are simulated unless it is said: no more than a trace has."""
    arrivals = scenario.arrivals
    return min(_N, len(arrivals.times)) if isinstance(arrivals, Trace) else _N


def _speculates(scenario: Scenario) -> bool:
    """Whether the policy ever runs two branches at once."""
    policy = scenario.policy
    alone = (
        isinstance(policy, Sequential)
        or (isinstance(policy, Cascade) and policy.patience is None)
        or (isinstance(policy, Hedge) and policy.most == 1)
        or (isinstance(policy, FirstValidOf) and policy.k == 1)
    )
    return len(scenario.racing) > 1 and not alone


def _says(rule: Finding) -> str:
    return rule.result if rule.decides or rule.result == "note" else f"({rule.result})"


def _are(names: Sequence[str]) -> str:
    return f"is {names[0]}" if len(names) == 1 else f"are {', '.join(names[:-1])} and {names[-1]}"


def _wrapped(text: str, beginning: str = "") -> list[str]:
    """In lines, none of which begins with the % of the number before it."""
    indent = " " * len(beginning)
    lines = textwrap.wrap(
        text.replace(" %", "\xa0%"), _WIDTH, initial_indent=beginning, subsequent_indent=indent
    )
    return [line.replace("\xa0", " ") for line in lines]
