"""Executes plans and says what happened, in this process or as a program of its own.

`python -m tests.determinism.executions` runs on any Python without further packages. Lines of
`program token` come on standard input; the answer is a JSON list of [fingerprint, outcome].
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Sequence
from typing import Any

from spectest.exploration.execution import Outcome, execute
from spectest.kernel.plan import Plan
from spectest.kernel.token import decode, encode
from spectest.world import Limits

LIMITS = Limits(elasticity=0.5)


class Dice:
    """A chooser that rolls."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def choose(self, n: int, label: str, chains: Sequence[int]) -> int:
        return self.random.randrange(n)


def facts(outcome: Outcome) -> list[str]:
    """What must be the same whenever the same plan is executed."""
    assert outcome.trace is not None
    ending = f"{outcome.result!r} {outcome.error!r} {outcome.virtual_ns} {outcome.order_model}"
    return [outcome.trace.fingerprint, ending]


def explored(program: Callable[[], Any], seed: int) -> tuple[str, list[str]]:
    """The token of a random execution, and its facts."""
    plan = Plan(seed=seed, order=("strict", "ties", "ties", "any")[seed % 4])
    outcome = execute(program, plan, LIMITS, chooser=Dice(seed), record=True)
    return encode(outcome.plan), facts(outcome)


def replayed(program: Callable[[], Any], token: str) -> list[str]:
    return facts(execute(program, decode(token), LIMITS, record=True))


if __name__ == "__main__":
    from tests.determinism.programs import PROGRAMS

    answers = []
    for line in sys.stdin.read().splitlines():
        name, token = line.split()
        answers.append(replayed(PROGRAMS[name], token))
    print(json.dumps(answers))
