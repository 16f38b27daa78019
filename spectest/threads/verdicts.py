"""The errors that end a world of threads: nobody can go on, or somebody never comes back."""

from __future__ import annotations

from collections.abc import Sequence

from spectest.errors import Deadlock, Livelock, RealWorldError
from spectest.source.lines import shown_line
from spectest.threads.agents import Agent
from spectest.threads.waiting import describe, idle, where

__all__ = ["deadlocked", "spinning", "stuck"]


def deadlocked(agents: Sequence[Agent]) -> Deadlock:
    """All these wait, and nothing can happen any more."""
    lines = describe([agent for agent in agents if not idle(agent)])
    return Deadlock(
        "nothing can run any more and the program has not finished.\n"
        + "\n".join(f"  {line}" for line in lines),
        blocked=tuple(lines),
    )


def stuck(agent: Agent) -> RealWorldError:
    """`agent` is busy in the real world, and does not come back."""
    line = where(agent)
    called_at = f"{line.file}:{line.line} in {line.function}" if line else None
    place = f" at {called_at}" if called_at else ""
    return RealWorldError(
        f"the thread {agent.name} waits for the real world{place}.\n"
        "While it does, the virtual clock must stand still, and it did not come back.\n"
        "If it waits for a socket, a subprocess or a C extension, pass a fake; if for a lock "
        "that was made before the run, make the lock inside the program.",
        call=agent.name,
        where=called_at,
        slow=True,
    )


def spinning(agent: Agent) -> Livelock:
    """`agent` goes round in a loop that has no choice point."""
    line = where(agent)
    place = f" at {shown_line(line)}" if line else ""
    return Livelock(
        f"{agent.name} goes round and round{place} and comes to no choice point,\n"
        "so that no other thread ever gets its turn. A loop that waits for another thread has to "
        "wait for an event, or to sleep. If it only computes, let it do that before the run.",
        spinner=agent.name,
        slow=True,
    )
