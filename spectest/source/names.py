"""What a report calls a lock, a queue, a future: the name by which a frame knows it, or its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import FrameType
from typing import Any

from spectest.source.lines import PLATFORM, kind_of_file

__all__ = ["Spoken", "name_of"]

_MOST_MEMBERS = 1000


class Spoken:
    """Base of what has its own words for a wait inside one of its methods."""

    @property
    def waited_for(self) -> str:
        """What is waited for, to be put after "waits for"; details come after ", which "."""
        raise NotImplementedError


def name_of(target: Any, frames: Sequence[FrameType]) -> str:
    """The expression by which the innermost of `frames` that knows `target` knows it, or ""."""
    if target is None:
        return ""
    for frame in reversed(frames):
        if kind_of_file(frame.f_code.co_filename) == PLATFORM:
            continue
        for scope in (frame.f_locals, _globals_used(frame)):
            for name, value in _expressions(scope):
                if value is target:
                    return name
    return ""


def _globals_used(frame: FrameType) -> dict[str, Any]:
    names = frame.f_globals
    return {name: names[name] for name in frame.f_code.co_names if name in names}


def _expressions(scope: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Variables, then their attributes, then what containers among these contain."""
    variables = [(name, value) for name, value in scope.items() if not name.startswith(".")]
    yield from variables
    attributes = [
        (f"{name}.{attribute}", member)
        for name, value in variables
        for attribute, member in _attributes(value).items()
    ]
    yield from attributes
    for name, value in [*variables, *attributes]:
        if isinstance(value, dict) and len(value) <= _MOST_MEMBERS:
            yield from (
                (f"{name}[{key!r}]", value[key]) for key in value if type(key) in (str, int)
            )
        elif isinstance(value, list | tuple) and len(value) <= _MOST_MEMBERS:
            yield from ((f"{name}[{index}]", member) for index, member in enumerate(value))


def _attributes(value: Any) -> dict[str, Any]:
    if isinstance(value, type) or type(value).__module__ == "builtins":
        return {}
    try:
        found = dict(object.__getattribute__(value, "__dict__"))
    except AttributeError:
        found = {}
    for cls in type(value).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, slot):
                found.setdefault(slot, getattr(value, slot))
    return found
