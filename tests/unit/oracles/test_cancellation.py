"""`cancellation` on traces made by hand: what it allows, and what it does not."""

import asyncio

import pytest

import spectest
from spectest.errors import OracleViolation, UsageError
from spectest.kernel.trace import Trace
from spectest.oracles import cancellation, judge
from tests.unit.oracles.trace_rows import Row, findings, race, trace_of

OUTLIVED, SWALLOWED = "a loser outlived the grace", "a loser swallowed its cancellation"
HANDLE, ORPHAN = "a dead handle", "a branch outlived its caller"
WAITED = "the answer waited for a loser"


def found(trace: Trace, grace: float = 0.0, **options: str) -> list[str]:
    return findings(judge(trace, cancellation(grace, **options)))


# The grace.


@pytest.mark.parametrize("how", ["cancelled", "valid 'B'", "raised OSError: gone"])
def test_a_loser_may_stay_as_long_as_the_grace(how: str) -> None:
    trace = race((20, "llm", "valid 'A'"), (45, "rules", how), winner="llm", decided=20)
    assert found(trace) == [OUTLIVED]
    assert found(trace, 0.0249) == []
    assert found(trace, 0.0248) == [OUTLIVED]


def test_a_loser_that_never_ends_outlives_every_grace() -> None:
    trace = race((20, "llm", "valid 'A'"), (45, "rules", "cancelled"), winner="llm", decided=20)
    endless = Trace([event for event in trace if event.time_ns < 45e6])
    (verdict,) = judge(endless, cancellation(1e6))
    assert verdict.message.splitlines() == [
        "`rules` lost to `llm` and never ended",
        "at the decision, at 20 ms, it was at work; the grace is 1e+09 ms",
        "Cancel the losers and await them, for as long as the grace allows.",
    ]


def test_who_was_not_launched_has_nothing_to_end() -> None:
    rows = (20, "llm", "valid 'A'"), (90, "rules", "not launched"), (90, "cache", "dropped")
    assert found(race(*rows, winner="llm", decided=20)) == []


def test_names_restrict_who_is_judged() -> None:
    rows = (20, "llm", "valid 'A'"), (45, "audit", "valid 'x'")
    assert found(race(*rows, winner="llm", decided=20), branches="rules") == []


def test_a_loser_in_a_thread_gets_advice_that_it_can_follow() -> None:
    trace = race((20, "llm", "valid 'A'"), (45, "rules", "valid 'B'"), winner="llm", decided=20)
    born = trace_of((0, "thread", "rules task", "main"), *_rows(trace))
    (verdict,) = judge(born, cancellation())
    assert verdict.finding == OUTLIVED
    assert verdict.message.splitlines()[-1].startswith("A thread cannot be cancelled")


def _rows(trace: Trace) -> list[Row]:
    return [(e.time_ns / 1e6, e.kind, e.subject, e.task, e.detail, -1) for e in trace]


# Swallowing.


def cancelled(at: float, *then: Row, **started: float) -> Trace:
    """The task of the branch `rules` is cancelled by main; the branch has started `wait#1`."""
    return trace_of(
        (0, "task", "rules task", "main"),
        (0, "attempt", "rules", "rules task"),
        (0, "start", "wait#1", "rules task", "call 90.000000"),
        *(((started["answered"], "complete", "wait#1", "", "", 2),) if started else ()),
        (at, "cancel", "rules task", "main"),
        *then,
        (at, "end", "main", "", "returned"),
        (at, "return", "main", ""),
    )


@pytest.mark.parametrize("how", ["valid 'B'", "invalid ''", "raised OSError: gone"])
def test_who_is_cancelled_ends_as_cancelled(how: str) -> None:
    assert found(cancelled(20, (20, "outcome", "rules", "rules task", how))) == [SWALLOWED]
    assert found(cancelled(20, (20, "outcome", "rules", "rules task", "cancelled"))) == []


def test_who_had_his_answer_when_he_was_cancelled_has_swallowed_nothing() -> None:
    valid = (20, "outcome", "rules", "rules task", "valid 'B'")
    assert found(cancelled(20, valid, answered=20)) == []
    assert found(cancelled(20, valid, answered=10)) == [SWALLOWED]


def test_a_timeout_of_the_branchs_own_is_not_swallowed() -> None:
    trace = trace_of(
        (0, "task", "rules task", "main"),
        (0, "attempt", "rules", "rules task"),
        (0, "start", "rules timeout#1", "rules task", "timer 20.000000"),
        (20, "complete", "rules timeout#1", "", "", 2),
        (20, "cancel", "rules task", "", "", 3),
        (20, "outcome", "rules", "rules task", "raised TimeoutError: "),
    )
    assert found(trace) == []


# Handles.


def given_up(*released: Row) -> Trace:
    return trace_of(
        (0, "attempt", "rules#1", "rules task", "service"),
        (20, "outcome", "rules#1", "rules task", "cancelled"),
        *released,
        (20, "return", "main", ""),
    )


def test_a_service_may_work_on_as_long_as_the_grace() -> None:
    late = given_up((50, "released", "rules#1", ""))
    assert found(given_up((20, "released", "rules#1", ""))) == []
    assert found(late) == [HANDLE]
    assert found(late, 0.030) == []
    assert found(given_up(), 1e6) == [HANDLE]


# Callers.


def caller_leaves(launched_before: bool, *, timer: bool) -> Trace:
    launch: list[Row] = [
        (1, "task", "rules task", "request"),
        (1, "attempt", "rules", "rules task"),
    ]
    begins = (1, "start", "request timeout#1", "request", "timer 20.000000")
    rows = [*launch, begins] if launched_before else [begins, *launch]
    expires = rows.index(begins) + 1
    return trace_of(
        (0, "task", "request", "main"),
        *rows,
        (21, "complete", "request timeout#1", "", "", expires),
        (21, "cancel", "request", "", "", 4 if timer else -1),
        (60, "outcome", "rules", "rules task", "valid 'B'"),
        (60, "return", "main", ""),
    )


def test_a_cancellation_of_the_caller_reaches_its_branches() -> None:
    assert found(caller_leaves(True, timer=False)) == [ORPHAN]
    assert found(caller_leaves(True, timer=False), 0.039) == []


def test_a_timeout_concerns_what_was_launched_inside_of_it() -> None:
    assert found(caller_leaves(False, timer=True)) == [ORPHAN]
    assert found(caller_leaves(True, timer=True)) == []


# The answer.


def answered(*, told: bool, asked: bool, by: str) -> Trace:
    """Main goes on at 50 ms, after what `by` had started, and the answer was there at 20 ms."""
    decision = (20, "decision", "race", "main", "llm") if told else (20, "step", "main", "main")
    return trace_of(
        (0, "speculation" if told else "step", "race", "main"),
        (0, "attempt", "llm", "llm task", "race" if told else ""),
        (0, "attempt", "rules", "rules task", "race" if told else ""),
        (0, "start", "rules#1", by, "call 50.000000"),
        (20, "outcome", "llm", "llm task", "valid 'A'"),
        decision,
        (20, "cancel", "rules task", "main") if asked else (20, "step", "main", "main"),
        (50, "complete", "rules#1", "", "", 3),
        (50, "outcome", "rules", "rules task", "cancelled", 7),
        (50, "end", "main", "", "returned", 7),
        (50, "return", "main", ""),
        (50, "result", "llm", "", "'A'"),
    )


def test_the_answer_does_not_wait_for_a_loser() -> None:
    assert found(answered(told=False, asked=True, by="rules task")) == [WAITED]
    assert found(answered(told=True, asked=False, by="rules task"), 1) == [WAITED]


def test_who_waits_for_everybody_has_not_decided_yet() -> None:
    assert found(answered(told=False, asked=False, by="rules task")) == []


def test_who_waits_for_something_else_does_not_wait_for_a_loser() -> None:
    assert found(answered(told=True, asked=True, by="main"), 1) == []


# Settings, and whole programs.


@pytest.mark.parametrize("grace", [-1, float("inf"), float("nan"), True, "1"])
def test_a_grace_is_a_number_of_seconds(grace: object) -> None:
    with pytest.raises(UsageError, match="must be a number of seconds"):
        cancellation(grace)  # type: ignore[arg-type]


def test_it_says_when_it_sees_nothing() -> None:
    nothing = trace_of((0, "return", "main", ""))
    assert cancellation().blind(nothing).startswith("cancellation saw no branch")
    assert cancellation().blind(given_up()) == ""


def test_a_saved_trace_is_judged_alike() -> None:
    trace = race((20, "llm", "valid 'A'"), (45, "rules", "cancelled"), winner="llm", decided=20)
    verdicts = judge(Trace.from_json(trace.to_json()), cancellation())
    assert verdicts
    assert verdicts == judge(trace, cancellation())


def test_a_sweep_is_judged_too() -> None:
    service = spectest.FakeService("llm", latency=0.050)

    async def main() -> None:
        await asyncio.wait([asyncio.create_task(service())])

    sweep = spectest.sweep(main, oracles=cancellation())
    errors = [it.error for it in sweep.points if it.outcome == "failed"]
    assert errors
    assert {it.finding for it in errors if isinstance(it, OracleViolation)} == {ORPHAN}
