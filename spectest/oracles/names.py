"""The oracles that need not be told anything, by their names, as a command line has them."""

from __future__ import annotations

import importlib

from spectest.errors import UsageError
from spectest.oracles.base import Oracle

__all__ = ["NAMES", "by_name"]

NAMES = (
    "tie_breaking",
    "cancellation",
    "isolation",
    "determinism",
    "log_fidelity",
    "exactly_once",
)
"""What `by_name` knows."""


def by_name(name: str) -> Oracle:
    """The oracle of this name, as it is without arguments; `UsageError` if there is none."""
    if name not in NAMES:
        raise UsageError(f"oracles={name!r} is not an oracle; use one of {', '.join(NAMES)}")
    module = importlib.import_module(f"spectest.oracles.{name}")
    oracle: Oracle = getattr(module, name)()
    return oracle
