"""Threads that ended with an exception nobody caught, where the program failed with another one.

The error of the program is often a mere consequence: a result is missing, or nobody answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spectest.kernel.trace import SourceLine
from spectest.source.lines import raised_at, related, shown_line
from spectest.threads.agents import Agent

__all__ = ["DeadThread", "dead_threads", "tell"]


@dataclass(frozen=True, slots=True)
class DeadThread:
    """One of them.

    `thread`: its name. `error`: the type of the exception; `message`: its text; `where`: the user's
    line that raised it.
    """

    thread: str
    error: str
    message: str
    where: SourceLine


def dead_threads(
    failures: Sequence[tuple[Agent, BaseException]], error: BaseException
) -> tuple[DeadThread, ...]:
    """Those of `failures` that `error` does not tell of itself."""
    told = {id(one) for one in related(error)}
    return tuple(
        DeadThread(agent.name, type(end).__name__, str(end), raised_at(end))
        for agent, end in failures
        if id(end) not in told
    )


def tell(dead: Sequence[DeadThread], error: BaseException) -> None:
    """Leave a note on `error`, which may be one object in all executions, for each of them."""
    for one in dead:
        what = f"{one.error}: {one.message}".removesuffix(": ")
        place = f"\n  at {shown_line(one.where)}" if one.where else ""
        note = f"before that, the thread {one.thread} ended with {what}{place}"
        if note not in getattr(error, "__notes__", ()):
            error.add_note(note)
