"""A replay token is a plan as a short printable word.

`st1-` and then, in URL-safe base64, a checksum and the deflated JSON of the plan. No pickle: a
token comes from a chat window. A damaged, foreign or newer token is a `TokenError`, never another
plan.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from typing import Any

from spectest.errors import TokenError, UsageError
from spectest.kernel.plan import Hold, Plan

__all__ = ["decode", "encode"]

_PREFIX = "st"
_FORMAT = 1
_CHECKSUM_BYTES = 4
_LONGEST = 1 << 20
_VERSION = re.compile("[1-9][0-9]{0,5}")


def encode(plan: Plan) -> str:
    """The token of `plan`; equal plans have equal tokens."""
    holds = {name: [h.by_ns, h.polls, h.behind] for name, h in plan.holds.items()}
    document = [plan.order, plan.seed, holds, dict(plan.picks)]
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(text.encode()) + packer.flush()
    checksum = zlib.crc32(packed).to_bytes(_CHECKSUM_BYTES, "big")
    body = base64.urlsafe_b64encode(checksum + packed).decode().rstrip("=")
    return f"{_PREFIX}{_FORMAT}-{body}"


def decode(token: str) -> Plan:
    """The plan of `token`; raises `TokenError` for anything that `encode` did not make."""
    if not isinstance(token, str):
        raise TokenError(
            f"{token!r} is not a spectest token, which is a string like {_PREFIX}{_FORMAT}-...; "
            "a Plan is run by spectest.run(program, plan=...)",
            token=repr(token),
        )
    word = token.strip()
    head, dash, body = word.partition("-")
    version = head.removeprefix(_PREFIX)
    if not dash or version == head or not _VERSION.fullmatch(version):
        raise TokenError(
            f"{_short(token)} is not a spectest token; they look like {_PREFIX}{_FORMAT}-...",
            token=token,
        )
    if int(version) > _FORMAT:
        raise TokenError(
            f"{_short(token)} was made by a newer spectest (format {head}, this one reads up to "
            f"{_PREFIX}{_FORMAT}); upgrade spectest to replay it",
            token=token,
        )
    try:
        document = json.loads(_unpack(body))
        return _plan(document)
    except (ValueError, TypeError, zlib.error, RecursionError, UsageError) as why:
        raise TokenError(
            f"{_short(token)} is damaged ({why}); copy it again, whole, from the report",
            token=token,
        ) from None


def _unpack(body: str) -> str:
    try:
        data = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except binascii.Error as why:
        raise ValueError(str(why)) from None
    checksum, packed = data[:_CHECKSUM_BYTES], data[_CHECKSUM_BYTES:]
    if zlib.crc32(packed).to_bytes(_CHECKSUM_BYTES, "big") != checksum:
        raise ValueError("its checksum does not match")
    unpacker = zlib.decompressobj(-15)
    text = unpacker.decompress(packed, _LONGEST)
    if unpacker.unconsumed_tail:
        raise ValueError("it is longer than any plan")
    return text.decode()


def _plan(document: Any) -> Plan:
    shapes = (str, int, dict, dict)
    if not isinstance(document, list) or not _fits(document, shapes):
        raise ValueError("what it holds is no plan")
    order, seed, holds, picks = document
    if not all(isinstance(hold, list) and len(hold) == 3 for hold in holds.values()):
        raise ValueError("a hold in it has not three numbers")
    integers = [seed, *picks.values(), *(number for hold in holds.values() for number in hold)]
    if not all(type(number) is int for number in integers):
        raise ValueError("a number in it is not an integer")
    return Plan(
        order=order,
        seed=seed,
        holds={name: Hold(*hold) for name, hold in holds.items()},
        picks=picks,
    )


def _fits(values: list[Any], shapes: tuple[type, ...]) -> bool:
    return len(values) == len(shapes) and all(map(isinstance, values, shapes))


def _short(token: str) -> str:
    return repr(token if len(token) <= 24 else token[:20] + "...")
