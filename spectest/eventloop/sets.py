"""Sets that asyncio makes for itself are ordered by what happens in this execution alone.

`asyncio.as_completed` puts bare coroutines into a set, which orders them by address. A coroutine
cannot be given another hash, so while a world lasts the name `set` in `asyncio.tasks` means
"without duplicates, in the order given"; under `ties` the order is a choice, because on stock
asyncio any order can happen.

What `asyncio.gather` returns is of a class of its own, which hashes by address; a world puts
another in its place. The set behind `asyncio.all_tasks` belongs to the whole process, and its order
depends on every task there ever was; a world begins with an empty one.
"""

from __future__ import annotations

import asyncio
import inspect
from asyncio import tasks
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from spectest.eventloop.tasks import VirtualGathering
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
    """While the block lasts, no order in `asyncio.tasks` comes from outside."""
    namespace = vars(tasks)
    before, gathering = namespace.get("set"), namespace["_GatheringFuture"]
    # The weak set of all tasks, under its name in 3.12 and later and in 3.11.
    registry: Any = namespace.get("_scheduled_tasks", namespace.get("_all_tasks"))
    registered = registry.data
    namespace["set"] = _ordered
    namespace["_GatheringFuture"] = VirtualGathering
    registry.data = set()
    try:
        yield
    finally:
        # Those that died meanwhile could not sign off from the set that was put away.
        dead = [reference for reference in registered if reference() is None]
        registered.difference_update(dead)
        registered.update(registry.data)
        registry.data = registered
        namespace["_GatheringFuture"] = gathering
        if before is None:
            del namespace["set"]
        else:
            namespace["set"] = before
