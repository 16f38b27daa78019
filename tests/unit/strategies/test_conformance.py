"""What holds for every strategy: range, determinism, and nobody else's dice."""

import os
import random
import subprocess
import sys

import pytest

from spectest.errors import UsageError
from spectest.strategies import NAMES, by_name
from spectest.strategies.base import Profile, Strategy

PROFILE = Profile(contested=9, chains={-1: 2, 1: 1, 2: 4})
QUESTIONS = [
    (3, "set", ()),
    (3, "next", (1, 1, 2)),
    (2, "join", (2, -1)),
    (5, "next", (2, 2, 7, -1, 7)),
    (2, "a label of its own", ()),
    (2, "join", (-1, 7)),
    (2, "join", (7, -1)),
    (4, "tie", (1, 2, 7, -1)),
    (2, "tie", (-1, -1)),
]


def transcript(strategy: Strategy, executions: int = 40) -> list[list[int]]:
    """The answers of so many executions that ask all questions three times."""
    lines = []
    for execution in range(1, executions + 1):
        strategy.begin(execution, PROFILE)
        line = [strategy.choose(*question) for _ in range(3) for question in QUESTIONS]
        strategy.end(len(line))
        lines.append(line)
    return lines


every = pytest.mark.parametrize("name", NAMES)


@every
def test_answers_are_options(name: str) -> None:
    for line in transcript(by_name(name, 1)):
        for answer, (n, _, _) in zip(line, QUESTIONS * 3, strict=True):
            assert type(answer) is int
            assert 0 <= answer < n


@every
def test_the_same_seed_gives_the_same_answers(name: str) -> None:
    assert transcript(by_name(name, 5)) == transcript(by_name(name, 5))


@every
def test_another_seed_gives_other_answers_unless_the_order_is_fixed(name: str) -> None:
    other = transcript(by_name(name, 5)) != transcript(by_name(name, 6))
    assert other == (name not in {"fifo", "dfs"})


@every
def test_the_dice_of_the_program_are_not_touched(name: str) -> None:
    random.seed(1)
    before = random.getstate()
    first = transcript(by_name(name, 5))
    assert random.getstate() == before
    random.seed(2)
    assert transcript(by_name(name, 5)) == first


@every
def test_executions_without_questions_are_survived(name: str) -> None:
    strategy = by_name(name, 1)
    for execution in (1, 2, 3):
        strategy.begin(execution, Profile())
        strategy.end(0)
    strategy.begin(4, Profile())
    assert strategy.choose(2, "next", (3, 4)) in {0, 1}


@every
def test_an_execution_that_broke_off_does_not_spoil_the_next(name: str) -> None:
    strategy = by_name(name, 1)
    strategy.begin(1, PROFILE)
    strategy.choose(*QUESTIONS[1])
    strategy.begin(2, PROFILE)
    assert len([strategy.choose(*question) for question in QUESTIONS]) == len(QUESTIONS)
    strategy.end(len(QUESTIONS))


@every
def test_the_name_is_what_was_asked_for(name: str) -> None:
    assert by_name(name, 0).name == name


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="use one of portfolio, dfs, fifo, holds"):
        by_name("magic", 0)


def test_hash_seeds_do_not_matter() -> None:
    program = (
        "from tests.unit.strategies.test_conformance import *\n"
        "print([transcript(by_name(name, 3), 12) for name in NAMES])"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1
