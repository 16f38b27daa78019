"""A file is there in full, or it is as it was."""

from __future__ import annotations

import os
from pathlib import Path

from simulators.errors import ScenarioError

__all__ = ["write"]


def write(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write text as UTF-8, or bytes, beside the file and then in its place.

    `ScenarioError` if that cannot be done.
    """
    place = Path(path)
    half = place.with_name(f".{place.name}.half")
    data = content.encode() if isinstance(content, str) else content
    try:
        half.write_bytes(data)
        half.replace(place)
    except OSError as error:
        half.unlink(missing_ok=True)
        why = f"cannot be written: {error.strerror or error}"
        raise ScenarioError("the file", str(path), why, "use another path") from None
