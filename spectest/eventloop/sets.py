"""`asyncio.as_completed` puts bare coroutines into a set, which orders them by address.

A coroutine cannot be given another hash, so while a world lasts the name `set` in `asyncio.tasks`
means "without duplicates, in the order given"; under `ties` the order is a choice, because on stock
asyncio any order can happen.
"""

from __future__ import annotations

import asyncio
import inspect
from asyncio import tasks
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from spectest.kernel.identity import SET_ORDER

__all__ = ["ordered_sets"]


def _ordered(*iterables: Iterable[Any]) -> Any:
    members = list(dict.fromkeys(*iterables)) if iterables else []
    if len(members) < 2 or not any(inspect.iscoroutine(member) for member in members):
        return set(members)
    scheduler = getattr(asyncio.get_running_loop(), "scheduler", None)
    first = 0
    if scheduler is not None and scheduler.order != "strict":
        label = scheduler.name(SET_ORDER + "coroutines")
        first = scheduler.door.choose(len(members), label, kind="set")
    return members[first:] + members[:first]


@contextmanager
def ordered_sets() -> Iterator[None]:
    """While the block lasts, `asyncio.tasks` makes no set of coroutines."""
    namespace = vars(tasks)
    before = namespace.get("set")
    namespace["set"] = _ordered
    try:
        yield
    finally:
        if before is None:
            del namespace["set"]
        else:
            namespace["set"] = before
