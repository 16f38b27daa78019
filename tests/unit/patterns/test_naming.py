import functools

import pytest

from spectest.patterns.naming import name_of, shown


class Caller:
    def __call__(self) -> None: ...

    def method(self) -> None: ...


@pytest.mark.parametrize(
    "function, name",
    [
        (len, "len"),
        (Caller, "Caller"),
        (Caller().method, "method"),
        (Caller(), "Caller"),
        (functools.partial(functools.partial(len), ()), "len"),
    ],
    ids=["function", "class", "method", "callable", "partial"],
)
def test_names_of_callables(function: object, name: str) -> None:
    assert name_of(function) == name


def test_what_is_shown_holds_no_address_and_is_short() -> None:
    assert shown("a") == "'a'"
    assert shown([object()]) == "[<object object>]"
    assert shown("x" * 100) == "'" + "x" * 56 + "..."
    assert len(shown("x" * 58)) == 60
