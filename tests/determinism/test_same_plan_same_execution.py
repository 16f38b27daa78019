"""The same token gives the same trace and the same outcome, wherever it is executed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from spectest.exploration.execution import execute
from spectest.kernel.plan import Plan
from tests.determinism.elsewhere import REPOSITORY, VERSIONS, environment, interpreter
from tests.determinism.executions import LIMITS, Dice, explored, facts, replayed
from tests.determinism.programs import PROGRAMS, SAME_ON_ALL_VERSIONS, litter

PLANS = 110
ELSEWHERE = 12
OTHERS = [version for version in VERSIONS if not sys.version.startswith(version)]
pytestmark = pytest.mark.usefixtures("one_installation")


@pytest.mark.parametrize("name", PROGRAMS)
def test_in_one_process_with_garbage_in_between(name: str) -> None:
    program = PROGRAMS[name]
    seen = set()
    for seed in range(PLANS):
        token, first = explored(program, seed)
        litter(seed * 13 % 257)
        assert replayed(program, token) == first, token
        seen.add(first[0])
    assert len(seen) > 3, "all plans gave nearly the same execution; nothing was tested"


def test_the_programs_have_more_than_one_outcome() -> None:
    """Otherwise equal outcomes would prove little."""
    for name, program in PROGRAMS.items():
        endings = {explored(program, seed)[1][1] for seed in range(24)}
        assert len(endings) > 1, name


def answers_of(python: str, lines: list[str], hash_seed: str) -> list[list[str]]:
    finished = subprocess.run(
        [python, "-m", "tests.determinism.executions"],
        input="\n".join(lines),
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
        cwd=REPOSITORY,
        env=environment(hash_seed),
    )
    assert finished.returncode == 0, finished.stderr[-4000:]
    answers: list[list[str]] = json.loads(finished.stdout)
    return answers


def tokens(names: list[str]) -> tuple[list[str], list[list[str]]]:
    lines, answers = [], []
    for name in names:
        for seed in range(ELSEWHERE):
            token, answer = explored(PROGRAMS[name], seed)
            lines.append(f"{name} {token}")
            answers.append(answer)
    return lines, answers


@pytest.mark.parametrize("hash_seed", ["0", "1", "4294967295"])
def test_in_another_process_with_another_hash_seed(hash_seed: str) -> None:
    lines, answers = tokens(list(PROGRAMS))
    assert answers_of(sys.executable, lines, hash_seed) == answers


@pytest.mark.parametrize("version", OTHERS)
def test_on_another_version_of_python(version: str) -> None:
    lines, answers = tokens(list(SAME_ON_ALL_VERSIONS))
    assert answers_of(interpreter(version), lines, "random") == answers


def test_a_program_that_is_not_deterministic_is_noticed() -> None:
    """The comparison can fail: a counter outside of the program is enough."""
    calls: list[int] = []

    async def drifts() -> int:
        calls.append(1)
        return len(calls)

    token, first = explored(drifts, 1)
    assert replayed(drifts, token) != first


@pytest.mark.parametrize("winner", ["llm", "rules", "cache"])
def test_the_idiom_of_popping_a_set_gives_every_answer_under_ties(winner: str) -> None:
    program = PROGRAMS["first_of_a_set"]
    winners = {execute(program, Plan(), LIMITS, chooser=Dice(seed)).result for seed in range(60)}
    assert winner in winners


def test_recording_does_not_change_the_execution() -> None:
    for program in PROGRAMS.values():
        for seed in range(5):
            quiet = execute(program, Plan(seed=seed), LIMITS, chooser=Dice(seed))
            told = execute(program, Plan(seed=seed), LIMITS, chooser=Dice(seed), record=True)
            assert (quiet.plan, quiet.steps) == (told.plan, told.steps)
            assert facts(told)[1].startswith(f"{quiet.result!r} {quiet.error!r} {quiet.virtual_ns}")
