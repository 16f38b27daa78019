"""The winner follows from the inputs and the run ID: the same invocation has the same winner again.

    digest = SHA-256(canonical JSON of the inputs, then the run ID in UTF-8)
    seed   = the first 8 bytes of the digest, as a big-endian integer

Nothing else goes in: no clock, no random numbers, no order of completion. So the seed can be
computed anew from a log entry, in any language, with a hash function and nothing more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from spectest.patterns.canonical import canonical_json
from spectest.patterns.naming import shown
from spectest.patterns.run_ids import RunId

__all__ = ["digest_of", "input_hash", "literal", "ranking", "sampled", "seed_of"]


def digest_of(inputs: object, run_id: RunId | str) -> bytes:
    """SHA-256 of the canonical JSON of `inputs`, followed by `str(run_id)`: 32 bytes.

    `CanonicalError` if the inputs have no canonical JSON; `TypeError` for a run ID that is neither
    a `RunId` nor text.
    """
    if not isinstance(run_id, RunId | str):
        why = "is neither a RunId nor text; pass RunIds(directory).next(), or the ID of the request"
        raise TypeError(f"run_id={shown(run_id)} {why}")
    return hashed(inputs, run_id)[1]


def input_hash(inputs: object) -> str:
    """SHA-256 of the canonical JSON of `inputs` alone, in hex: the same for every run ID."""
    return hashed(inputs, "")[0]


def hashed(inputs: object, run_id: RunId | str) -> tuple[str, bytes]:
    """`input_hash` and `digest_of`, for which the inputs are hashed once."""
    digest = hashlib.sha256(canonical_json(inputs))
    of_inputs = digest.hexdigest()
    digest.update(str(run_id).encode())
    return of_inputs, digest.digest()


def seed_of(digest: bytes) -> int:
    """The first 8 bytes of a digest, big-endian: from 0 to 2**64 - 1."""
    return int.from_bytes(digest[:8], "big")


def literal(seed: int, valid: Sequence[int]) -> int:
    """The element of `valid` at `seed` modulo its length. `valid`: in the order of the branches.

    It depends on which branches were valid, hence on timing where the slower ones are not awaited;
    `ranking` does not. `ValueError` if there is none.
    """
    if not valid:
        raise ValueError("literal() has nobody to choose from: no branch is valid")
    return valid[seed % len(valid)]


def ranking(digest: bytes, n: int) -> tuple[int, ...]:
    """The numbers from 0 to `n` - 1 in an order that follows from the digest: best first.

    The first is chosen by `literal` among all, the next by `literal` among those left with the seed
    of SHA-256(digest), and so on. Every order has the same probability, up to n**2 / 2**64.
    """
    left = list(range(n))
    ranked = []
    while left:
        chosen = literal(seed_of(digest), left)
        left.remove(chosen)
        ranked.append(chosen)
        digest = hashlib.sha256(digest).digest()
    return tuple(ranked)


def sampled(digest: bytes, rate: float) -> bool:
    """Whether an invocation is among the share `rate` (0 to 1) of which a record is kept.

    Bytes 8 to 16 of the digest decide, which the choice of the winner does not use: so the sample
    favours no branch, and the same invocation is in it again when it is replayed.
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"rate={rate!r} is not a share; use a number from 0 to 1")
    return int.from_bytes(digest[8:16], "big") < rate * 2**64
