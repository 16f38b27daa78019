"""The composition root: one kernel, loops, threads and ambient for each execution."""

from __future__ import annotations

from spectest.world.limits import Limits
from spectest.world.world import World

__all__ = ["Limits", "World"]
