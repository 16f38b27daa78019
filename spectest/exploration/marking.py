"""What the decorator of a test leaves on it, so that the function itself can be found again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Marking", "mark", "marking_of", "unmarked"]

_MARKING = "__spectest__"


@dataclass(frozen=True, slots=True)
class Marking:
    """The function that was decorated, and the keywords it was given."""

    function: Callable[..., Any]
    settings: dict[str, Any]


def mark(test: Callable[..., Any], function: Callable[..., Any], settings: dict[str, Any]) -> None:
    """`test` explores `function`."""
    setattr(test, _MARKING, Marking(function, settings))


def marking_of(function: Any) -> Marking | None:
    """What `mark` left on `function`, or None."""
    marking = getattr(function, _MARKING, None)
    return marking if isinstance(marking, Marking) else None


def unmarked(function: Any) -> Any:
    """The function that a decorated test explores; anything else is returned as it is."""
    marking = marking_of(function)
    return function if marking is None else marking.function
