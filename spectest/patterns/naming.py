"""How values and functions are called in messages: the same in every run, and short."""

from __future__ import annotations

import functools
import re
from typing import Any

__all__ = ["name_of", "shown"]

LONGEST = 60
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def shown(value: object) -> str:
    """`repr` without memory addresses, which differ from run to run, cut to 60 characters."""
    text = _ADDRESS.sub("", repr(value))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def name_of(function: Any) -> str:
    """The name of a function, also within a `functools.partial`; of other callables, the class."""
    while isinstance(function, functools.partial):
        function = function.func
    return str(getattr(function, "__name__", None) or type(function).__qualname__)
