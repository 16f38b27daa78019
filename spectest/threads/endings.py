"""Threads that ended with an exception nobody caught, where the program failed with another one.

The error of the program is often a mere consequence: a result is missing, or nobody answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from spectest.kernel.trace import SourceLine
from spectest.source.lines import raised_at, shown
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
    told = {id(one) for one in _chain(error)}
    return tuple(
        DeadThread(agent.name, type(end).__name__, str(end), raised_at(end))
        for agent, end in failures
        if id(end) not in told
    )


def tell(dead: Sequence[DeadThread], error: BaseException) -> None:
    """Leave a note on `error`, which may be one object in all executions, for each of them."""
    for one in dead:
        what = f"{one.error}: {one.message}".removesuffix(": ")
        place = f"\n  at {shown(one.where.file)}:{one.where.line}" if one.where else ""
        function = f" in {one.where.function}" if one.where else ""
        note = f"before that, the thread {one.thread} ended with {what}{place}{function}"
        if note not in getattr(error, "__notes__", ()):
            error.add_note(note)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, what it is from, and the members of groups."""
    todo: list[BaseException | None] = [error]
    seen: set[int] = set()
    while todo:
        one = todo.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        todo += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            todo += one.exceptions
