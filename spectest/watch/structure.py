"""The parts of an object, each with a text: what can be compared before and after.

No function of the object's own is called, neither `__repr__` nor `__eq__` nor a property, for
looking must change nothing. Equal objects have equal texts in every run, whatever their addresses
and the order of their sets.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import fractions
import functools
import pathlib
import types
import uuid
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import suppress
from hashlib import blake2b
from typing import Any, cast

from spectest.kernel.values import shown

__all__ = ["PLAIN", "Structure", "parts"]

PLAIN = frozenset(
    {bool, int, float, complex, str, bytes, type(None), type(...), range, slice}
    | {dt.date, dt.datetime, dt.time, dt.timedelta, dt.timezone}
    | {decimal.Decimal, fractions.Fraction, uuid.UUID, pathlib.PosixPath, pathlib.WindowsPath}
)
"""Types whose values never change and say what they are."""

_CODE = (
    type,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.ModuleType,
    types.GeneratorType,
    types.CoroutineType,
    types.AsyncGeneratorType,
)
_MACHINERY = ("_asyncio", "_thread", "asyncio", "concurrent", "logging", "spectest", "threading")
_CONTAINERS = frozenset((list, dict, set))
_DEEPEST = 50
_MOST = 20_000


def parts(name: str, value: Any) -> dict[str, str]:
    """The text of `value` and of everything it is made of, by path: "audit[2]", "cart.total".

    Lists, mappings, sets, and the attributes of objects, in `__dict__` or in slots, are gone into;
    functions, classes, modules, tasks, locks and loops are not. What is met a second time, in a
    circle or by another way, is named there and not gone into. Beyond 20,000 parts, or 50 levels,
    nothing is seen.
    """
    survey = _Survey()
    survey.visit(name, value, 0)
    return survey.found


class Structure:
    """The parts of some objects, read again only when an object in them is another one.

    `roots`: gives the objects, by path.
    """

    def __init__(self, roots: Callable[[], Mapping[str, Any]]) -> None:
        self._roots = roots
        self._marks: list[object] | None = None
        # What never changes is told apart by identity, so it must not die and leave it to others.
        self._held: list[Any] = []

    def look(self) -> Mapping[str, str] | None:
        """The parts; None if nothing has changed."""
        roots = self._roots()
        inspection = _Inspection()
        for path, value in roots.items():
            inspection.marks.append(path)
            inspection.visit(value, 0)
        if inspection.marks == self._marks:
            return None
        self._marks, self._held = inspection.marks, inspection.held
        survey = _Survey()
        for path, value in roots.items():
            survey.visit(path, value, 0)
        return survey.found

    def close(self) -> None:
        """Nobody looks any more."""
        self._roots = dict
        self._held = []


class _Inspection:
    """Tells quickly whether anything is different; `marks` are equal if nothing is."""

    def __init__(self) -> None:
        self.marks: list[object] = []
        self.held: list[Any] = []
        self._seen: set[int] = set()

    def visit(self, value: Any, depth: int) -> None:
        kind = type(value)
        if kind in PLAIN:
            self.marks.append(id(value))
            self.held.append(value)
            return
        text = None if kind in _CONTAINERS else _leaf(value)
        self.marks += (id(kind), text, id(value) if text is None else 0)
        if text is None and id(value) not in self._seen:
            self._seen.add(id(value))
            if depth < _DEEPEST and len(self.marks) < _MOST:
                self._inside(value, depth + 1)

    def _inside(self, value: Any, depth: int) -> None:
        if isinstance(value, dict):
            self._all(list(dict.keys(value)), depth)
            self._all(list(dict.values(value)), depth)
        else:
            self._all(list(_items(value)), depth)
        if type(value) in _CONTAINERS:
            return
        for attribute, one in _attributes(value):
            self.marks.append(attribute)
            self.visit(one, depth)

    def _all(self, several: list[Any], depth: int) -> None:
        self.marks.append(len(several))
        if PLAIN.issuperset(map(type, several)):
            self.marks += map(id, several)
            self.held += several
        else:
            for one in several:
                self.visit(one, depth)


class _Survey:
    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self._paths: dict[int, str] = {}

    def visit(self, path: str, value: Any, depth: int) -> None:
        text = _leaf(value)
        if text is None:
            known = self._paths.setdefault(id(value), path)
            text = _kind(value) if known is path else f"the same as {known}"
            if known is path and depth < _DEEPEST and len(self.found) < _MOST:
                self.found[path] = text
                self._inside(path, value, depth + 1)
                return
        self.found[path] = text

    def _inside(self, path: str, value: Any, depth: int) -> None:
        if isinstance(value, dict):
            for key, one in list(dict.items(value)):
                self.visit(f"{path}[{_key(key)}]", one, depth)
        elif isinstance(value, list | tuple | deque):
            for at, one in enumerate(list(_items(value))):
                self.visit(f"{path}[{at}]", one, depth)
        elif isinstance(value, set | frozenset):
            for text in sorted(map(_key, list(_items(value)))):
                self.found[f"{path}: {text}"] = "present"
        for attribute, one in _attributes(value):
            self.visit(f"{path}.{attribute}", one, depth)


def _leaf(value: Any) -> str | None:
    """The text of what has no parts that could change."""
    kind = type(value)
    if kind in PLAIN:
        return shown(value)
    if isinstance(value, enum.Enum):
        return f"{kind.__name__}.{value._name_}"
    if kind in (tuple, frozenset) and all(type(one) in PLAIN for one in value):
        return shown(value)
    if isinstance(value, _CODE):
        name = getattr(value, "__qualname__", None) or getattr(value, "__name__", "")
        return f"<{name or kind.__name__}>"
    if kind.__module__.partition(".")[0] in _MACHINERY:
        return f"<{kind.__name__}>"
    return _bytes(value)


def _bytes(value: Any) -> str | None:
    """What arrays and buffers hold."""
    if isinstance(value, bytearray):
        return f"bytearray {shown(bytes(value))}"
    if hasattr(type(value), "__dict__") and isinstance(value, dict | list | tuple | set):
        return None
    try:
        held = memoryview(value)
        return f"{type(value).__name__} {blake2b(held.tobytes(), digest_size=8).hexdigest()}"
    except (TypeError, ValueError, BufferError):
        return None


def _kind(value: Any) -> str:
    return f"a {type(value).__name__}"


def _items(value: Any) -> Iterable[Any]:
    """What it holds, whatever a class of the user's own has made of iterating."""
    bases: tuple[Any, ...] = (list, tuple, deque, set, frozenset)
    found: Iterable[Any] = ()
    for base in bases:
        if isinstance(value, base):
            found = base.__iter__(value)
    return found


def _key(value: Any) -> str:
    """The text of a key, or of an element of a set, which have no path of their own."""
    return _leaf(value) or _kind(value)


@functools.lru_cache(maxsize=1_000)
def _slots(kind: Any) -> tuple[tuple[str, Any], ...]:
    members = ((name, one) for base in kind.__mro__ for name, one in vars(base).items())
    return tuple(
        (name, one)
        for name, one in members
        if isinstance(one, types.MemberDescriptorType) and not name.startswith("__")
    )


def _attributes(value: Any) -> list[tuple[str, Any]]:
    found: dict[str, Any] = {}
    with suppress(AttributeError):
        found.update(object.__getattribute__(value, "__dict__"))
    for name, member in _slots(cast("Hashable", type(value))):
        with suppress(AttributeError):  # A slot that nothing was put in.
            found[name] = member.__get__(value)
    if isinstance(value, BaseException):
        found["args"] = value.args
    return sorted(found.items())
