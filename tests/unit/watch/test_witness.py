from spectest.kernel.trace import NOWHERE, Trace, TraceEvent
from spectest.oracles import Story
from spectest.watch.witness import Witness


class Told:
    def __init__(self) -> None:
        self.events: list[TraceEvent] = []
        self.witness = Witness(self.emit)

    def emit(self, kind: str, subject: str, detail: str) -> None:
        number = len(self.events)
        self.events.append(TraceEvent(number, 0, kind, subject, "main", -1, NOWHERE, detail))

    def lines(self) -> list[str]:
        return [f"{it.kind} {it.subject} = {it.detail}" for it in self.events]


def test_an_attempt_that_was_never_launched_is_in_the_story() -> None:
    told, race, attempt = Told(), object(), object()
    told.witness.hear({"kind": "speculation", "speculation": race})
    step = {"attempt": attempt, "branch": "llm", "speculation": race, "value": None}
    told.witness.hear({"kind": "outcome", "detail": "dropped", **step})
    story = Story(Trace(told.events))
    (dropped,) = story.speculations[0].attempts
    assert (dropped.branch, dropped.outcome, dropped.worked) == ("llm", "dropped", False)


def test_an_outcome_of_nobody_is_not_told() -> None:
    told = Told()
    told.witness.hear({"kind": "outcome", "attempt": object(), "detail": "valid"})
    assert told.lines() == []


def test_only_an_answer_has_a_text() -> None:
    told, attempt = Told(), object()
    told.witness.hear({"kind": "attempt", "attempt": attempt, "branch": "llm"})
    for detail in ("valid", "invalid", "cancelled", "raised ValueError: no"):
        told.witness.hear({"kind": "outcome", "attempt": attempt, "detail": detail, "value": None})
    assert told.lines()[1:] == [
        "outcome llm = valid None",
        "outcome llm = invalid None",
        "outcome llm = cancelled",
        "outcome llm = raised ValueError: no",
    ]
    assert told.witness.returned(None)[0] == "llm"


def test_what_failed_has_not_answered() -> None:
    told, attempt = Told(), object()
    told.witness.hear({"kind": "attempt", "attempt": attempt, "branch": "llm"})
    told.witness.hear({"kind": "outcome", "attempt": attempt, "detail": "cancelled", "value": None})
    assert told.witness.returned(None)[0] == ""


def test_a_staged_effect_is_told_apart_by_its_object() -> None:
    told, attempt, effect, other = Told(), object(), object(), object()
    told.witness.hear({"kind": "attempt", "attempt": attempt, "branch": "llm"})
    commit = {"kind": "commit", "attempt": attempt, "detail": "insert_row"}
    told.witness.hear(commit)
    for one in (effect, other, effect):
        told.witness.hear({**commit, "effect": one})
    assert told.lines()[1:] == [
        "commit llm = insert_row",
        "commit llm = insert_row#1",
        "commit llm = insert_row#2",
        "commit llm = insert_row#1",
    ]
