"""While a run lasts, whoever makes an event loop gets one of the world's."""

from __future__ import annotations

import asyncio
from _thread import get_ident
from asyncio import events
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from spectest.threads.agents import current

__all__ = ["loops_lent"]

_POLICY = "BaseDefaultEventLoopPolicy"


@contextmanager
def loops_lent(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> Iterator[None]:
    """`asyncio.run`, `asyncio.new_event_loop` and the default policy make loops by `new_loop`.

    Threads outside of the world get real ones, and no loop is running when the block begins.
    """
    mine, outer, real = get_ident(), asyncio._get_running_loop(), events.new_event_loop
    policy: Any = vars(events).get(_POLICY)
    real_of_policy: Any = policy.new_event_loop if policy is not None else None

    def ours() -> bool:
        return get_ident() == mine or current() is not None

    def new_event_loop() -> asyncio.AbstractEventLoop:
        return new_loop() if ours() else real()

    def new_of_policy(self: Any) -> asyncio.AbstractEventLoop:
        return new_loop() if ours() else real_of_policy(self)

    asyncio._set_running_loop(None)
    for module in (asyncio, events):
        vars(module)["new_event_loop"] = new_event_loop
    if policy is not None:
        policy.new_event_loop = new_of_policy
    try:
        yield
    finally:
        for module in (asyncio, events):
            vars(module)["new_event_loop"] = real
        if policy is not None:
            policy.new_event_loop = real_of_policy
        asyncio._set_running_loop(outer)
