"""Points in the program itself at which the search may take the rare way.

FoundationDB calls such points buggification: Zhou et al., "FoundationDB: A Distributed Unbundled
Transactional Key Value Store", SIGMOD 2021, section 4. Outside of a search nobody takes it.
"""

from __future__ import annotations

from typing import Any

from spectest.errors import UsageError
from spectest.kernel.choices import SOMETIMES
from spectest.kernel.mentions import TRUE
from spectest.services.surroundings import surroundings

__all__ = ["sometimes"]


def sometimes(name: str, *, probability: float = 0.0) -> bool:
    """Whether this time the rare case `name` happens: a cache miss, a stale replica, a full disk.

    False outside of a run of spectest, and in stock order. A search chooses anew at each call, and
    what it chose stands in the token. `probability`: with which it is true where latencies are
    sampled; a search does not ask for it. Works in tasks and threads.

    Raises `UsageError` for a name that is no text, or a probability that is none.
    """
    _check(name, probability)
    scheduler = surroundings().scheduler
    if scheduler is None:
        return False
    scheduler.mentions.mention(TRUE, name)
    label = scheduler.name(f"{SOMETIMES}{name}")
    if scheduler.sampler is not None:
        count = int(label.rpartition("#")[2])
        true = scheduler.sampler.uniform(name, count, "sometimes") < probability
    else:
        true = scheduler.door.choose(2, label, kind="sometimes") == 1
    if true:
        scheduler.mentions.meet(TRUE, name)
    return true


def _check(name: Any, probability: Any) -> None:
    if not isinstance(name, str) or not name:
        raise UsageError(f"sometimes: name={name!r} must be a few words, such as 'cache miss'")
    number = isinstance(probability, int | float) and not isinstance(probability, bool)
    if not number or not 0 <= probability <= 1:
        raise UsageError(f"sometimes: probability={probability!r} must be a number from 0 to 1")
