"""Every tool is called the way its documentation says, with the same program.

Random exploration, with what a tool does beyond that (saving, shrinking) turned off where it says
how.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.small import PROGRAMS, Counter, Program

__all__ = ["CONTENDERS", "ONCE", "Contender", "Runner"]

Runner = Callable[[Program, int, int], object]


@dataclass(frozen=True)
class Contender:
    """`load` imports the tool and gives a function (program, executions, seed) that runs them.

    `explores`: whether it tries other orders than stock asyncio's.
    """

    load: Callable[[], Runner]
    explores: bool = True


def _spectest() -> Runner:
    from spectest import ambient
    from spectest.exploration.execution import execute
    from spectest.kernel.plan import Plan
    from spectest.strategies import by_name
    from spectest.strategies.base import Profile
    from spectest.threads.patching import installed
    from spectest.world import Limits

    limits, plan, profile = Limits(), Plan(), Profile()

    def run(program: Program, executions: int, seed: int) -> None:
        # What `explore` does, but that it stops when there is no other order left to try.
        strategy = by_name("random", seed)
        with ambient.lent(), installed():
            for execution in range(executions):
                strategy.begin(execution, profile)
                outcome = execute(program, plan, limits, chooser=strategy)
                strategy.end(outcome.contested)
                assert not outcome.failed, outcome.error

    return run


def _spectest_once() -> Runner:
    import spectest

    def run(program: Program, executions: int, seed: int) -> None:
        for _ in range(executions):
            spectest.run(program, seed=seed)

    return run


def _asyncio() -> Runner:
    def run(program: Program, executions: int, _seed: int) -> None:
        for _ in range(executions):
            asyncio.run(program())  # type: ignore[arg-type]

    return run


def _uvloop() -> Runner:
    import uvloop

    def run(program: Program, executions: int, _seed: int) -> None:
        for _ in range(executions):
            uvloop.run(program())

    return run


def _simloom() -> Runner:
    import simloom

    def run(program: Program, executions: int, seed: int) -> None:
        found = simloom.explore(
            program, runs=executions, start_seed=seed * executions, scheduler="random"
        )
        assert not found.failures

    return run


def _simloop() -> Runner:
    import simloop

    def run(program: Program, executions: int, seed: int) -> None:
        first = seed * executions
        assert simloop.explore(program, range(first, first + executions)) is None

    return run


def _detangle() -> Runner:
    import detangle

    def run(program: Program, executions: int, seed: int) -> None:
        found = detangle.explore(
            program, runs=executions, seed=seed, strategy="random", shrink=False, database=False
        )
        assert found.runs == executions, found

    return run


def _seedloop() -> Runner:
    import seedloop

    def run(program: Program, executions: int, seed: int) -> None:
        async def scenario(_: Any) -> None:
            await program()

        first = seed * executions
        seedloop.check(scenario, seeds=range(first, first + executions))

    return run


def _frontrun() -> Runner:
    import frontrun

    def run(program: Program, executions: int, seed: int) -> None:
        if program is not PROGRAMS["locked counter"]:
            raise TypeError("takes a state and tasks, not a program")
        found = asyncio.run(
            frontrun.explore_async_random(
                setup=Counter,
                tasks=[Counter.increase] * 3,
                invariant=lambda counter: counter.complete,
                max_attempts=executions,
                seed=seed,
            )
        )
        assert found.property_holds, found.failure_kind or found.inconclusive_reason

    return run


CONTENDERS = {
    "spectest": Contender(_spectest),
    "asyncio.run": Contender(_asyncio, explores=False),
    "uvloop": Contender(_uvloop, explores=False),
    "detangle": Contender(_detangle),
    "frontrun": Contender(_frontrun),
    "seedloop": Contender(_seedloop, explores=False),
    "simloom": Contender(_simloom),
    "simloop": Contender(_simloop),
}

ONCE = {
    "spectest": Contender(_spectest_once, explores=False),
    "asyncio.run": Contender(_asyncio, explores=False),
    "uvloop": Contender(_uvloop, explores=False),
}
"""For one long execution without choices."""
