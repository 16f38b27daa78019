"""What a record may say: the type and range of each field, and what fields say of each other.

A record is evidence. One that was cut off, edited or made up has to be told from one that a
speculation wrote, by the name of the field that gives it away. Nothing is repaired here.

What stands in a list is named by its place, as in `branch_latencies_ms[1]`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["FIELDS", "FORMAT", "OUTCOMES", "RecordError", "check", "faster_loser"]

FORMAT = 1
"""The number that a record of this form begins with."""

OUTCOMES = ("valid", "invalid", "timed out", "cancelled", "dropped", "not launched", "running")
"""How an attempt ends, besides `raised` with the name of an exception class.

`running`: it had not ended when the record was written."""

ROUNDING_MS = 0.002
"""How far sums of rounded times may be apart: three of them, to the microsecond."""

BY_CHAIN = ("EagerRace", "FirstValidOf", "Tied")
"""Policies that launch together: the seed chain ranks their branches."""

BY_DECLARATION = ("Cascade", "Hedge", "Sequential")
"""Policies whose order of launch means something: branches rank as they were declared."""

BY_RANK = ("Ranked()", "WaitForAll(pick='ranking')")
"""Decisions that the highest ranked of the valid branches wins."""

BY_SEED = "WaitForAll(pick='literal')"
"""The decision that the seed modulo the number of valid branches makes."""

_LONGEST_VALUE = 80

Complaint = tuple[str, object, str]
Rule = Callable[[str, Any], Iterator[Complaint]]


class RecordError(ValueError):
    """A record is not one that a speculation writes.

    `field` is the one that gives it away, empty if there are no fields; `value` is what it says
    and `rule` what it had to keep; `place` is the line of the file, if there is one.
    """

    def __init__(self, field: str, value: object, rule: str, place: str = "") -> None:
        super().__init__(field, value, rule, place)
        self.field = field
        self.value = value
        self.rule = rule
        self.place = place

    def __str__(self) -> str:
        shown = repr(self.value)
        if len(shown) > _LONGEST_VALUE:
            shown = f"{shown[:_LONGEST_VALUE]}..."
        what = self.rule if self.rule.startswith("is ") else f"is {shown}; {self.rule}"
        before = f"{self.place}: " if self.place else ""
        return f"{before}{self.field or 'the record'} {what}"


def check(record: Mapping[str, Any]) -> None:
    """Raises `RecordError` for the first thing that a speculation would not have written."""
    for complaints in (_names(record), _shapes(record), _lengths(record), _relations(record)):
        for field, value, rule in complaints:
            raise RecordError(field, value, rule)


def faster_loser(record: Mapping[str, Any]) -> bool:
    """Whether a branch that did not win had an answer, valid or not, before the winner had."""
    winner = record["winning_branch_index"]
    if winner is None:
        return False
    ends = _ends(record)
    return any(
        index != winner and validity is not None and ends[index] < ends[winner]
        for index, validity in enumerate(record["branch_validities"])
    )


# One field.


def _number(name: str, value: Any) -> Iterator[Complaint]:
    rule = "must be a finite number of milliseconds, 0 or more"
    try:
        fine = not isinstance(value, bool) and math.isfinite(value) and value >= 0
    except (TypeError, OverflowError):
        fine = False
    if not fine:
        yield name, value, rule


def _integer(least: int) -> Rule:
    def rule(name: str, value: Any) -> Iterator[Complaint]:
        if type(value) is not int or value < least:
            yield name, value, f"must be an integer, {least} or more"

    return rule


def _text(pattern: str, what: str) -> Rule:
    def rule(name: str, value: Any) -> Iterator[Complaint]:
        if not isinstance(value, str) or not re.fullmatch(pattern, value, re.DOTALL):
            yield name, value, f"must be {what}"

    return rule


def _constant(*values: object) -> Rule:
    def rule(name: str, value: Any) -> Iterator[Complaint]:
        if not any(type(value) is type(one) and value == one for one in values):
            yield name, value, f"must be {' or '.join(repr(one) for one in values)}"

    return rule


def _or_null(other: Rule) -> Rule:
    def rule(name: str, value: Any) -> Iterator[Complaint]:
        if value is not None:
            for place, wrong, text in other(name, value):
                yield place, wrong, f"{text}, or null"

    return rule


def _list(item: Rule, least: int = 0) -> Rule:
    def rule(name: str, value: Any) -> Iterator[Complaint]:
        if not isinstance(value, list) or len(value) < least:
            yield name, value, f"must be a list of {least} or more"
            return
        for place, one in enumerate(value):
            yield from item(f"{name}[{place}]", one)

    return rule


def _object(fields: Mapping[str, Rule]) -> Rule:
    def rule(name: str, value: Any) -> Iterator[Complaint]:
        if not isinstance(value, dict) or value.keys() != fields.keys():
            yield name, value, f"must be an object of {', '.join(fields)}"
            return
        for field, own in fields.items():
            yield from own(f"{name}.{field}", value[field])

    return rule


_NAME = _text(r".+", "a text that is not empty")
_INDEX = _integer(0)
_CANCELLATION = {
    "branch_index": _INDEX,
    "asked_after_ms": _number,
    "gone_after_ms": _or_null(_number),
}
_OUTCOME = _text(
    rf"{'|'.join(OUTCOMES)}|raised [^\W\d]\w*(\.[^\W\d]\w*)*",
    f"{', '.join(OUTCOMES)} or raised with the name of a class",
)

FIELDS: Mapping[str, Rule] = {
    "format": _constant(FORMAT),
    "run_id": _NAME,
    "input_hash": _text(r"[0-9a-f]{64}", "a SHA-256, 64 hex digits in lower case"),
    "policy": _NAME,
    "decision": _NAME,
    "branch_names": _list(_NAME, least=1),
    "ranking": _list(_INDEX, least=1),
    "branch_launched_after_ms": _list(_or_null(_number)),
    "branch_latencies_ms": _list(_or_null(_number)),
    "branch_validities": _list(_constant(True, False, None)),
    "branch_outcomes": _list(_OUTCOME),
    "winning_branch_index": _or_null(_INDEX),
    "deterministic_tie_breaker_seed": _text(r"[0-9a-f]{16}", "16 hex digits in lower case"),
    "decided_after_ms": _or_null(_number),
    "limiter": _or_null(_object({"capacity": _integer(1), "dropped": _list(_INDEX)})),
    "cancellations": _list(_object(_CANCELLATION)),
    "committed": _integer(0),
    "sampled_because": _constant("hash", "loser was faster", None),
}
"""Each field in the order in which it is written, with what it may say by itself."""


def _names(record: Mapping[str, Any]) -> Iterator[Complaint]:
    for name in FIELDS:
        if name not in record:
            yield name, None, "is missing"
    for name, value in record.items():
        if name not in FIELDS:
            yield str(name), value, f"is no field of a record of format {FORMAT}"


def _shapes(record: Mapping[str, Any]) -> Iterator[Complaint]:
    for name, rule in FIELDS.items():
        yield from rule(name, record[name])


# What fields say of each other.


def _lengths(record: Mapping[str, Any]) -> Iterator[Complaint]:
    names = record["branch_names"]
    if len(set(names)) < len(names):
        yield "branch_names", names, "must name each branch once"
    for name in FIELDS:
        if name.startswith("branch_") and len(record[name]) != len(names):
            yield name, record[name], f"must have {len(names)} entries, one for each branch"
    if sorted(record["ranking"]) != list(range(len(names))):
        rule = f"must have each of the numbers from 0 to {len(names) - 1} once"
        yield "ranking", record["ranking"], rule


def _relations(record: Mapping[str, Any]) -> Iterator[Complaint]:
    yield from _chain(record)
    for index in range(len(record["branch_names"])):
        yield from _attempt(record, index)
    yield from _limiter(record)
    yield from _winner(record)
    for place, cancellation in enumerate(record["cancellations"]):
        yield from _cancellation(record, f"cancellations[{place}]", cancellation)
    if record["winning_branch_index"] is None and record["committed"]:
        yield "committed", record["committed"], "must be 0, for nobody won"
    if record["sampled_because"] == "loser was faster" and not faster_loser(record):
        yield "sampled_because", "loser was faster", "but no loser had an answer before the winner"


def _chain(record: Mapping[str, Any]) -> Iterator[Complaint]:
    ranking, seed = record["ranking"], record["deterministic_tie_breaker_seed"]
    policy = record["policy"].partition("(")[0]
    if policy in BY_CHAIN and int(seed, 16) % len(ranking) != ranking[0]:
        first = f"modulo {len(ranking)} it must be {ranking[0]}, the first of ranking"
        yield "deterministic_tie_breaker_seed", seed, first
    if policy in BY_DECLARATION and ranking != sorted(ranking):
        yield "ranking", ranking, f"must be the declared order, for {policy} launches in it"


def _attempt(record: Mapping[str, Any], index: int) -> Iterator[Complaint]:
    launched = record["branch_launched_after_ms"][index]
    latency = record["branch_latencies_ms"][index]
    validity = record["branch_validities"][index]
    outcome = record["branch_outcomes"][index]
    answers = {"valid": True, "invalid": False}
    if (launched is None) != (outcome in {"dropped", "not launched"}):
        rule = f"must be null exactly if the branch was not launched; its outcome is {outcome!r}"
        yield f"branch_launched_after_ms[{index}]", launched, rule
    if latency is not None and (launched is None or outcome == "running"):
        yield f"branch_latencies_ms[{index}]", latency, f"must be null; its outcome is {outcome!r}"
    if latency is None and (outcome in answers or outcome.startswith("raised ")):
        rule = f"must be a number, for its outcome is {outcome!r}"
        yield f"branch_latencies_ms[{index}]", latency, rule
    if validity is not answers.get(outcome):
        rule = f"must be {answers.get(outcome)}, for its outcome is {outcome!r}"
        yield f"branch_validities[{index}]", validity, rule


def _limiter(record: Mapping[str, Any]) -> Iterator[Complaint]:
    limiter, outcomes = record["limiter"], record["branch_outcomes"]
    dropped = [index for index, outcome in enumerate(outcomes) if outcome == "dropped"]
    if limiter is None and dropped:
        yield "limiter", None, f"must say that branches {dropped} were dropped"
    if limiter is not None and limiter["dropped"] != dropped:
        rule = f"must be {dropped}, those whose outcome is 'dropped'"
        yield "limiter.dropped", limiter["dropped"], rule


def _winner(record: Mapping[str, Any]) -> Iterator[Complaint]:
    name, winner, names = "winning_branch_index", record["winning_branch_index"], "branch_names"
    if winner is None:
        yield from _nobody(record)
        return
    if winner >= len(record[names]):
        yield name, winner, f"must be below {len(record[names])}, the number of branch_names"
        return
    if record["branch_validities"][winner] is not True:
        yield name, winner, f"must be a valid branch; {record[names][winner]!r} is not"
        return
    decided, ends = record["decided_after_ms"], _ends(record)
    if decided is None or decided + ROUNDING_MS < ends[winner]:
        rule = f"must not be earlier than the end of the winner, {ends[winner]:.3f}"
        yield "decided_after_ms", decided, rule
        return
    valid = [index for index, end in enumerate(ends) if end <= decided + ROUNDING_MS]
    due = _due(record, [index for index in valid if record["branch_validities"][index]])
    if due not in {None, winner}:
        yield name, winner, f"must be {due}, by {record['decision']} of {record['ranking']}"


def _due(record: Mapping[str, Any], valid: list[int]) -> int | None:
    """Who wins of those who had a valid answer; None where timing has a say."""
    if record["decision"] in BY_RANK:
        return min(valid, key=record["ranking"].index)
    if record["decision"] == BY_SEED:
        return int(valid[int(record["deterministic_tie_breaker_seed"], 16) % len(valid)])
    return None


def _nobody(record: Mapping[str, Any]) -> Iterator[Complaint]:
    decided = record["decided_after_ms"]
    for index, end in enumerate(_ends(record)):
        if decided is not None and record["branch_validities"][index] and end <= decided:
            rule = f"must be a branch, for {record['branch_names'][index]!r} had a valid answer"
            yield "winning_branch_index", None, rule


def _cancellation(
    record: Mapping[str, Any], name: str, cancellation: Mapping[str, Any]
) -> Iterator[Complaint]:
    index, gone = cancellation["branch_index"], cancellation["gone_after_ms"]
    if index >= len(record["branch_names"]) or index == record["winning_branch_index"]:
        yield f"{name}.branch_index", index, "must be a branch that did not win"
    asked = cancellation["asked_after_ms"]
    if gone is not None and gone + ROUNDING_MS < asked:
        yield f"{name}.gone_after_ms", gone, f"must not be earlier than asked_after_ms, {asked}"


def _ends(record: Mapping[str, Any]) -> list[float]:
    """When each attempt ended, since the beginning; infinite if it did not."""
    pairs = zip(record["branch_launched_after_ms"], record["branch_latencies_ms"], strict=True)
    return [
        math.inf if launched is None or latency is None else launched + latency
        for launched, latency in pairs
    ]
