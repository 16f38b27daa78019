"""The errors travel between processes, and through `except*`."""

import pickle

import pytest

from spectest.patterns import (
    AllBranchesFailed,
    BranchCancelled,
    BranchDropped,
    BranchFailure,
    BranchNotLaunched,
    BranchTimeout,
    InvalidAnswer,
)

FAILURES = [
    InvalidAnswer("llm"),
    BranchTimeout("llm", 0.5),
    BranchDropped("llm"),
    BranchCancelled("llm"),
    BranchNotLaunched("llm"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda one: type(one).__name__)
def test_each_names_its_branch_and_can_be_pickled(failure: BranchFailure) -> None:
    again = pickle.loads(pickle.dumps(failure))
    assert type(again) is type(failure)
    assert str(again) == str(failure)
    assert str(failure).startswith("branch 'llm' ")
    assert vars(again) == vars(failure)


def test_their_messages_differ() -> None:
    assert len({str(failure) for failure in FAILURES}) == len(FAILURES)
    assert "0.5 s" in str(FAILURES[1])


def test_a_part_of_the_group_is_such_a_group() -> None:
    group = AllBranchesFailed("no branch has a valid answer", [ValueError("a"), *FAILURES])
    caught: list[BaseException] = []
    try:
        raise group
    except* ValueError as part:
        caught.append(part)
    except* BranchFailure as rest:
        caught.append(rest)
    assert [type(one) for one in caught] == [AllBranchesFailed, AllBranchesFailed]
    again = pickle.loads(pickle.dumps(group))
    assert [str(one) for one in again.exceptions] == [str(one) for one in group.exceptions]
