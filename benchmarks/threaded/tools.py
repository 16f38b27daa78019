"""Every tool that controls threads is called the way its documentation says, in its random mode.

What a tool does beyond exploring (saving, repeating, shrinking) is turned off where it says how.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.threaded.models import Model

__all__ = ["TOOLS", "Tool", "WrongVerdict"]


class WrongVerdict(Exception):
    """What the tool says of the program is not true, or nothing."""


class Runner(Protocol):
    """A tool, once it is imported."""

    def explore(self, model: Model, executions: int, seed: int) -> None:
        """Make so many executions of a program that is correct."""
        ...

    def first_hit(self, model: Model, seed: int, cut: int) -> int:
        """Number of the first execution that fails, from 1; cut + 1 if none of `cut` does."""
        ...


@dataclass(frozen=True)
class Tool:
    """`load` imports it. `under`: what its process must be started with. `seeded`: or else always
    the same.
    """

    load: Callable[[], Runner]
    under: tuple[str, ...] = ()
    seeded: bool = True


class Spectest:
    """What `explore` does, but that it stops when there is no other order left to try."""

    def __init__(self, strategy: str) -> None:
        from spectest.world import Limits

        self._strategy = strategy
        self._limits = Limits()

    def explore(self, model: Model, executions: int, seed: int) -> None:
        for _, error in self._executions(model, executions, seed):
            if error is not None:
                raise WrongVerdict(repr(error))

    def first_hit(self, model: Model, seed: int, cut: int) -> int:
        for number, error in self._executions(model, cut, seed):
            if error is not None:
                return number
        return cut + 1

    def _executions(
        self, model: Model, executions: int, seed: int
    ) -> Iterator[tuple[int, BaseException | None]]:
        """The executions after those in stock order, with what went wrong in them."""
        from spectest.exploration.execution import execute
        from spectest.kernel.plan import Plan
        from spectest.strategies import by_name
        from spectest.strategies.base import Profile

        plan, profile, strategy = Plan(), Profile(threads=True), by_name(self._strategy, seed)
        with exploring():
            for number in range(1, executions + 1):
                strategy.begin(number, profile)
                outcome = execute(model, plan, self._limits, chooser=strategy)
                strategy.end(outcome.contested)
                yield number, outcome.error


@contextmanager
def exploring() -> Iterator[None]:
    """What `explore` sets up once for all executions."""
    from spectest import ambient
    from spectest.threads.patching import installed

    with ambient.lent(), installed():
        yield


class InterleaveTest:
    """`interleave_test.explore`."""

    def __init__(self, strategy: str, granularity: str) -> None:
        import interleave_test

        self._explore = interleave_test.explore
        self._options = {"strategy": strategy, "granularity": granularity}

    def explore(self, model: Model, executions: int, seed: int) -> None:
        found = self._explore(
            model, iterations=executions, seed=seed, raise_on_failure=False, **self._options
        )
        if not found.ok:
            raise WrongVerdict(f"{found.failure.kind}: {found.failure.details}")

    def first_hit(self, model: Model, seed: int, cut: int) -> int:
        found = self._explore(
            model, iterations=cut, seed=seed, raise_on_failure=False, **self._options
        )
        if not found.ok and found.failure.kind == "hang":
            raise WrongVerdict(f"{found.failure.kind}: {found.failure.details}")
        return int(found.schedules_run) + found.ok


class Frontrun:
    """`frontrun.explore(strategy="random")`."""

    def __init__(self, strategy: str, clock: str) -> None:
        import frontrun

        self._explore = frontrun.explore
        self._options = {"strategy": strategy, "clock": clock, "reproduce_on_failure": 0}

    def _found(self, model: Model, executions: int, seed: int) -> tuple[bool, int]:
        options = self._options
        if options["strategy"] == "random":
            options = {**options, "seed": seed, "max_attempts": executions}
        else:
            options = {**options, "max_executions": executions}
        found = self._explore(
            setup=model.state, workers=list(model.parts), invariant=model.holds, **options
        )
        if found.property_holds is None:
            raise WrongVerdict(f"inconclusive: {found.inconclusive_reason}")
        return found.property_holds, found.num_explored

    def explore(self, model: Model, executions: int, seed: int) -> None:
        holds, explored = self._found(model, executions, seed)
        if not holds:
            raise WrongVerdict("a failure of a correct program")
        if explored != executions:
            raise WrongVerdict(f"{explored} executions instead of {executions}")

    def first_hit(self, model: Model, seed: int, cut: int) -> int:
        holds, explored = self._found(model, cut, seed)
        return cut + 1 if holds else explored


_FRONTRUN = (str(Path(sys.executable).parent / "frontrun"),)

TOOLS: dict[str, Tool] = {
    "spectest": Tool(lambda: Spectest("random")),
    "spectest, portfolio": Tool(lambda: Spectest("portfolio")),
    "interleave-test 0.1, opcode": Tool(lambda: InterleaveTest("random", "opcode")),
    "interleave-test 0.1, line": Tool(lambda: InterleaveTest("random", "line")),
    "interleave-test 0.1, pct": Tool(lambda: InterleaveTest("pct", "opcode")),
    "frontrun 0.7": Tool(lambda: Frontrun("random", "real"), under=_FRONTRUN),
    "frontrun 0.7, virtual clock": Tool(lambda: Frontrun("random", "virtual"), under=_FRONTRUN),
    "frontrun 0.7, dpor": Tool(lambda: Frontrun("dpor", "virtual"), under=_FRONTRUN, seeded=False),
}
