"""`tie_breaking` on traces made by hand: what it compares, and what it leaves alone."""

import asyncio
import json

import pytest

import spectest
from spectest.errors import UsageError
from spectest.kernel.trace import Trace
from spectest.oracles import cancellation, judge, tie_breaking
from tests.unit.oracles.trace_rows import findings, race, trace_of

STOCK = race((20, "llm", "valid 'A'"), (20, "rules", "cancelled"), winner="llm", decided=20)
OTHER = race((15, "rules", "valid 'B'"), (15, "llm", "cancelled"), winner="rules", decided=15)


def found(trace: Trace, reference: Trace | None = STOCK, **options: object) -> list[str]:
    return findings(judge(trace, tie_breaking(**options), reference=reference))  # type: ignore[arg-type]


# The winner.


def test_another_winner_is_found_though_each_was_cut_off_in_the_other() -> None:
    (verdict,) = judge(OTHER, tie_breaking(), reference=STOCK)
    first, here, stock, remedy = verdict.message.splitlines()
    assert verdict.finding == "another winner"
    assert first == "`rules` won with 'B', in stock order `llm` won with 'A'"
    assert here == "here: `rules` was valid at 15 ms; `llm` was cancelled at 15 ms"
    assert stock == "stock order: `llm` was valid at 20 ms; `rules` was cancelled at 20 ms"
    assert "rank the branches" in remedy
    assert {OTHER[number].kind for number in verdict.events} == {"outcome", "decision"}


def test_nothing_is_compared_without_a_reference() -> None:
    assert found(OTHER, None) == []


def test_the_same_winner_at_other_times_is_no_finding() -> None:
    again = race((10, "rules", "valid 'B'"), (40, "llm", "valid 'A'"), winner="llm", decided=40)
    assert found(again) == []


@pytest.mark.parametrize("how", ["raised ValueError: no", "timed out", "invalid ''", "dropped"])
def test_who_has_failed_here_may_have_won_in_stock_order(how: str) -> None:
    fallback = race((30, "llm", how), (40, "rules", "valid 'B'"), winner="rules", decided=40)
    assert found(fallback) == []
    assert found(fallback, strict=True) == ["another winner"]


def test_a_branch_that_nobody_waited_for_excuses_nothing() -> None:
    late = race((15, "rules", "valid 'B'"), (50, "llm", "valid 'A'"), winner="rules", decided=15)
    assert found(late) == ["another winner"]


def test_interchangeable_branches_are_compared_by_value() -> None:
    assert found(OTHER, compare=("value", "record")) == ["another value"]
    same = race((15, "rules", "valid 'A'"), (15, "llm", "cancelled"), winner="rules", decided=15)
    assert found(same, compare="value") == []


def test_names_restrict_who_competes() -> None:
    trace = race(
        (5, "audit", "valid 'x'"), (20, "llm", "invalid ''"), winner="llm", decided=20, result="''"
    )
    assert found(trace, None) == ["an invalid answer won"]
    assert found(trace, None, branches="llm") == []


# The value, and what the services answered.


def test_another_value_of_the_same_winner_is_found() -> None:
    trace = race((20, "llm", "valid 'C'"), (20, "rules", "cancelled"), winner="llm", decided=20)
    assert found(trace) == ["another value"]
    assert found(trace, compare="winner") == []


def called(answer: str, result: str) -> Trace:
    return trace_of(
        (0, "attempt", "llm#1", "task", "service"),
        (9, "outcome", "llm#1", "task", f"valid {answer}"),
        (9, "end", "main", "", "returned"),
        (9, "return", "main", ""),
        (9, "result", "", "", result),
    )


def test_what_a_service_answers_is_not_the_pipelines_fault() -> None:
    assert found(called("'A'", "['A']"), called("'B'", "['B']")) == []
    assert found(called("'A'", "['A', 1]"), called("'A'", "['A', 2]")) == ["another value"]


def test_a_program_that_returns_nothing_says_nothing() -> None:
    trace = called("None", "None")
    assert found(trace, called("None", "'x'")) == []
    assert tie_breaking().blind(trace).startswith("tie_breaking saw no winner")


def test_an_execution_without_a_result_is_not_judged() -> None:
    stopped = Trace([event for event in OTHER if event.kind != "result"])
    assert found(stopped) == []


# One trace.


@pytest.mark.parametrize(
    "how, finding",
    [
        ("invalid ''", "an invalid answer won"),
        ("raised ValueError: no", "an error won"),
        ("timed out", "an error won"),
    ],
)
def test_what_is_not_valid_does_not_beat_what_is(how: str, finding: str) -> None:
    trace = race((20, "rules", how), (20, "llm", "valid 'A'"), winner="rules", decided=20)
    assert found(trace, None) == [finding]
    alone = race((20, "rules", how), (30, "llm", "valid 'A'"), winner="rules", decided=20)
    assert found(alone, None) == []


def test_nobody_wins_only_if_nobody_was_valid() -> None:
    trace = race((10, "llm", "valid 'A'"), (20, "rules", "timed out"), winner="", decided=20)
    assert found(trace, None) == ["nobody won"]
    all_failed = race((10, "llm", "timed out"), (20, "rules", "timed out"), winner="", decided=20)
    assert found(all_failed, None) == []


def returned(result: str, outcome: str, began: float = 0) -> Trace:
    return trace_of(
        (0, "attempt", "good#1", "one", "service"),
        (0, "attempt", "bad#1", "two", "service") if not began else (0, "step", "main", "main"),
        (9, "outcome", "good#1", "one", "valid 'A'"),
        (9, "attempt", "bad#1", "two", "service") if began else (9, "step", "main", "main"),
        (9, "outcome", "bad#1", "two", outcome),
        (9, "end", "main", "", "returned"),
        (9, "return", "main", ""),
        (9, "result", "bad#1" if "invalid" in outcome else "", "", result),
    )


def test_without_a_decision_the_result_says_who_has_won() -> None:
    assert found(returned("''", "invalid ''"), None) == ["an invalid answer won"]
    assert found(returned("OSError('gone')", "raised OSError: gone"), None) == ["an error won"]


def test_who_was_asked_later_is_no_competitor() -> None:
    assert found(returned("''", "invalid ''", began=9), None) == []


# Deadlines.


def by_deadline(*, kind: str, opened: bool, length: float) -> Trace:
    """`llm` is late for a timer that began at 0, or when `rules` answered."""
    begins = 10 if opened else 0
    timer = (begins, "start", "main timeout#1", "main", f"{kind} {length:.6f}", 3 if opened else -1)
    return trace_of(
        (0, "attempt", "llm#1", "llm", "service"),
        (0, "attempt", "rules#1", "rules", "service"),
        (0, "start", "rules#1", "rules", "call 20.000000"),
        (10, "complete", "rules#1", "", "", 2),
        timer,
        (10, "outcome", "rules#1", "rules", "valid 'B'", 3),
        (30, "complete", "main timeout#1", "", "", 4),
        (30, "cancel", "llm", "main", "", 6),
        (30, "outcome", "llm#1", "llm", "cancelled", 7),
        (30, "end", "main", "", "returned", 6),
        (30, "return", "main", ""),
        (30, "result", "rules#1", "", "'B'"),
    )


IN_TIME = trace_of(
    (0, "attempt", "llm#1", "llm", "service"),
    (5, "start", "main timeout#1", "main", "timer 20.000000"),
    (9, "outcome", "llm#1", "llm", "valid 'A'"),
    (9, "end", "main", "", "returned"),
    (9, "return", "main", ""),
    (9, "result", "llm#1", "", "'A'"),
)


@pytest.mark.parametrize("kind", ["timer", "sleep"])
def test_who_misses_a_deadline_was_not_valid(kind: str) -> None:
    assert found(by_deadline(kind=kind, opened=False, length=30), IN_TIME) == []


def test_who_misses_a_window_was_cut_off_by_a_competitor() -> None:
    assert found(by_deadline(kind="timer", opened=True, length=20), IN_TIME) == ["another winner"]


def test_a_deadline_that_is_set_anew_is_no_window() -> None:
    assert found(by_deadline(kind="timer", opened=True, length=25), IN_TIME) == []


# Records.


def recorded(**fields: object) -> Trace:
    ends = (20, "llm", "valid 'A'"), (20, "rules", "cancelled")
    return race(*ends, winner="llm", decided=20, record=json.dumps(fields))


def test_times_may_differ_in_a_record_and_facts_may_not() -> None:
    usual = recorded(decided_after_ms=20, winning_branch_index=0, limiter={"dropped": []})
    assert found(recorded(decided_after_ms=9, winning_branch_index=0), usual) == []
    (verdict,) = judge(recorded(winning_branch_index=1), tie_breaking(), reference=usual)
    assert verdict.finding == "another record"
    assert "the record's `winning_branch_index` is 1, in stock order 0" in verdict.message
    assert found(recorded(winning_branch_index=1), usual, ignore="winning_branch_index") == []


def test_validities_are_compared_where_both_know_them() -> None:
    def of(*valid: bool | None) -> Trace:
        return recorded(branch_validities=list(valid))

    assert found(of(True, None), of(True, False)) == []
    assert found(of(True, True), of(True, False)) == ["another record"]


# Settings.


def test_what_means_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="compare='winners' is none of winner, value, record"):
        tie_breaking(compare="winners")


def test_it_says_when_it_sees_nothing() -> None:
    assert tie_breaking().blind(OTHER) == ""
    assert (
        tie_breaking()
        .blind(trace_of((0, "return", "main", "")))
        .startswith("tie_breaking saw no branch")
    )


def test_a_saved_trace_is_judged_alike() -> None:
    loaded, reference = (Trace.from_json(trace.to_json()) for trace in (OTHER, STOCK))
    verdicts = judge(loaded, tie_breaking(), reference=reference)
    assert verdicts == judge(OTHER, tie_breaking(), reference=STOCK)
    assert verdicts


def test_a_threads_answer_after_the_deadline_is_no_valid_one() -> None:
    def late(answered: float) -> Trace:
        return trace_of(
            (0, "thread", "llm", "main"),
            (0, "attempt", "llm#1", "llm", "service"),
            (0, "attempt", "rules#1", "rules", "service"),
            (0, "start", "main timeout#1", "main", "timer 20.000000"),
            (20, "complete", "main timeout#1", "", "", 3),
            (answered, "outcome", "llm#1", "llm", "valid 'A'"),
            (30, "outcome", "rules#1", "rules", "valid 'B'"),
            (30, "end", "main", "", "returned"),
            (30, "return", "main", ""),
            (30, "result", "rules#1", "", "'B'"),
        )

    assert found(late(20), IN_TIME) == []
    assert found(late(19), IN_TIME) == ["another winner"]


def test_a_clean_report_says_that_nothing_was_seen() -> None:
    async def main() -> None:
        await asyncio.sleep(0.01)

    report = spectest.explore(main, oracles=[tie_breaking(), cancellation()], runs=10)
    assert [note.partition(":")[0] for note in report.notes] == [
        "tie_breaking saw no branch",
        "cancellation saw no branch",
    ]
