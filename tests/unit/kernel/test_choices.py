from collections.abc import Sequence

import pytest

from spectest.errors import InternalError
from spectest.kernel.choices import Door
from spectest.kernel.plan import Hold, Plan


class Scripted:
    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[int, str, tuple[int, ...]]] = []

    def choose(self, n: int, label: str, chains: Sequence[int]) -> int:
        self.asked.append((n, label, tuple(chains)))
        return self.answers.pop(0)


def test_without_a_chooser_the_plan_answers_and_what_it_does_not_mention_is_stock() -> None:
    door = Door(Plan(picks={"x": 2}))
    assert door.choose(3, "x") == 2
    assert door.choose(3, "y") == 0
    assert door.decide(5, "next") == 0
    assert door.deviations() == Plan(picks={"x": 2})
    assert door.contested == 0


def test_a_pick_beyond_the_options_is_the_last_one_and_is_written_down_as_such() -> None:
    door = Door(Plan(picks={"x": 9}))
    assert door.choose(3, "x") == 2
    assert door.deviations().picks == {"x": 2}


def test_picks_of_the_plan_that_were_never_asked_for_are_not_written_down() -> None:
    door = Door(Plan(picks={"x": 2}, holds={"a#1": Hold(3)}))
    assert len(door.deviations()) == 0


def test_a_chooser_is_asked_and_its_answers_are_written_down() -> None:
    chooser = Scripted(2, 0)
    door = Door(Plan(order="any", seed=4), chooser)
    assert door.choose(3, "set order of task 1", kind="set") == 2
    assert door.choose(3, "y") == 0
    assert chooser.asked == [(3, "set", ()), (3, "y", ())]
    assert door.deviations() == Plan(picks={"set order of task 1": 2}, order="any", seed=4)
    assert door.contested == 2


def test_a_chooser_is_told_whose_option_is_whose() -> None:
    chooser = Scripted(1)
    door = Door(Plan(), chooser)
    assert door.decide(2, "next", (4, -1)) == 1
    assert chooser.asked == [(2, "next", (4, -1))]
    assert len(door.deviations()) == 0, "a decision is written down by who asked, as a hold"


@pytest.mark.parametrize("n", [0, 1])
def test_where_nothing_is_open_nobody_is_asked(n: int) -> None:
    chooser = Scripted()
    door = Door(Plan(picks={"x": 1}), chooser)
    seen: list[str] = []
    door.on_choice = lambda label, n, answer: seen.append(label)
    assert door.choose(n, "x") == door.decide(n, "next") == 0
    assert chooser.asked == []
    assert seen == []
    assert door.contested == 0


@pytest.mark.parametrize("answer", [-1, 3, 100])
def test_an_answer_out_of_range_is_our_own_error_and_says_who_gave_it(answer: int) -> None:
    for ask in (Door(Plan(), Scripted(answer)).choose, Door(Plan(), Scripted(answer)).decide):
        with pytest.raises(InternalError, match=rf"Scripted .* answered {answer} to 'x' of 3"):
            ask(3, "x")


def test_a_listener_hears_of_labelled_choices() -> None:
    door = Door(Plan(picks={"x": 1}))
    heard: list[tuple[str, int, int]] = []
    door.on_choice = lambda *choice: heard.append(choice)
    door.choose(2, "x")
    door.choose(2, "y")
    assert heard == [("x", 2, 1), ("y", 2, 0)]
