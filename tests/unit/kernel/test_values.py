import dataclasses
from typing import Any

import pytest

from spectest.kernel.values import shown


@dataclasses.dataclass
class Answer:
    text: str
    tags: set[str]
    secret: str = dataclasses.field(default="x", repr=False)


class Plain:
    pass


class Rude:
    def __repr__(self) -> str:
        raise ValueError("no")


@pytest.mark.parametrize(
    "value, text",
    [
        (None, "None"),
        (1.5, "1.5"),
        ("a", "'a'"),
        ([1, (2, 3)], "[1, (2, 3)]"),
        ({"b": 1, "a": {3, 1, 2}}, "{'a': {1, 2, 3}, 'b': 1}"),
        (frozenset({"y", "x"}), "{'x', 'y'}"),
        (Answer("t", {"b", "a"}), "Answer(text='t', tags={'a', 'b'})"),
        (Rude(), "<Rude, whose repr raises ValueError>"),
    ],
)
def test_the_text_of_a_value(value: Any, text: str) -> None:
    assert shown(value) == text


def test_addresses_are_left_out() -> None:
    assert shown(Plain()) == shown(Plain())
    assert "0x" not in shown([Plain(), lambda: None])


def test_long_values_that_differ_at_the_end_differ() -> None:
    one, other = shown("x" * 1000 + "a"), shown("x" * 1000 + "b")
    assert one != other
    assert len(one) == len(other) < 300


def test_a_circle_ends() -> None:
    circle: list[Any] = []
    circle.append(circle)
    assert shown(circle).endswith("...]" + "]" * 20)
