"""What programs read without asking: chance, identifiers, the date. The world's while a run lasts.

Each room makes stand-ins for functions of the platform; `spectest.threads` puts them in place,
where it does so for clocks and locks, and tells them whose thread is asking. A thread that belongs
to no world gets the real thing by the same name.
"""

from __future__ import annotations

from spectest.ambient.randomness import lent, seed
from spectest.ambient.real import REAL
from spectest.ambient.sources import Sources, StandIn
from spectest.ambient.wall import WALL_START, forget_types, parse_wall_start

__all__ = [
    "REAL",
    "WALL_START",
    "Sources",
    "StandIn",
    "forget_types",
    "lent",
    "parse_wall_start",
    "seed",
]
