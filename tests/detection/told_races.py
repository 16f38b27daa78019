"""Races by hand, as people write them, that tell of their branches as `spectest.patterns` does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from spectest.services import FakeService

__all__ = ["Branch", "attempt", "best_of", "best_of_threads", "each", "nothing", "services", "tell"]

Branch = Callable[[str], Awaitable[Any]]
STEPS = logging.getLogger("spectest.patterns.steps")


def tell(kind: str, **step: Any) -> None:
    if STEPS.isEnabledFor(logging.DEBUG):
        STEPS.debug("%s", kind, extra={"speculation": {"kind": kind, **step}})


async def attempt(name: str, branch: Branch, race: object) -> tuple[object, Any]:
    me = object()
    tell("attempt", attempt=me, branch=name, speculation=race)
    try:
        value = await branch(name)
    except asyncio.CancelledError:
        tell("outcome", attempt=me, detail="cancelled")
        raise
    except Exception as error:
        tell("outcome", attempt=me, detail=f"raised {type(error).__name__}: {error}")
        raise
    tell("outcome", attempt=me, detail="valid", value=value)
    return me, value


async def best_of(branches: Sequence[Branch]) -> Any:
    """The answer of the first branch in order that has one; others are cancelled and gone then.

    So the winner does not depend on timing, which is not what is judged here.
    """
    race = object()
    tell("speculation", speculation=race, detail="best_of")
    names = ["llm", "rules", "cache"]
    tasks = [
        asyncio.create_task(attempt(name, branch, race), name=name)
        for name, branch in zip(names, branches, strict=False)
    ]
    winner, value = None, None
    for task in tasks:
        with suppress(LookupError):
            winner, value = await task
            break
    tell("decision", speculation=race, attempt=winner, value=value)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return value


def best_of_threads(branches: Sequence[Callable[[str], Any]]) -> Any:
    """The answer of the first branch; nobody can stop the other thread."""
    race = object()
    tell("speculation", speculation=race, detail="best_of_threads")

    def job(name: str, branch: Callable[[str], Any]) -> tuple[object, Any]:
        me = object()
        tell("attempt", attempt=me, branch=name, speculation=race)
        value = branch(name)
        tell("outcome", attempt=me, detail="valid", value=value)
        return me, value

    pool = ThreadPoolExecutor(2)
    jobs = [pool.submit(job, n, b) for n, b in zip(("llm", "rules"), branches, strict=True)]
    winner, value = jobs[0].result()
    tell("decision", speculation=race, attempt=winner, value=value)
    pool.shutdown(wait=False)
    return value


def services() -> tuple[FakeService, FakeService]:
    return (
        FakeService("llm", latency=(0.020, 0.040), answer="from llm"),
        FakeService("rules", latency=(0.035, 0.060), answer="from rules"),
    )


def each(write: Callable[[str, str], Any]) -> list[Branch]:
    """Branches that ask their service, and then write."""

    def made(service: FakeService) -> Branch:
        async def branch(name: str) -> str:
            answer: str = await service()
            write(name, answer)
            return answer

        return branch

    return [made(service) for service in services()]


def nothing(name: str, answer: str) -> None:
    """A branch that leaves it to the pipeline."""
