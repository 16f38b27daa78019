import dataclasses
import itertools
import json
import math
from typing import Any

import pytest

from spectest.patterns.advice import Advice, AdviceError, advise
from spectest.patterns.records import Record
from spectest.patterns.rules import Finding
from tests.unit.patterns.made_groups import (
    exponential,
    failed,
    fastest,
    lognormal,
    race,
    races,
    sample,
)
from tests.unit.patterns.made_records import HEDGE

FAST = exponential(100.0)


def finding(advice: Advice, rule: str) -> Finding:
    (found,) = (one for one in advice.findings if one.rule == rule)
    return found


def gain(advice: Advice, percentile: str) -> float:
    interval = finding(advice, f"{percentile} improvement").interval
    assert interval is not None
    return interval.value


def two_exponentials(share: float, n: int, **options: Any) -> Advice:
    """A race of exponential branches of which the fast one wins with probability `share`."""
    return advise(races(sample(exponential(100 * share), n), share), sample(FAST, n), **options)


# What is known in closed form.


@pytest.mark.parametrize("share", [0.5, 5 / 6, 0.9])
def test_of_exponential_branches_the_improvement_is_what_the_fast_one_loses(share: float) -> None:
    """The least of two is exponential with mean a b / (a + b), and P(a < b) = b / (a + b)."""
    advice = two_exponentials(share, 5000, percentile=0.95)
    for percentile in ("p50", "p95", "p99"):
        assert gain(advice, percentile) == pytest.approx(1 - share, abs=1e-6)
    wins = finding(advice, "first answers").interval
    assert wins is not None
    assert wins.value == pytest.approx(share, abs=1e-3)


@pytest.mark.parametrize("share, verdict", [(0.6, "enable"), (0.95, "disable")])
def test_far_from_the_lines_the_verdict_is_clear(share: float, verdict: str) -> None:
    advice = two_exponentials(share, 20_000)
    assert advice.verdict == verdict
    assert advice.more_records is None
    assert advice.conflicts == ()


def test_on_the_line_of_exponential_branches_both_rules_are_undecided() -> None:
    advice = two_exponentials(0.85, 20_000)
    assert advice.verdict == "inconclusive"
    assert finding(advice, "first answers").says == "undecided"
    assert finding(advice, "p99 improvement").says == "undecided"


def test_lognormal_branches_make_the_two_rules_disagree() -> None:
    """sigma = 1, and the fast one wins 85 %: p99 is 35.6 % faster, p50 7.8 %."""
    slow = math.sqrt(2) * 1.0364333894937898  # the quantile 0.85 of the normal distribution
    shares = [lambda t, mu=mu: _normal(math.log(t) - mu) for mu in (0.0, slow)]
    ours, theirs = sample(fastest(*shares), 8000), sample(lognormal(0, 1), 8000)
    advice = advise(races(ours, 0.87), theirs)
    assert gain(advice, "p99") == pytest.approx(0.356, abs=0.002)
    assert gain(advice, "p50") == pytest.approx(0.078, abs=0.001)
    assert advice.verdict == "disable"
    percentiles, first = advice.conflicts
    assert percentiles == (
        "conflict: p99 improvement says enable and p50 improvement disable; the verdict follows p99"
    )
    assert first == (
        "conflict: p99 improvement says enable and first answers disable; "
        "one rule that fails is enough"
    )
    switched_off = advise(races(ours, 0.87), theirs, most_wins=1)
    assert switched_off.verdict == "enable"


def _normal(z: float) -> float:
    return (1 + math.erf(z / math.sqrt(2))) / 2


def test_constant_latencies_leave_no_doubt() -> None:
    advice = advise(races([85.0] * 500), [100.0] * 500)
    interval = finding(advice, "p99 improvement").interval
    assert interval is not None
    assert (interval.low, interval.value, interval.high) == pytest.approx((0.15, 0.15, 0.15))
    assert advise(races([84.9] * 500), [100.0] * 500).verdict == "enable"
    assert advise(races([85.1] * 500), [100.0] * 500).verdict == "disable"


# The named percentile decides.


def test_another_percentile_is_shown_and_does_not_decide() -> None:
    """Only the fastest one in a hundred of control is slow: p99 gains nothing, p50 a half."""
    ours = [50.0] * 950 + [1000.0] * 50
    theirs = [100.0] * 950 + [1000.0] * 50
    by_tail = advise(races(ours), theirs)
    assert by_tail.verdict == "disable"
    assert [one.decides for one in by_tail.findings[:2]] == [False, True]
    by_median = advise(races(ours), theirs, percentile=0.5)
    assert by_median.verdict == "enable"
    assert by_median.conflicts[0].endswith("the verdict follows p50")
    named = advise(races(ours), theirs, percentile=0.9)
    assert [one.rule for one in named.findings[:3]] == [
        "p50 improvement",
        "p90 improvement",
        "p99 improvement",
    ]


def test_too_few_for_a_percentile_says_how_many_it_takes() -> None:
    advice = advise(races([50.0] * 100), [100.0] * 300)
    assert advice.verdict == "inconclusive"
    tail = finding(advice, "p99 improvement")
    assert "p99 of records needs n >= 437, there are 100" in tail.evidence
    assert "p99 of the control group needs n >= 437, there are 300" in tail.evidence
    assert (advice.more_records, advice.more_control) == (337, 137)
    assert "needed: at least 337 more records and 137 more of control" in advice.render()
    enough = advise(races([50.0] * 437), [100.0] * 437)
    assert enough.verdict == "enable"


@pytest.mark.parametrize("share", [0.75, 0.8, 0.9, 0.95])
def test_as_many_more_as_it_says_decide(share: float) -> None:
    """The formula is for normal errors, so twice as many are surely enough and half are not."""
    few = two_exponentials(share, 1000, percentile=0.9, most_wins=1)
    assert few.verdict == "inconclusive"
    assert few.more_records is not None
    needed = 1000 + few.more_records
    assert two_exponentials(share, 2 * needed, percentile=0.9, most_wins=1).verdict in {
        "enable",
        "disable",
    }
    assert (
        two_exponentials(share, needed // 2, percentile=0.9, most_wins=1).verdict == "inconclusive"
    )


def test_as_many_more_as_it_says_decide_who_wins() -> None:
    control = [100.0] * 1000
    advice = advise(races([50.0] * 1000, 0.84), control)
    assert advice.verdict == "inconclusive"
    assert advice.more_control == 0
    assert advice.more_records is not None
    n = 25 * math.ceil((1000 + advice.more_records) / 25)
    assert advise(races([50.0] * n, 0.84), control).verdict == "enable"
    assert advise(races([50.0] * (n - 100), 0.84), control).verdict == "inconclusive"


def test_what_is_on_the_line_cannot_be_told() -> None:
    advice = advise(races([85.0] * 300 + [86.0] * 400 + [87.0] * 300, 0.85), [100.0] * 1000)
    assert finding(advice, "first answers").growth is None
    both = advise(races([50.0] * 1000, 0.85), [100.0] * 1000)
    assert (both.verdict, both.more_records) == ("inconclusive", None)
    assert "how many cannot be told" in both.render()


# Who was first.


def hedges(n: int, policy: str = HEDGE.policy) -> list[Record]:
    return [dataclasses.replace(HEDGE, run_id=f"w/{one}", policy=policy) for one in range(n)]


@pytest.mark.parametrize(
    "policy",
    ["Hedge(0.05)", "Sequential()", "Cascade(patience=None)", "Tied()", "FirstValidOf(k=2)"],
)
def test_who_is_first_says_nothing_of_other_policies(policy: str) -> None:
    records = hedges(500, policy)
    advice = advise(records, [100.0] * 500)
    first = finding(advice, "first answers")
    assert first.says == "not applicable"
    assert "for eager races only" in first.evidence
    assert advice.verdict == "enable"


def overtaken(number: int) -> Record:
    """`llm` was faster and valid, and `rules` ranked higher and won."""
    return dataclasses.replace(
        race(number, 50.0, 1),
        decision="Ranked()",
        branch_latencies_ms=(40.0, 50.0),
        branch_validities=(True, True),
        branch_outcomes=("valid", "valid"),
    )


def test_the_first_valid_answer_counts_and_not_the_winner() -> None:
    records = [overtaken(number) for number in range(500)]
    for one in records:
        Record.from_json(one.to_json())
    advice = advise(records, [100.0] * 500)
    assert "'llm' in 100 %" in finding(advice, "first answers").evidence
    assert advice.verdict == "disable"


def test_who_was_launched_later_is_first_by_the_clock_of_the_request() -> None:
    """`llm` took less time, and began so late that `rules` had answered."""
    records = [
        dataclasses.replace(overtaken(number), branch_launched_after_ms=(20.0, 0.0))
        for number in range(500)
    ]
    assert "'rules' in 100 %" in finding(advise(records, [100.0]), "first answers").evidence


def test_a_faster_answer_that_is_not_valid_is_not_first() -> None:
    records = [
        dataclasses.replace(
            overtaken(number),
            branch_validities=(False, True),
            branch_outcomes=("invalid", "valid"),
        )
        for number in range(500)
    ]
    assert "'rules' in 100 %" in finding(advise(records, [100.0]), "first answers").evidence


def test_of_two_at_once_the_higher_ranked_is_first() -> None:
    records = [
        dataclasses.replace(overtaken(number), branch_latencies_ms=(50.0, 50.0))
        for number in range(500)
    ]
    assert "'rules' in 100 %" in finding(advise(records, [100.0]), "first answers").evidence


def test_without_a_second_branch_there_is_no_race() -> None:
    dropped = [
        dataclasses.replace(
            race(number, 50.0),
            branch_launched_after_ms=(0.0, None),
            branch_latencies_ms=(50.0, None),
            branch_outcomes=("valid", "dropped"),
        )
        for number in range(500)
    ]
    first = finding(advise(dropped, [100.0] * 500), "first answers")
    assert first.says == "not applicable"
    assert (
        "500 races"
        in finding(
            advise([*dropped, *races([50.0] * 500)], [100.0] * 500), "first answers"
        ).evidence
    )


# Which records stand for all.


def test_records_kept_because_a_loser_was_faster_are_left_out() -> None:
    """They are all slow: counted in, they would turn the verdict."""
    picked = [race(number, 500.0, because="loser was faster") for number in range(500)]
    advice = advise([*races([50.0] * 500), *picked], [100.0] * 500)
    assert (advice.verdict, advice.records) == ("enable", 500)
    assert advice.remarks == ("left out: 500 of the records, kept because a loser was faster",)


def test_records_that_are_logged_twice_count_once() -> None:
    """As they are where a handler stands at a logger and at its parent."""
    records = races(sample(FAST, 500))
    once, twice = advise(records, [100.0] * 500), advise(records * 2, [100.0] * 500)
    assert twice.remarks == ("left out: 500 of the records, which stand there twice",)
    assert dataclasses.replace(twice, remarks=()) == once


def test_a_log_of_everything_is_taken_whole() -> None:
    rest = [
        race(number, 500.0, because=because)
        for number, because in enumerate([None, "loser was faster"] * 250)
    ]
    advice = advise([*races([50.0] * 500), *rest], [100.0] * 500)
    assert (advice.verdict, advice.records) == ("disable", 1000)


def test_requests_without_an_answer_count_as_endless() -> None:
    answered = races([50.0] * 900)
    rarely = advise([*answered, *map(failed, range(2))], [100.0] * 900)
    assert rarely.verdict == "enable"
    assert rarely.remarks == ("without an answer: 2 of the records, counted as endless",)
    often = advise([*answered, *map(failed, range(50))], [100.0] * 900)
    assert often.verdict == "disable"
    assert "no answer" in finding(often, "p99 improvement").evidence


def test_a_caller_that_left_says_nothing() -> None:
    left = dataclasses.replace(
        failed(0), branch_outcomes=("cancelled", "cancelled"), decided_after_ms=None
    )
    advice = advise([*races([50.0] * 500), left], [100.0] * 500)
    assert advice.records == 500
    assert advice.remarks == ("left out: 1 of the records, whose caller left before the decision",)


def test_control_may_be_records_of_another_policy() -> None:
    control = races([100.0] * 500, 1.0, "Sequential()")
    assert advise(races([50.0] * 500), control) == advise(races([50.0] * 500), [100.0] * 500)


def test_the_order_of_records_does_not_matter() -> None:
    records, control = races(sample(FAST, 500)), sample(FAST, 600)
    assert advise(records, control) == advise(reversed(records), reversed(control))


# Cost and memory.


def test_twice_the_cost_is_too_dear() -> None:
    records, control = races([50.0] * 500), [100.0] * 500
    dear = advise(records, control, costs={"llm": 1.0, "rules": 1.0}, control_cost=1.0)
    assert dear.verdict == "disable"
    assert "2 a request against 1: 2 times" in finding(dear, "cost").evidence
    fine = advise(records, control, costs={"llm": 1.0, "rules": 0.99}, control_cost=1.0)
    assert fine.verdict == "enable"
    waved = advise(records, control, costs={"llm": 1, "rules": 1}, control_cost=1, most_cost=2.5)
    assert waved.verdict == "enable"


def test_only_branches_that_were_launched_cost() -> None:
    costs = {"llm": 1.0, "rules": 5.0, "cache": 5.0}
    advice = advise(hedges(500), [100.0] * 500, costs=costs, control_cost=1.0)
    assert finding(advice, "cost").interval is not None
    assert "1 a request against 1: 1 times" in finding(advice, "cost").evidence


def test_records_of_control_say_what_they_cost() -> None:
    control = [
        dataclasses.replace(
            one,
            branch_launched_after_ms=(0.0, None),
            branch_latencies_ms=(100.0, None),
            branch_outcomes=("valid", "not launched"),
        )
        for one in races([100.0] * 500, 1.0, "Sequential()")
    ]
    advice = advise(races([50.0] * 500), control, costs={"llm": 2.0, "rules": 1.0})
    assert "3 a request against 2: 1.5 times" in finding(advice, "cost").evidence


@pytest.mark.parametrize("device, verdict", [(15.9, "disable"), (16.0, "enable")])
def test_memory_is_a_hard_stop(device: float, verdict: str) -> None:
    advice = advise(
        races([50.0] * 500), [100.0] * 500, memory={"llm": 12, "rules": 4}, device=device
    )
    assert advice.verdict == verdict
    assert "12 + 4 = 16" in advice.findings[0].evidence


def test_memory_stops_where_nothing_else_is_decided() -> None:
    advice = advise(races([50.0]), [100.0], memory={"llm": 12, "rules": 4}, device=8)
    assert (advice.verdict, advice.more_records) == ("disable", None)


# What no advice follows from.

OUT_OF_PLACE: list[tuple[dict[str, Any], str]] = [
    ({"percentile": 99}, "percentile=99 must be a part between 0 and 1"),
    ({"percentile": 1.0}, "percentile=1.0"),
    ({"percentile": math.nan}, "percentile=nan"),
    ({"confidence": 0}, "confidence=0"),
    ({"least_improvement": 15}, "least_improvement=15"),
    ({"most_wins": 0}, "most_wins=0"),
    ({"most_cost": 0}, "most_cost=0"),
    ({"costs": {"llm": 1.0}, "control_cost": 1}, "costs= lacks rules"),
    ({"costs": {"llm": 1, "rules": 1, "llama": 1}, "control_cost": 1}, "costs= names llama"),
    ({"costs": {"llm": 1, "rules": -1}, "control_cost": 1}, "costs= has -1 for rules"),
    ({"costs": {"llm": 1, "rules": 1}}, "costs= needs control_cost="),
    ({"costs": {"llm": 1, "rules": 1}, "control_cost": 0}, "control_cost=0"),
    ({"control_cost": 1}, "control_cost= needs costs="),
    ({"memory": {"llm": 1, "rules": 1}}, "memory= and device= need each other"),
    ({"device": 1}, "memory= and device= need each other"),
    ({"memory": {"llm": 1}, "device": 1}, "memory= lacks rules"),
    ({"memory": {"llm": 1, "rules": 1}, "device": math.nan}, "device=nan"),
]


@pytest.mark.parametrize("options, message", OUT_OF_PLACE)
def test_an_argument_that_makes_no_sense_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(AdviceError) as caught:
        advise(races([50.0] * 10), [100.0] * 10, **options)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "records, control, message",
    [
        ([], [1.0], "there are no records"),
        (races([1.0]), [], "control= is empty"),
        ([race(0, 1.0, because="loser was faster")], [1.0], "among 1 records there is none"),
        (races([1.0]), [race(0, 1.0, because="loser was faster")], "records of control"),
        (races([1.0]), [1.0, race(0, 1.0)], "both records and latencies"),
        (races([1.0]), [-1.0], "-1.0, which is no latency"),
        (races([1.0]), [math.nan], "nan, which is no latency"),
        (races([1.0]), [True], "True, which is no latency"),
        ([*races([1.0]), HEDGE], [1.0], "EagerRace() of llm, rules; Hedge(0.05) of llm"),
    ],
)
def test_groups_that_make_no_sense_are_named(
    records: list[Record], control: list[Record | float], message: str
) -> None:
    with pytest.raises(AdviceError) as caught:
        advise(records, control)
    assert message in str(caught.value)
    assert isinstance(caught.value, ValueError)


# What is shown.


def test_the_page_has_the_verdict_first_and_fits() -> None:
    page = two_exponentials(0.85, 300, percentile=0.95).render()
    lines = page.splitlines()
    assert lines[0] == (
        "EagerRace() of llm, rules: inconclusive (300 records, 300 of control, intervals of 95 %)"
    )
    assert max(map(len, lines)) <= 100
    assert len(lines) <= 25
    for word in ("p50 improvement", "p95 improvement", "(undecided)", "first answers", "needed: "):
        assert word in page


def test_a_page_says_nothing_of_what_was_not_asked() -> None:
    page = two_exponentials(0.6, 2000).render()
    assert "memory" not in page
    assert "cost" not in page
    assert "needed" not in page


def test_advice_as_plain_values_is_json() -> None:
    advice = advise(races([50.0] * 10), [100.0] * 10)
    said = json.loads(json.dumps(advice.to_json(), allow_nan=False))
    assert said["verdict"] == "inconclusive"
    assert [one["rule"] for one in said["findings"]] == [one.rule for one in advice.findings]
    assert said["findings"][1]["interval"]["low"] is None


def test_more_of_the_same_never_turns_a_clear_verdict() -> None:
    verdicts = [two_exponentials(0.6, n).verdict for n in (500, 2000, 8000, 32_000)]
    changes = [one for one, _ in itertools.groupby(verdicts)]
    assert changes in (["enable"], ["inconclusive", "enable"])
