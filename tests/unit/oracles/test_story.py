"""A story has the attempts, speculations and winners that a trace tells of."""

from spectest.oracles import Story
from tests.unit.oracles.trace_rows import race, trace_of


def test_a_race_that_was_told() -> None:
    story = Story(
        race((9, "rules", "invalid ''"), (20, "llm", "valid 'A'"), winner="llm", decided=20)
    )
    (speculation,) = story.speculations
    assert [(it.label, it.outcome, it.answer) for it in speculation.attempts] == [
        ("rules", "invalid", "''"),
        ("llm", "valid", "'A'"),
    ]
    assert speculation.winner is story.attempt("llm")
    assert story.winners == [speculation.winner]
    assert story.result == "'A'"
    assert story.over is not None
    assert (story.over.kind, story.over.subject) == ("end", "main")


def test_labels_give_the_names_of_branches() -> None:
    story = Story(
        trace_of(
            (0, "attempt", "llm (2)", "a"),
            (0, "attempt", "llm#2", "b", "service"),
            (0, "attempt", "a # b", "c"),
        )
    )
    assert [it.branch for it in story.attempts] == ["llm", "llm", "a # b"]
    assert [it.service for it in story.attempts] == [False, True, False]


def test_what_happens_in_an_attempts_task_or_below_it_belongs_to_the_attempt() -> None:
    trace = trace_of(
        (0, "task", "llm task", "main"),
        (0, "attempt", "llm", "llm task"),
        (1, "task", "inner", "llm task"),
        (2, "attempt", "db#1", "inner", "service"),
        (3, "effect", "db#1", "inner"),
        (4, "effect", "other", "main"),
        (5, "outcome", "llm", "llm task", "valid 'A'"),
        (6, "effect", "late", "llm task"),
        (7, "effect", "orphan", "inner"),
        (8, "complete", "sleep#1", "", "", 4),
    )
    story = Story(trace)
    llm, db = story.attempts
    assert db.inside is llm
    assert story.outermost(db) is llm
    assert story.branches == [llm]
    asked = [story.attempt_of(trace[number]) for number in (4, 5, 7, 9)]
    assert [it and it.label for it in asked] == ["db#1", None, None, "db#1"]


def test_without_a_decision_the_result_tells_the_winners() -> None:
    trace = trace_of(
        (0, "attempt", "a#1", "x", "service"),
        (0, "attempt", "b#1", "y", "service"),
        (9, "outcome", "a#1", "x", "valid 1"),
        (9, "outcome", "b#1", "y", "valid 1"),
        (9, "return", "main", ""),
        (9, "result", "a#1, b#1", "", "1"),
    )
    assert [it.label for it in Story(trace).winners] == ["a#1", "b#1"]


def test_the_end_of_a_job_is_the_end_of_what_its_thread_worked_on() -> None:
    trace = trace_of(
        (0, "job", "ask", "worker", "begins"),
        (9, "job", "ask", "worker", "returned"),
        (10, "end", "worker", "worker", "returned"),
    )
    story = Story(trace)
    ends = [story.end_of("worker", number) for number in (-1, 1, 2)]
    assert [it and it.number for it in ends] == [1, 2, None]
