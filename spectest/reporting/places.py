"""A place is a line of the user's program, with the text that stands there."""

from __future__ import annotations

import linecache
from dataclasses import dataclass
from pathlib import PurePath

from spectest.kernel.trace import SourceLine
from spectest.source.lines import shown

__all__ = ["Place", "place_of"]


@dataclass(frozen=True, slots=True)
class Place:
    """`file` is relative to the current directory if it lies below it. `source`: may be empty."""

    file: str
    line: int
    function: str
    source: str

    @property
    def long(self) -> str:
        """The path and the line."""
        return f"{self.file}:{self.line}"

    @property
    def short(self) -> str:
        """The file's name, of a package its name, and the line."""
        path = PurePath(self.file)
        name = path.parent.name if path.name == "__init__.py" and path.parent.name else path.name
        return f"{name}:{self.line}"


def place_of(where: SourceLine) -> Place | None:
    """The place, or None for NOWHERE."""
    if not where:
        return None
    source = linecache.getline(where.file, where.line).strip()
    return Place(shown(where.file), where.line, where.function, source)
