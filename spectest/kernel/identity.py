"""Objects are told apart by their number of creation, never by their address.

Tasks hash by address on stock asyncio, so a set of tasks iterates in an order that nobody chose:
`asyncio.wait` returns two such sets, `TaskGroup` walks one. Here a hash is made of the object's
number and a *level*. Equal low bits put the first thirty members of a set one behind the other, in
order of insertion; a member of a higher level comes after those of lower levels. Level 0 is the
default, and a choice under `ties` and `any`: what another memory layout would have shown.
"""

from __future__ import annotations

from spectest.kernel.choices import Door

__all__ = ["SET_ORDER", "Identities"]

SET_ORDER = "set order of "
"""Begins the label of every choice of a level."""

# The first slots that members of each level try in CPython's smallest set table, which has eight.
_LEVELS = (0, 3, 5)

# CPython's probe sequence takes in five more bits of the hash with every step. With these, the
# slots it visits go up: 0, 1, 2, 3, 4 in the smallest table, 0 to 28 in the next one.
_PROBES = 4 << 10 | 4 << 20
_NUMBER_SHIFT = 25


class Identities:
    """Hands out the hashes of one world."""

    __slots__ = ("_count", "_door", "_permute")

    def __init__(self, door: Door) -> None:
        self._door = door
        self._permute = door.plan.order != "strict"
        self._count = 0

    def next_hash(self) -> int:
        """A new hash, of level 0."""
        self._count += 1
        return self._count << _NUMBER_SHIFT | _PROBES

    def choose_level(self, label: str) -> int:
        """The bits to add to a hash: where its owner, named by `label`, comes in sets."""
        if not self._permute:
            return 0
        return _LEVELS[self._door.choose(len(_LEVELS), SET_ORDER + label, kind="set")]
