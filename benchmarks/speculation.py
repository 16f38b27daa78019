"""What `speculate` costs beside a bare `asyncio.wait` race of the same branches.

python -m benchmarks speculation
"""

from __future__ import annotations

import asyncio
import io
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from spectest.patterns import Branch, FirstValid, settled, speculate, stage

__all__ = ["main"]

ROUNDS, CALLS = 15, 400
REQUEST = {"user": {"id": 7, "name": "Ann"}, "amount": 12.5, "items": list(range(20))}

Call = Callable[[Any], Awaitable[str]]


def quick(inputs: Any) -> Awaitable[str]:  # noqa: ARG001
    """A branch that answers after one turn of the loop."""
    return asyncio.sleep(0, "quick")


async def slow(inputs: Any) -> str:  # noqa: ARG001
    """A branch that always loses."""
    await asyncio.sleep(9)
    return "slow"


async def writes(inputs: Any) -> str:
    """A quick branch with an effect."""
    stage(str, "written")
    return await quick(inputs)


async def parses(inputs: Any) -> str:  # noqa: ARG001
    """A branch with some work of its own, about what parsing a response takes."""
    await asyncio.sleep(0)
    sum(number * number for number in range(20_000))
    return "parsed"


async def race(calls: Sequence[Call], inputs: object) -> str:
    """What people write by hand: the first answer, the others cancelled and awaited."""
    tasks = [asyncio.ensure_future(call(inputs)) for call in calls]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    return done.pop().result()


async def bare(calls: Sequence[Call], inputs: object) -> None:
    """A batch of bare races."""
    for _ in range(CALLS):
        await race(calls, inputs)


async def speculated(calls: Sequence[Call], inputs: object) -> None:
    """A batch of speculations with the same branches."""
    branches = [Branch(str(number), call) for number, call in enumerate(calls)]
    for number in range(CALLS):
        await speculate(branches, inputs, decision=FirstValid(), run_id=f"bench/{number}")
    await settled()


@dataclass(frozen=True)
class Case:
    calls: Sequence[Call] = (quick, slow)
    inputs: object = 7
    logged: bool = False


CASES = {
    "two branches, the input is one number": Case(),
    "two branches, a request of 25 values": Case(inputs=REQUEST),
    "five branches, a request": Case((quick, slow, slow, slow, slow), REQUEST),
    "two branches, a request, one effect": Case((writes, slow), REQUEST),
    "two branches, a request, records of every tenth call": Case(inputs=REQUEST, logged=True),
    "two branches, a request, the winner parses for a millisecond": Case((parses, slow), REQUEST),
}


def main() -> None:
    """Print how many times the CPU time of a bare race a speculation takes."""
    print("\n| | times the CPU time of the bare race |\n|---|---|")
    for name, case in CASES.items():
        with _logging(on=case.logged):
            ratios = sorted(_ratio(case) for _ in range(ROUNDS))
        print(f"| {name} | {median(ratios):.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f}) |")


def _ratio(case: Case) -> float:
    by_hand = replace(case, calls=[quick if call is writes else call for call in case.calls])
    return _seconds(speculated, case) / _seconds(bare, by_hand)


def _seconds(batch: Callable[..., Coroutine[Any, Any, None]], case: Case) -> float:
    before = time.process_time()
    asyncio.run(batch(case.calls, case.inputs))
    return time.process_time() - before


@contextmanager
def _logging(*, on: bool) -> Iterator[None]:
    logger, handler = logging.getLogger("spectest.patterns"), logging.StreamHandler(io.StringIO())
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO if on else logging.WARNING)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
