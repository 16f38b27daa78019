"""Identifiers: `uuid.uuid1`, `uuid.getnode`, and the names of temporary files.

`uuid.uuid4` draws from `os.urandom` and needs nothing of its own.
"""

from __future__ import annotations

import functools
import tempfile
import uuid
from collections.abc import Callable
from typing import Any

from spectest.ambient.sources import Here, StandIn

__all__ = ["stand_ins"]

_real_uuid1, _real_getnode = uuid.uuid1, uuid.getnode
_EPOCH = 0x01B21DD213814000  # 15 October 1582, in 100 ns before 1970: RFC 9562, section 5.1.
_MULTICAST = 1 << 40  # Says that it is nobody's hardware address: RFC 9562, section 6.10.


def stand_ins(here: Here, wall_ns: Callable[[], int]) -> list[StandIn]:
    """`wall_ns`: what `time.time_ns` shows to a thread of a world."""

    @functools.wraps(_real_getnode)
    def getnode() -> int:
        sources = here()
        if sources is None:
            return _real_getnode()
        return sources.node | _MULTICAST

    @functools.wraps(_real_uuid1)
    def uuid1(node: int | None = None, clock_seq: int | None = None) -> uuid.UUID:
        sources = here()
        if sources is None:
            return _real_uuid1(node, clock_seq)
        timestamp = max(wall_ns() // 100 + _EPOCH, sources.last_uuid1 + 1)
        sources.last_uuid1 = timestamp
        if clock_seq is None:
            clock_seq = sources.stream("uuid1").getrandbits(14)
        low, middle = timestamp & 0xFFFFFFFF, timestamp >> 32 & 0xFFFF
        high, sequence = timestamp >> 48 & 0x0FFF, clock_seq >> 8 & 0x3F
        node = getnode() if node is None else node
        return uuid.UUID(fields=(low, middle, high, sequence, clock_seq & 0xFF, node), version=1)

    names = tempfile._RandomNameSequence  # type: ignore[attr-defined]
    real_rng = names.rng.fget

    def rng(self: Any) -> Any:
        sources = here()
        if sources is None:
            return real_rng(self)
        # Once in a process, another one tries whether the folder for temporary files is writable.
        usual = self is vars(tempfile)["_name_sequence"]
        return sources.stream("temporary files" if usual else "other files")

    return [(uuid, "getnode", getnode), (uuid, "uuid1", uuid1), (names, "rng", property(rng))]
