import pickle

import pytest

import spectest
from spectest import oracles
from spectest.kernel.trace import NOWHERE, Trace, TraceEvent
from spectest.oracles.base import violation_of


class Saying:
    """An oracle that finds what it is told to find."""

    def __init__(self, name: str, *findings: str) -> None:
        self.name = name
        self.findings = findings

    def judge(self, trace: Trace, reference: Trace | None) -> list[oracles.Verdict]:
        seen = "alone" if reference is None else f"beside {len(reference)}"
        return [
            oracles.Verdict(self.name, it, f"{it} in {len(trace)}, {seen}") for it in self.findings
        ]


def trace_of(*kinds: str) -> Trace:
    return Trace([TraceEvent(n, 0, kind, "x", "", -1, NOWHERE, "") for n, kind in enumerate(kinds)])


def test_verdicts_come_in_the_order_of_the_oracles() -> None:
    found = oracles.judge(trace_of("task"), [Saying("one", "a", "b"), Saying("two", "c")])
    assert [(it.oracle, it.finding) for it in found] == [("one", "a"), ("one", "b"), ("two", "c")]


def test_one_oracle_may_stand_alone_and_compare() -> None:
    (found,) = oracles.judge(
        trace_of("task"), Saying("one", "a"), reference=trace_of("task", "end")
    )
    assert str(found) == "one: a in 1, beside 2"


def test_the_violation_says_the_first_verdict_and_names_the_others() -> None:
    verdicts = oracles.judge(trace_of(), [Saying("one", "a"), Saying("two", "b", "b", "c")])
    error = violation_of(verdicts)
    assert str(error) == "one: a in 0, alone\nbesides: two (b), two (c)"
    assert (error.oracle, error.finding, error.verdicts) == ("one", "a", verdicts)
    assert isinstance(error, spectest.Violation)


def test_the_violation_survives_pickling() -> None:
    error = violation_of(oracles.judge(trace_of(), Saying("one", "a")))
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.verdicts) == (str(error), error.verdicts)


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(spectest.UsageError, match="'ties' is not an oracle; use one of tie_break"):
        oracles.by_name("ties")
