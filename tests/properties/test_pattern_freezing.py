"""Freezing keeps values and shape, and thawing gives back what was frozen."""

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectest.patterns.freezing import freeze
from spectest.patterns.shields import FrozenInputError

keys = st.text(max_size=3) | st.integers() | st.tuples(st.integers(), st.booleans())
leaves = st.none() | st.integers() | st.text(max_size=5) | st.frozensets(st.integers())
values: st.SearchStrategy[Any] = st.recursive(
    leaves | st.sets(keys),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(keys, inner),
)


def changes(value: Any) -> list[Any]:
    """One way to change each mutable thing in a frozen value."""
    if isinstance(value, dict):
        return [value.clear, *(change for inner in value.values() for change in changes(inner))]
    if isinstance(value, list):
        return [value.clear, *(change for inner in value for change in changes(inner))]
    if isinstance(value, tuple):
        return [change for inner in value for change in changes(inner)]
    return [value.clear] if hasattr(value, "clear") else []


def kinds(value: Any) -> Any:
    """The classes in a value, at their places."""
    if isinstance(value, dict):
        return type(value), {key: kinds(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value), [kinds(inner) for inner in value]
    return type(value)


@given(values)
def test_a_frozen_value_is_equal_and_refuses_every_change(value: Any) -> None:
    frozen = freeze(value, "llm")
    assert frozen == value
    for change in changes(frozen):
        with pytest.raises(FrozenInputError, match="branch 'llm' tried to call clear"):
            change()
    assert frozen == value


@given(values)
def test_a_deep_copy_of_a_frozen_value_is_the_original_again(value: Any) -> None:
    thawed = copy.deepcopy(freeze(value, "llm"))
    assert thawed == value
    assert kinds(thawed) == kinds(value)


@given(values)
def test_a_pickled_frozen_value_is_equal_and_as_frozen(value: Any) -> None:
    frozen = freeze(value, "llm")
    arrived = pickle.loads(pickle.dumps(frozen))
    assert arrived == value
    assert kinds(arrived) == kinds(frozen)
    for change in changes(arrived):
        with pytest.raises(FrozenInputError, match="branch 'llm'"):
            change()


@given(st.lists(st.lists(st.integers()), min_size=1, max_size=4), st.data())
def test_what_is_shared_stays_shared(pool: list[list[int]], data: st.DataObject) -> None:
    picked = data.draw(st.lists(st.sampled_from(range(len(pool))), max_size=8))
    value = [pool[place] for place in picked]
    for made in (freeze(value, "llm"), copy.deepcopy(freeze(value, "llm"))):
        for one, first in enumerate(picked):
            for other, second in enumerate(picked):
                assert (made[one] is made[other]) == (first == second)
