"""The text of the line tells what a frame calls the thing that it uses."""

import sys
import weakref
from typing import Any, Self

from spectest.source.expressions import name_in_source


class Thing:
    """Notes what its caller calls it."""

    def __init__(self) -> None:
        self.inner: Any = None
        self.heard: list[str] = []

    def get(self, *_: Any, **__: Any) -> None:
        self.heard.append(name_in_source(sys._getframe(1), "get"))

    def __enter__(self) -> Self:
        self.heard.append(name_in_source(sys._getframe(1), "__enter__"))
        return self

    def __exit__(self, *_: object) -> None:
        self.heard.append(name_in_source(sys._getframe(1), "__exit__"))


def test_a_call_of_a_variable_an_attribute_a_member() -> None:
    thing = Thing()
    thing.inner, things = thing, [thing]
    thing.get()
    thing.inner.get(timeout=1)
    things[0].get()
    assert thing.heard == ["thing", "thing.inner", "things[0]"]


def test_a_with_block_is_entered_and_left() -> None:
    thing = Thing()
    with thing:
        pass
    with thing as other:
        other.inner = None
    assert thing.heard == ["thing"] * 4


def test_what_is_no_name_has_none() -> None:
    thing = Thing()
    get = thing.get
    get()
    next(iter([thing])).get()
    assert thing.heard == ["", ""]


def test_a_long_name_is_none() -> None:
    a_thing_with_a_name_of_more_than_thirty_letters = Thing()
    a_thing_with_a_name_of_more_than_thirty_letters.get()
    assert a_thing_with_a_name_of_more_than_thirty_letters.heard == [""]


def test_code_without_a_file_has_no_text() -> None:
    thing = Thing()
    exec("thing.get()", {"thing": thing})
    assert thing.heard == [""]


def test_nothing_is_read_from_variables() -> None:
    """Before Python 3.13, a frame whose variables were read keeps what they were."""
    thing, other = Thing(), Thing()
    thing.get()
    gone = weakref.ref(other)
    del other
    assert gone() is None
