"""Does it pay? What the records of production say about speculating, against a control group.

    advice = advise(read_records("app.log"), control)
    print(advice.render())

The verdict is "enable" if every rule passes, "disable" if one fails, and "inconclusive" if one is
undecided; then it says how many more records would decide it. Nothing is drawn at random: the same
records give the same advice.

Records that were kept because a loser was faster are left out. They are a selection, and would make
any policy look as if its losers were fast. The records that were sampled by hash stand for all.
"""

from __future__ import annotations

import dataclasses
import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from spectest.patterns import rules
from spectest.patterns.evidence import (
    AdviceError,
    check_lines,
    check_parts,
    control_group,
    costs_of,
    memory_of,
    one_pipeline,
    record_group,
)
from spectest.patterns.records import Record
from spectest.patterns.rules import Finding, name_of

__all__ = ["Advice", "AdviceError", "advise"]

_WIDTH = 100
_WORDS = {"pass": "enable", "fail": "disable"}


@dataclass(frozen=True, slots=True)
class Advice:
    """The verdict, and each rule with its evidence.

    `records` and `control`: how many requests were looked at. `more_records` and `more_control`:
    how many more decide what is undecided, if what was observed stays the same, or give it an
    interval in the first place; None if nothing is undecided, or that cannot be told. `conflicts`:
    rules that contradict each other, in words. `remarks`: what was left out, and why.
    """

    verdict: Literal["enable", "disable", "inconclusive"]
    findings: tuple[Finding, ...]
    records: int
    control: int
    policy: str
    branch_names: tuple[str, ...]
    confidence: float
    more_records: int | None = None
    more_control: int | None = None
    conflicts: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def render(self) -> str:
        """The verdict and a table of the rules, in lines of up to 100 columns."""
        head = (
            f"{self.policy} of {', '.join(self.branch_names)}: {self.verdict} "
            f"({self.records:,} records, {self.control:,} of control, "
            f"intervals of {100 * self.confidence:g} %)"
        )
        first = max(len(finding.rule) for finding in self.findings)
        second = max(len(_says(finding)) for finding in self.findings)
        lines = [head, ""]
        for it in self.findings:
            beginning = f"{it.rule:{first}}  {_says(it):{second}}  "
            indent = " " * len(beginning)
            lines += textwrap.wrap(
                it.evidence, _WIDTH, initial_indent=beginning, subsequent_indent=indent
            )
        notes = [*self._needed(), *self.conflicts, *self.remarks]
        return "\n".join([*lines, *([""] if notes else []), *notes])

    def to_json(self) -> dict[str, Any]:
        """The advice as plain values; an end that is not there is None."""
        said = _plain(dataclasses.asdict(self))
        assert isinstance(said, dict)
        return said

    def _needed(self) -> list[str]:
        if self.verdict != "inconclusive":
            return []
        if self.more_records is None:
            return ["needed: more records; how many cannot be told from these"]
        numbers = f"{self.more_records:,} more records and {self.more_control:,} more of control"
        if any(math.isinf(one.interval.low) for one in _undecided(self.findings) if one.interval):
            return [f"needed: at least {numbers}, to have an interval at all"]
        return [f"needed: {numbers}, if what was observed stays the same"]


def advise(
    records: Iterable[Record],
    control: Iterable[Record | float],
    *,
    percentile: float = 0.99,
    confidence: float = 0.95,
    least_improvement: float = 0.15,
    most_wins: float = 0.85,
    most_cost: float = 2.0,
    costs: Mapping[str, float] | None = None,
    control_cost: float | None = None,
    memory: Mapping[str, float] | None = None,
    device: float | None = None,
) -> Advice:
    """Whether the speculation that wrote `records` pays, against requests that did not speculate.

    `control`: their latencies in milliseconds, infinite for a request that got no answer, or their
    records. `percentile`: where the improvement decides; the median and p99 are shown beside it.
    `least_improvement`: less is too little. `most_wins`: if one branch of an eager race is first
    more often, the others are waste; 1 switches the rule off. `costs`: what one call of each branch
    costs, in any unit, with `control_cost` for a request of control, which its records can say
    instead; `most_cost` times as much is too dear. `memory`: what each branch holds, in the unit
    of `device`; a device that is too small is a hard stop.

    Raises AdviceError if there are no records or no control, if the records are of different
    policies or branches, or if an argument makes no sense.
    """
    check_parts(percentile=percentile, confidence=confidence)
    check_lines(least_improvement, most_wins, most_cost)
    kept, ours, remarks = record_group(list(records), "records")
    others, theirs, more_remarks = control_group(list(control))
    policy, names = one_pipeline(kept)
    findings: list[Finding] = []
    if memory is not None or device is not None:
        sizes, size = memory_of(memory, device, names)
        findings.append(rules.memory(names, sizes, size))
    findings += _improvements(ours, theirs, percentile, least_improvement, confidence)
    findings.append(rules.first_answers(kept, most=most_wins, confidence=confidence))
    if costs is not None or control_cost is not None:
        each, against = costs_of(costs, control_cost, names, others)
        findings.append(rules.cost(kept, each, against, most=most_cost))
    verdict = _verdict(findings)
    more = _more(findings, len(ours), len(theirs)) if verdict == "inconclusive" else None
    return Advice(
        verdict,
        findings=tuple(findings),
        records=len(ours),
        control=len(theirs),
        policy=policy,
        branch_names=names,
        confidence=confidence,
        more_records=more[0] if more else None,
        more_control=more[1] if more else None,
        conflicts=tuple(_conflicts(findings, name_of(percentile))),
        remarks=(*remarks, *more_remarks),
    )


def _improvements(
    ours: Sequence[float],
    theirs: Sequence[float],
    percentile: float,
    least: float,
    confidence: float,
) -> list[Finding]:
    """At the median, at p99, and at the percentile that decides."""
    return [
        rules.improvement(
            ours, theirs, p, least=least, confidence=confidence, decides=p == percentile
        )
        for p in sorted({0.5, 0.99, percentile})
    ]


def _verdict(findings: Sequence[Finding]) -> Literal["enable", "disable", "inconclusive"]:
    said = {finding.says for finding in findings if finding.decides}
    return "disable" if "fail" in said else "inconclusive" if "undecided" in said else "enable"


def _more(findings: Sequence[Finding], records: int, control: int) -> tuple[int, int] | None:
    undecided = [one.growth for one in _undecided(findings)]
    known = [growth for growth in undecided if growth is not None]
    if len(known) < len(undecided):
        return None
    ours, theirs = (max(factors) for factors in zip(*known, strict=True))
    return math.ceil(round((ours - 1) * records, 6)), math.ceil(round((theirs - 1) * control, 6))


def _undecided(findings: Sequence[Finding]) -> list[Finding]:
    return [one for one in findings if one.decides and one.says == "undecided"]


def _conflicts(findings: Sequence[Finding], deciding: str) -> list[str]:
    clear = [one for one in findings if one.says in _WORDS and one.interval is not None]
    gains = [one for one in clear if one.rule.endswith("improvement")]
    told = {one.says: [each.rule for each in gains if each.says == one.says] for one in gains}
    conflicts = []
    if len(told) == 2:
        conflicts.append(
            f"conflict: {_and(told['pass'])} says enable and {_and(told['fail'])} disable; "
            f"the verdict follows {deciding}"
        )
    faster = [one.rule for one in gains if one.says == "pass" and one.decides]
    against = [one.rule for one in clear if one.says == "fail" and one not in gains]
    if faster and against:
        conflicts.append(
            f"conflict: {_and(faster)} says enable and {_and(against)} disable; "
            "one rule that fails is enough"
        )
    return conflicts


def _and(names: Sequence[str]) -> str:
    return " and ".join(names)


def _says(finding: Finding) -> str:
    word = _WORDS.get(finding.says, finding.says)
    return word if finding.decides else f"({word})"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
