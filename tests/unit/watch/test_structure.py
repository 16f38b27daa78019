import dataclasses
import enum
from array import array
from collections import deque
from typing import Any

import pytest

from spectest.watch.structure import Structure, parts


class Slotted:
    __slots__ = ("left", "right")

    def __init__(self, left: object) -> None:
        self.left = left


@dataclasses.dataclass
class Cart:
    owner: str
    items: list[str] = dataclasses.field(default_factory=list)

    @property
    def total(self) -> int:
        raise AssertionError("a property is a call")

    def __eq__(self, other: object) -> bool:
        raise AssertionError("a comparison is a call")

    def __hash__(self) -> int:
        return 1

    def __repr__(self) -> str:
        raise AssertionError("a repr is a call")


class Colour(enum.Enum):
    RED = 1


def test_every_part_has_a_path() -> None:
    value = {"a": [1, {"b": None}], 2: (3, 4), "c": [(5, [6])]}
    assert parts("x", value) == {
        "x": "a dict",
        "x['a']": "a list",
        "x['a'][0]": "1",
        "x['a'][1]": "a dict",
        "x['a'][1]['b']": "None",
        "x[2]": "(3, 4)",
        "x['c']": "a list",
        "x['c'][0]": "a tuple",
        "x['c'][0][0]": "5",
        "x['c'][0][1]": "a list",
        "x['c'][0][1][0]": "6",
    }


def test_objects_are_read_and_not_called() -> None:
    assert parts("cart", Cart("ann", ["pear"])) == {
        "cart": "a Cart",
        "cart.items": "a list",
        "cart.items[0]": "'pear'",
        "cart.owner": "'ann'",
    }
    assert parts("it", Slotted(1)) == {"it": "a Slotted", "it.left": "1"}


def test_sets_have_no_order() -> None:
    assert parts("s", {"b", "a", Cart("x")}) == {
        "s": "a set",
        "s: 'a'": "present",
        "s: 'b'": "present",
        "s: a Cart": "present",
    }


def test_circles_end_where_they_began() -> None:
    circle: list[Any] = [1]
    circle.append(circle)
    assert parts("c", circle) == {"c": "a list", "c[0]": "1", "c[1]": "the same as c"}


def test_what_has_no_state_is_a_word() -> None:
    found = parts("x", [Colour.RED, len, Slotted, deque([1]), array("i", [1]), bytearray(b"a")])
    assert found["x[0]"] == "Colour.RED"
    assert found["x[1]"] == "<len>"
    assert found["x[2]"] == "<Slotted>"
    assert found["x[3][0]"] == "1"
    assert found["x[4]"] != parts("x", [0, 0, 0, 0, array("i", [2])])["x[4]"]
    assert found["x[5]"] == "bytearray b'a'"


def test_what_an_exception_holds_is_seen() -> None:
    assert parts("e", ValueError("no"))["e.args"] == "('no')"


def changed(value: Any, change: Any) -> bool:
    structure = Structure(lambda: {"x": value})
    assert structure.look() is not None
    assert structure.look() is None
    change(value)
    return structure.look() is not None


@pytest.mark.parametrize(
    "value, change",
    [
        ([1, 2], lambda it: it.append(3)),
        ([1, 2], lambda it: it.__setitem__(0, True)),
        ([[0], [1]], lambda it: it[1].clear()),
        ({"a": 1}, lambda it: it.update(a=2)),
        ({"a": 1}, lambda it: it.__setitem__("b", 1)),
        ({1}, lambda it: it.add(2)),
        (Cart("ann"), lambda it: it.items.append("fig")),
        (Slotted(1), lambda it: setattr(it, "right", 1)),
        (bytearray(b"ab"), lambda it: it.__setitem__(0, 0)),
        (array("i", [1]), lambda it: it.append(2)),
        (deque([1]), lambda it: it.rotate() or it.append(1)),
        ([Cart("ann")], lambda it: it.__setitem__(0, Slotted(1))),
    ],
)
def test_a_change_is_noticed(value: Any, change: Any) -> None:
    assert changed(value, change)


def test_an_equal_value_in_the_place_of_another_is_no_change() -> None:
    value = {"a": bytes([120, 121])}
    structure = Structure(lambda: {"x": value})
    before = structure.look()
    value["a"] = bytes([120, 121])
    assert structure.look() in (None, before)


def test_nothing_of_the_program_is_kept_alive() -> None:
    gone: list[str] = []

    class Mortal:
        def __del__(self) -> None:
            gone.append("gone")

    value = [Mortal()]
    structure = Structure(lambda: {"x": value})
    structure.look()
    value.clear()
    assert gone == ["gone"]
