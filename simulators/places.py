"""Where in the user's own code an exception comes from."""

from __future__ import annotations

import os
import sysconfig
import traceback
from pathlib import Path

from spectest import errors

__all__ = ["place_of"]

_LIBRARIES = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
_OF_OTHERS = tuple(
    f"{folder}{os.sep}"
    for folder in (*_LIBRARIES, Path(__file__).parent, Path(errors.__file__).parent)
)


def place_of(error: BaseException) -> str | None:
    """The place as "app/llm.py:12": the innermost line that no library has; None if there is none.

    Of a syntax error it is the line that cannot be read.
    """
    frames = traceback.walk_tb(error.__traceback__)
    lines = [(frame.f_code.co_filename, line) for frame, line in frames]
    if isinstance(error, SyntaxError) and error.filename is not None:
        lines.append((error.filename, error.lineno or 1))
    for name, line in reversed(lines):
        if not name.startswith(("<", *_OF_OTHERS)):
            return f"{_from_here(Path(name))}:{line}"
    return None


def _from_here(file: Path) -> Path:
    here = Path.cwd()
    return file.relative_to(here) if file.is_relative_to(here) else file
