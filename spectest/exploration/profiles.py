"""What stock order tells a strategy of the program."""

from __future__ import annotations

from spectest.exploration.execution import Outcome
from spectest.strategies.base import Profile

__all__ = ["profile_of"]


def profile_of(stock: Outcome) -> Profile:
    """What stock order tells of the program: who waits for how many completions."""
    assert stock.trace is not None
    numbers = {
        event.subject: int(event.detail)
        for event in stock.trace
        if event.kind in ("task", "thread") and event.detail
    }
    chains: dict[int, int] = {}
    for event in stock.trace:
        if event.kind == "start":
            chain = numbers.get(event.task, -1)
            chains[chain] = chains.get(chain, 0) + 1
    threads = stock.trace.of_kind("thread")
    return Profile(2 * sum(chains.values()), chains, bool(threads))
