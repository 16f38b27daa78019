"""Which thread waits for what, and who has it: the sentences of a deadlock or a leak."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from spectest.kernel.trace import NOWHERE
from spectest.source.lines import shown_line
from spectest.threads.agents import Agent
from spectest.threads.awaited import Wait, joined, lock_of, wait_of, what
from spectest.threads.jobs import idle, item_of, job_name, runner_of
from spectest.threads.standing import loop_of, where
from spectest.threads.things import kind_of

__all__ = ["Wait", "describe", "first_cycle", "holders", "idle", "wait_of", "where", "whose"]

N = TypeVar("N", bound=Hashable)


def describe(agents: Sequence[Agent]) -> list[str]:
    """One line for each thread: for what it waits, where, and who has it; one more for a circle.

    An event loop's thread that waits in its poll speaks for its tasks.
    """
    lines: list[str] = []
    edges: dict[Agent, list[Agent]] = {}
    waits: dict[Agent, Wait] = {}
    for agent in agents:
        if agent.looping is not None:
            lines += agent.looping.describe_blocked()
            edges[agent] = []
            continue
        wait = waits[agent] = wait_of(agent)
        edges[agent] = holders(wait, agent)
        loop = loop_of(agent)
        lines.append(_sentence(agent, wait, stops_loop=loop is not None))
        lines += _stopped_tasks(loop)
    circle = first_cycle(list(edges), edges)
    if circle:
        links = zip(circle, [*circle[1:], circle[0]], strict=True)
        lines.append("a cycle: " + "; ".join(_link(a, waits[a], b) for a, b in links))
    return lines


def holders(wait: Wait, agent: Agent) -> list[Agent]:
    """The threads that would have to do something for this wait to end, as far as is known."""
    lock = lock_of(wait)
    if lock is not None:
        return [lock.holder] if lock.holder is not None else []
    if isinstance(wait.target, Future):
        runner = runner_of(wait.target, agent)
        return [] if runner is None else [runner]
    thread = joined(agent) if isinstance(wait.target, threading.Thread | Executor) else None
    return [other for other in agent.baton.agents if thread and other.thread is thread]


def whose(agent: Agent, wait: Wait, *, places: bool = False) -> str:
    """Who has the lock that is waited for, to be put after it; "" if it is no lock.

    `places`: also where it was taken, if that was recorded.
    """
    lock = lock_of(wait)
    if lock is None:
        return ""
    holder = lock.holder
    if holder is None:
        return ", which no thread of the program holds"
    line = lock.taken_at if places else NOWHERE
    since = f" since {shown_line(line)}" if line else ""
    if holder is agent:
        return f", which it holds itself{since}"
    ended = ", which has ended" if holder.state == "ended" else ""
    return f", held by {holder.name}{since}{ended}"


def _sentence(agent: Agent, wait: Wait, *, stops_loop: bool) -> str:
    line = wait.line
    place = f"at {shown_line(line)}" if line else "outside your code"
    loop = ", and its event loop stands still" if stops_loop else ""
    thing = f"{what(wait, agent)}{whose(agent, wait, places=True)}"
    return f"{agent.name} waits for {thing}, {place}{loop}"


def _stopped_tasks(loop: Any) -> list[str]:
    """The tasks of a loop that stands still, but for the one that stops it."""
    if loop is None:
        return []
    task = asyncio.current_task(loop)
    running = "" if task is None else task.get_name()
    return [line for line in loop.describe_blocked() if not _begins_with(line, running)]


def _begins_with(line: str, task: str) -> bool:
    return line.startswith(f"{task} ") or line.partition(" ")[2].startswith(f"({task}) ")


def _link(agent: Agent, wait: Wait, other: Agent) -> str:
    if other is agent:
        return f"{agent.name} waits for itself"
    if isinstance(wait.target, threading.Thread | Executor):
        return f"{agent.name} waits for {other.name} to end"
    if isinstance(wait.target, Future):
        return f"{agent.name} waits for `{job_name(item_of(other))}`, which {other.name} runs"
    thing = f"`{wait.name}`" if wait.name else f"a {kind_of(wait.target)}"
    return f"{agent.name} waits for {thing} held by {other.name}"


def first_cycle(nodes: Sequence[N], edges: Mapping[N, Sequence[N]]) -> list[N]:
    """The first cycle met on the way from each node to those it depends on, or nothing."""
    finished: set[N] = set()
    for start in nodes:
        path: list[N] = [start]
        branches = [iter(edges[start])]
        while path:
            following = next(branches[-1], None)
            if following is None:
                finished.add(path.pop())
                branches.pop()
            elif following in path:
                return path[path.index(following) :]
            elif following in edges and following not in finished:
                path.append(following)
                branches.append(iter(edges[following]))
    return []
