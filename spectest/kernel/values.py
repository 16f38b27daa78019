"""What a value looks like in a trace: the same text in every run of the same program."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["shown"]

_ADDRESS = re.compile(r" (?:object )?at 0x[0-9a-fA-F]+")
_LONGEST = 200
_DEEPEST = 20


def shown(value: Any) -> str:
    """A text for `value`, equal for equal values; long ones end in a digest of the whole.

    Sets and the keys of mappings are in the order of their texts. Addresses are left out, so
    objects that say nothing of themselves but their address look alike.
    """
    text = _text(value, 0)
    if len(text) <= _LONGEST:
        return text
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"{text[:_LONGEST]}... ({digest})"


def _text(value: Any, depth: int) -> str:
    if depth > _DEEPEST:
        return "..."
    if isinstance(value, Mapping):
        items = sorted((_text(k, depth + 1), _text(v, depth + 1)) for k, v in value.items())
        return "{" + ", ".join(f"{k}: {v}" for k, v in items) + "}"
    if isinstance(value, set | frozenset):
        return "{" + ", ".join(sorted(_text(one, depth + 1) for one in value)) + "}"
    if type(value) in (list, tuple):
        inside = ", ".join(_text(one, depth + 1) for one in value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _dataclass(value, depth)
    return _said(value)


def _dataclass(value: Any, depth: int) -> str:
    names = [field.name for field in dataclasses.fields(value) if field.repr]
    fields = (f"{name}={_text(getattr(value, name, None), depth + 1)}" for name in names)
    return f"{type(value).__name__}({', '.join(fields)})"


def _said(value: Any) -> str:
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001  # a repr of the user's may raise anything
        return f"<{type(value).__name__}, whose repr raises {type(error).__name__}>"
    return _ADDRESS.sub("", text)
