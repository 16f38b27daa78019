"""The witness of the world in which a call is made."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from spectest.threads.agents import current
from spectest.watch.witness import Witness

__all__ = ["witness_here"]


def witness_here() -> Witness | None:
    """None outside of worlds, and in one whose run has no oracles."""
    agent = current()
    scheduler: Any = None
    if agent is not None:
        scheduler = agent.baton.scheduler
    else:
        with suppress(RuntimeError):
            scheduler = getattr(asyncio.get_running_loop(), "scheduler", None)
    witness: Witness | None = getattr(scheduler, "witness", None)
    return witness
