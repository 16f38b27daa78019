"""Who answers the choices: one strategy per module, each after a paper.

`by_name` makes one; `NAMES` lists them. `replay` is not among them, it needs a recording.
"""

from __future__ import annotations

from collections.abc import Callable

from spectest.errors import UsageError
from spectest.strategies.base import Strategy
from spectest.strategies.dfs import DFS
from spectest.strategies.fifo import Fifo
from spectest.strategies.holds import Holds
from spectest.strategies.orders import Orders
from spectest.strategies.pct import PCT
from spectest.strategies.portfolio import Portfolio
from spectest.strategies.random_walk import RandomWalk
from spectest.strategies.surw import SURW
from spectest.strategies.urw import URW

__all__ = ["NAMES", "by_name"]

_STRATEGIES: dict[str, Callable[[int], Strategy]] = {
    "portfolio": Portfolio,
    "dfs": DFS,
    "fifo": Fifo,
    "holds": Holds,
    "orders": Orders,
    "pct": PCT,
    "random": RandomWalk,
    "surw": SURW,
    "urw": URW,
}

NAMES = tuple(_STRATEGIES)


def by_name(name: str, seed: int) -> Strategy:
    """The strategy of that name, which draws from `seed`; `UsageError` if there is none."""
    make = _STRATEGIES.get(name)
    if make is None:
        raise UsageError(f"strategy={name!r} is not a strategy; use one of {', '.join(NAMES)}")
    return make(seed)
