"""On traces made by hand: who is held to account for which write, and what is said of it."""

from __future__ import annotations

import pytest

import spectest
from spectest import oracles
from spectest.kernel.trace import NOWHERE, SourceLine, Trace, TraceEvent
from spectest.oracles.isolation import CANCELLED, LATE, LOST, Isolation, isolation

LINE = SourceLine("app/race.py", 31, "ask")


class Tale:
    """A trace, event by event. Milliseconds go on by `at`."""

    def __init__(self) -> None:
        self.events: list[TraceEvent] = []
        self.ms = 0.0

    def add(
        self, kind: str, subject: str, task: str = "", detail: str = "", cause: int = -1
    ) -> int:
        number = len(self.events)
        where = LINE if kind == "write" else NOWHERE
        ns = round(self.ms * 1e6)
        self.events.append(TraceEvent(number, ns, kind, subject, task, cause, where, detail))
        return number

    def race(self, *names: str) -> Tale:
        """A speculation of the main task; each branch has a task of its name."""
        self.add("speculation", "speculation", "main", "by hand")
        for name in names:
            self.add("task", name, "main")
            self.add("attempt", name, name, "speculation")
        return self

    def write(self, task: str, path: str, detail: str, cause: int = -1) -> Tale:
        self.add("write", path, task, detail, cause)
        return self

    def ends(self, name: str, detail: str = "") -> Tale:
        self.add("outcome", name, name, detail or f"valid '{name}'")
        return self

    def decides(self, name: str) -> Tale:
        self.add("decision", "speculation", "main", name)
        return self

    def returns(self, whose: str = "", result: str = "1") -> Tale:
        self.add("return", "main")
        self.add("result", whose, "main", result)
        return self

    def at(self, ms: float) -> Tale:
        self.ms = ms
        return self


def found(tale: Tale, oracle: Isolation | None = None) -> list[str]:
    verdicts = oracles.judge(Trace(tale.events), oracle or isolation())
    return [it.finding for it in verdicts]


def test_the_writes_of_the_winner_and_of_the_pipeline_are_right() -> None:
    tale = Tale().race("a", "b").write("a", "x[0]", "absent -> 1").ends("a").decides("a")
    tale.write("main", "x[1]", "absent -> 2").ends("b", "cancelled").returns()
    tale.write("a", "x[2]", "absent -> 3").write("main", "x[3]", "absent -> 3")
    assert found(tale) == []


def test_a_loser_that_writes_before_the_decision_is_named_with_line_and_moment() -> None:
    tale = Tale().race("llm", "rules").at(31).write("llm", "audit[2]", "absent -> 'llm'")
    tale.write("llm", "cache['k']", "1 -> 2").at(35).ends("rules").decides("rules")
    tale.ends("llm", "cancelled").returns()
    (verdict,) = oracles.judge(Trace(tale.events), isolation())
    assert (verdict.oracle, verdict.finding) == ("isolation", LOST)
    assert verdict.where == LINE
    assert [tale.events[it].subject for it in verdict.events] == ["audit[2]", "cache['k']"]
    assert verdict.message == (
        "llm lost to rules, and it wrote audit[2]: absent -> 'llm' at race.py:31 in ask\n"
        "at 31 ms, 4 ms before the answer\n"
        "besides: cache['k']\n"
        "Return the value and write it after the decision, or stage the effect in the branch: "
        "spectest.patterns.stage(write, value)."
    )


@pytest.mark.parametrize("asked", ["cancel", "dismiss", "outcome"])
def test_a_write_after_a_loser_was_asked_to_go_is_another_finding(asked: str) -> None:
    tale = Tale().race("a", "b").ends("a").decides("a").at(5)
    if asked == "cancel":
        tale.add("cancel", "b", "main")
    elif asked == "dismiss":
        tale.add("dismiss", "b", "main")
    else:
        tale.add("task", "orphan", "b")
        tale.ends("b", "cancelled")
    tale.at(9).write("orphan" if asked == "outcome" else "b", "x", "1 -> 2").returns()
    (verdict,) = oracles.judge(Trace(tale.events), isolation())
    assert verdict.finding == CANCELLED
    assert "at 9 ms, 4 ms after b was asked to go, 9 ms after the answer" in verdict.message


def test_a_write_after_the_return_comes_first() -> None:
    tale = Tale().race("a", "b").write("b", "x", "1 -> 2").ends("a").decides("a").at(3).returns()
    tale.at(7).write("b", "y", "1 -> 2")
    assert found(tale) == [LATE, LOST]
    (late, _) = oracles.judge(Trace(tale.events), isolation())
    assert "at 7 ms, 7 ms after the answer" in late.message
    assert "wait for losers to be gone" in late.message


def test_if_nobody_wins_everybody_has_lost() -> None:
    tale = Tale().race("a", "b").write("a", "x", "1 -> 2")
    tale.ends("a", "raised ValueError: no").ends("b", "invalid None").returns()
    (verdict,) = oracles.judge(Trace(tale.events), isolation())
    assert verdict.message.startswith("a raised ValueError: no, and it wrote x: 1 -> 2")


def test_children_timers_and_jobs_of_a_loser_are_the_losers() -> None:
    tale = Tale().race("a", "b")
    tale.add("task", "child", "b")
    start = tale.add("start", "b timer#1", "b", "timer 10")
    job = tale.add("job", "work", "b", "submitted")
    tale.add("thread", "worker", "a")
    tale.add("job", "work", "worker", "begins", cause=job)
    tale.ends("a").decides("a").ends("b", "cancelled").returns()
    done = tale.add("complete", "b timer#1", cause=start)
    tale.write("", "timer", "1 -> 2", cause=done)
    tale.write("child", "child", "1 -> 2").write("worker", "worker", "1 -> 2")
    (verdict,) = oracles.judge(Trace(tale.events), isolation())
    assert [tale.events[it].subject for it in verdict.events] == ["timer", "child", "worker"]


def test_a_worker_that_a_loser_has_started_works_for_others_too() -> None:
    tale = Tale().race("a", "b")
    tale.add("thread", "worker", "b")
    tale.ends("a").decides("a").ends("b", "cancelled")
    job = tale.add("job", "work", "main", "submitted")
    tale.add("job", "work", "worker", "begins", cause=job)
    assert found(tale.write("worker", "x", "1 -> 2").returns()) == []


def test_a_callback_asked_for_in_the_step_in_which_the_branch_began_is_the_branchs() -> None:
    tale = Tale()
    tale.add("speculation", "speculation", "main")
    tale.add("task", "b", "main")
    step = tale.add("step", "b", "b")
    tale.add("attempt", "b", "b", "speculation")
    tale.ends("b", "cancelled")
    tale.add("end", "b")
    tale.write("", "x", "1 -> 2", cause=step)
    assert found(tale.decides("").returns()) == [CANCELLED]


def test_what_is_undone_was_not_done() -> None:
    tale = Tale().race("a", "b").write("b", "x", "1 -> 2").write("b", "x", "2 -> 3")
    tale.write("b", "x", "3 -> 1").ends("a").decides("a").returns()
    assert found(tale) == []
    assert found(tale.write("b", "x", "1 -> 5")) == [LATE]


def test_the_pipeline_may_undo_it_unless_it_undoes_everything() -> None:
    tale = Tale().race("a", "b").write("b", "db: row 1", "absent -> b")
    tale.write("a", "db: row 2", "absent -> a").ends("a").decides("a")
    tale.write("main", "db: row 1", "b -> absent")
    assert found(tale) == []
    assert found(tale.write("main", "db: row 2", "a -> absent").returns()) == [LOST]


def test_overwriting_is_not_undoing() -> None:
    tale = Tale().race("a", "b").write("b", "hits", "0 -> 1").write("a", "hits", "1 -> 2")
    assert found(tale.ends("a").decides("a").returns()) == [LOST]


def test_an_idempotent_write_counts_if_a_right_one_differs() -> None:
    tale = Tale().race("a", "b").write("b", "cache['k']", "absent -> 7").ends("a").decides("a")
    assert found(tale) == [LOST]
    assert found(tale, isolation(idempotent="cache")) == []
    assert found(tale, isolation(idempotent="cach")) == [LOST]
    tale.write("main", "cache['k']", "7 -> 8").returns()
    assert found(tale, isolation(idempotent=("cache",))) == [LOST]


def effects(*, told: bool, outcome: str, late: bool = False) -> Tale:
    tale = Tale()
    if told:
        tale.race("a", "b")
    tale.add("attempt", "db#1", "b" if told else "main", "service")
    if late:
        tale.returns()
    else:
        tale.add("outcome", "db#1", "main", outcome)
    tale.add("effect", "db#1", "", "writes, though cancelled")
    return tale


def test_effects_of_services_belong_to_the_branch_that_called() -> None:
    assert found(effects(told=True, outcome="valid 1").decides("b")) == []
    assert found(effects(told=True, outcome="valid 1").decides("a")) == [LOST]
    assert (
        found(effects(told=True, outcome="valid 1").decides("a"), isolation(idempotent="db")) == []
    )


def test_where_no_branch_is_told_only_a_call_that_was_given_up_has_lost() -> None:
    assert found(effects(told=False, outcome="valid 1")) == []
    assert found(effects(told=False, outcome="cancelled")) == [CANCELLED]
    assert found(effects(told=False, outcome="", late=True)) == [LATE]


def alone(outcome: str, *, result: str = "9", whose: str = "") -> Tale:
    """Branches without a speculation, as the decorator tells them."""
    tale = Tale()
    for name in ("a", "b"):
        tale.add("attempt", name, name)
    tale.write("b", "x", "1 -> 2")
    return tale.ends("a").ends("b", outcome).returns(whose, result)


def test_without_a_speculation_the_winner_is_whose_answer_is_returned() -> None:
    assert found(alone("valid 2", whose="a")) == [LOST]
    assert found(alone("valid 2", whose="b")) == []


def test_if_the_answer_is_nobodys_only_branches_without_a_valid_one_have_lost() -> None:
    assert found(alone("valid 2")) == []
    assert found(alone("valid None", result="None", whose="a")) == []
    for outcome in ("cancelled", "invalid 3", "timed out", "raised ValueError: no"):
        assert found(alone(outcome)) == [LOST]


def test_it_says_when_it_saw_nothing() -> None:
    assert "saw no branch" in isolation().blind(Trace([]))
    tale = Tale().race("a")
    assert "nothing to watch" in isolation().blind(Trace(tale.events))
    tale.add("watch", "audit")
    assert isolation().blind(Trace(tale.events)) == ""


def test_blindness_is_a_note_of_the_report() -> None:
    async def program() -> None:
        """Nothing to see."""

    report = spectest.explore(program, oracles="isolation", runs=2)
    assert report.failure is None
    assert [note for note in report.notes if note.startswith("isolation saw no branch")]


@pytest.mark.parametrize("value", [3, ("a", 3), "", [""]])
def test_idempotent_takes_names(value: object) -> None:
    with pytest.raises(spectest.UsageError, match="must be the name of something watched"):
        isolation(idempotent=value)  # type: ignore[arg-type]


def test_it_is_a_value() -> None:
    assert isolation(idempotent=["a"]) == isolation(idempotent="a") == Isolation(("a",))
    assert isinstance(isolation(), oracles.Oracle)
