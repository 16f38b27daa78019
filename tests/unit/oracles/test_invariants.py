import pytest

from spectest import UsageError
from spectest.oracles import always, eventually, judge, leads_to, never
from tests.unit.oracles.trace_lines import findings, trace_of


def test_always_is_broken_once_by_a_fact_that_was_false() -> None:
    trace = trace_of(
        "0 fact ok = true", "10 fact ok = false @ transfer", "12 fact ok = true @ audit"
    )
    (verdict,) = judge(trace, always("ok"))
    assert verdict.finding == "was false"
    assert verdict.events == (1,)
    assert "from 10.000 ms, after a step of transfer\nuntil 12.000 ms" in verdict.message


def test_always_counts_the_first_time_it_is_asked() -> None:
    assert findings(trace_of("0 fact ok = false"), always("ok")) == ["was false"]


def test_never_is_the_other_way_round() -> None:
    assert findings(trace_of("0 fact two leaders = false"), never("two leaders")) == []
    trace = trace_of("0 fact two leaders = false", "5 fact two leaders = true")
    assert findings(trace, never("two leaders")) == ["was true"]


def test_a_fact_of_another_name_is_not_judged() -> None:
    trace = trace_of("0 fact not ok = false", "0 fact ok (a) = false", "0 fact ok = true")
    assert findings(trace, always("ok")) == []


def test_each_of_several_facts_of_one_name_is_judged_by_itself() -> None:
    trace = trace_of("0 fact ok = true", "0 fact ok (2) = false", "1 fact ok (3) = false")
    assert [it.events for it in judge(trace, always("ok"))] == [(1,), (2,)]


def test_eventually_asks_for_one_moment_only() -> None:
    trace = trace_of("0 fact done = false", "5 fact done = true", "6 fact done = false")
    assert findings(trace, eventually("done")) == []


def test_eventually_is_broken_if_it_was_never_true() -> None:
    trace = trace_of("0 fact done = false", "80 end main")
    (verdict,) = judge(trace, eventually("done"))
    assert verdict.finding == "never true"
    assert "80.000 ms" in verdict.message


def test_eventually_within_a_bound_includes_the_bound() -> None:
    trace = trace_of("0 fact done = false", "50 fact done = true")
    assert findings(trace, eventually("done", within=0.050)) == []
    assert findings(trace, eventually("done", within=0.049)) == ["too late"]


def test_eventually_misses_a_fact_that_only_stock_order_declares() -> None:
    reference = trace_of("0 fact done = true")
    assert findings(trace_of("0 end main"), eventually("done"), reference) == ["never true"]
    assert findings(trace_of("0 end main"), eventually("done")) == []


REQUESTED = ("0 fact asked = false", "0 fact answered = false", "10 fact asked = true @ client")


def test_a_cause_with_a_later_effect_is_fine() -> None:
    trace = trace_of(*REQUESTED, "30 fact answered = true")
    assert findings(trace, leads_to("asked", "answered")) == []
    assert findings(trace, leads_to("asked", "answered", within=0.020)) == []
    (verdict,) = judge(trace, leads_to("asked", "answered", within=0.019))
    assert verdict.finding == "too late"
    assert "20.000 ms later; allowed are 19.000 ms" in verdict.message


def test_a_cause_without_an_effect_is_found_also_if_it_is_over() -> None:
    trace = trace_of(*REQUESTED, "11 fact asked = false", "99 end main")
    (verdict,) = judge(trace, leads_to("asked", "answered"))
    assert verdict.finding == "never followed"
    assert "at 10.000 ms, after a step of client" in verdict.message


def test_an_effect_that_was_there_and_stays_is_enough() -> None:
    trace = trace_of("0 fact answered = true", "10 fact asked = true")
    assert findings(trace, leads_to("asked", "answered")) == []


def test_each_moment_of_the_cause_counts_also_the_last() -> None:
    trace = trace_of(*REQUESTED, "20 fact answered = true", "30 fact answered = false")
    assert findings(trace, leads_to("asked", "answered")) == ["never followed"]


def test_a_second_cause_needs_an_effect_of_its_own() -> None:
    trace = trace_of(
        *REQUESTED,
        "20 fact answered = true",
        "20 fact asked = false",
        "30 fact answered = false",
        "40 fact asked = true",
        "95 fact answered = true",
    )
    assert findings(trace, leads_to("asked", "answered")) == []
    assert findings(trace, leads_to("asked", "answered", within=0.050)) == ["too late"]


def test_what_one_look_finds_changed_changes_at_once() -> None:
    trace = trace_of(
        *REQUESTED,
        "20 step server",
        "20 fact answered = true",
        "30 step client",
        "30 fact answered = false",
        "30 fact asked = false",
    )
    assert findings(trace, leads_to("asked", "answered")) == []


def test_several_requests_are_matched_by_number() -> None:
    trace = trace_of(
        "0 fact asked = true",
        "0 fact answered = true",
        "5 fact asked (2) = true",
        "5 fact answered (2) = false",
    )
    assert [it.events for it in judge(trace, leads_to("asked", "answered"))] == [(2,)]


@pytest.mark.parametrize(
    "oracle", [always("ok"), never("ok"), eventually("ok"), leads_to("ok", "ok")], ids=str
)
def test_whoever_sees_no_fact_says_so(oracle: always) -> None:
    assert "watch.fact('ok', lambda: ...)" in oracle.blind(trace_of("0 fact other = true"))
    assert oracle.blind(trace_of("0 fact ok = true")) == ""


@pytest.mark.parametrize("within", [-1, float("nan"), True, "1"])
def test_a_bound_must_be_seconds(within: float) -> None:
    with pytest.raises(UsageError, match="within="):
        eventually("done", within=within)
    with pytest.raises(UsageError, match="within="):
        leads_to("a", "b", within=within)


def test_a_fact_must_have_a_name() -> None:
    with pytest.raises(UsageError, match="name of a fact"):
        always("")


def test_what_stays_wrong_is_not_blamed_on_those_in_between() -> None:
    trace = trace_of("0 fact refused = false", "7 fact refused = true @ handle")
    (verdict,) = judge(trace, never("refused"))
    assert "was true from 7.000 ms to the end, after a step of handle." in verdict.message
    assert "made it so for good" in verdict.message
    passing = trace_of("0 fact refused = true", "1 fact refused = false")
    (verdict,) = judge(passing, never("refused"))
    assert "must not be left to others in between" in verdict.message
