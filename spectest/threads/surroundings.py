"""The ambient of a world in place of the platform's: who asks decides what it gets."""

from __future__ import annotations

import _thread
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from spectest.ambient import REAL, Sources, StandIn, identifiers, randomness, wall
from spectest.threads import clock
from spectest.threads.agents import current
from spectest.threads.clock import FREEZERS
from spectest.threads.exchange import Exchange

__all__ = ["FREEZERS", "STAND_INS", "chance_lent"]


def _here() -> Sources | None:
    agent = current()
    return None if agent is None else agent.baton.sources


def _wall_ns() -> int:
    now_ns = clock.wall_ns()
    return REAL.time_ns() if now_ns is None else now_ns


STAND_INS: tuple[StandIn, ...] = (
    *clock.STAND_INS,
    *wall.stand_ins(clock.wall_ns, clock.elapsed_ns, FREEZERS.frozen_class),
    *randomness.stand_ins(_here),
    *identifiers.stand_ins(_here, _wall_ns),
)
"""All that an installation exchanges of what programs read without asking."""


@contextmanager
def chance_lent(sources: Sources) -> Iterator[None]:
    """Real threads and real clocks, and the draws of a world.

    For the calling thread and those that start meanwhile; others get what they would get.
    """
    others = sys._current_frames().keys() - {_thread.get_ident()}

    def here() -> Sources | None:
        return None if _thread.get_ident() in others else sources

    exchange = Exchange(adopts=False)
    try:
        exchange.put_all(randomness.stand_ins(here))
        exchange.put_all(identifiers.stand_ins(here, REAL.time_ns))
        exchange.look_around()
        yield
    finally:
        exchange.restore()
