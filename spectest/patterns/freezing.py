"""Every branch gets inputs of its own that nobody can change.

Branches that share a dict see each other's edits, in an order that timing decides. So `freeze`
makes a deep copy of the inputs whose containers and objects refuse every change (see
`spectest.patterns.shields`). Shared references stay shared, cycles stay cycles, and what cannot be
frozen is refused with its path and the way out, not passed on half protected.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from spectest.patterns.naming import shown
from spectest.patterns.shields import (
    FrozenSet,
    Shield,
    content_of,
    empty,
    fill,
    frozen_set,
    is_array,
    members,
)

__all__ = ["UnfreezableInput", "freeze"]

Value = TypeVar("Value")

_WHOLE = (
    bool | int | float | complex | str | bytes | None | range | slice
    | types.EllipsisType | types.NotImplementedType | type | types.ModuleType
    | types.FunctionType | types.BuiltinFunctionType | types.GenericAlias | types.UnionType
)  # fmt: skip
# Told by name, so that nothing is imported for a type that nobody uses.
_WHOLE_BY_NAME = frozenset({
    "datetime.date", "datetime.time", "datetime.timedelta",
    "decimal.Decimal", "_decimal.Decimal", "_pydecimal.Decimal", "fractions.Fraction",
    "uuid.UUID", "re.Pattern", "weakref.ReferenceType",
    "pathlib.PurePath", "pathlib._local.PurePath", "numpy.generic", "numpy.dtype",
    "ipaddress._IPAddressBase",
})  # fmt: skip
_WHOLE_WITH_ATTRIBUTES = frozenset({"enum.Enum", "datetime.tzinfo"})


class UnfreezableInput(TypeError):
    """A value among the inputs cannot be copied and frozen.

    Fields `owner`: for whom; `path`: where it stands; `why`: what is wrong, and what to do instead.
    """

    def __init__(self, owner: str, path: str, why: str) -> None:
        super().__init__(owner, path, why)
        self.owner = owner
        self.path = path
        self.why = why

    def __str__(self) -> str:
        return f"{self.path} cannot be frozen for branch {self.owner!r}: {self.why}"


def freeze(value: Value, owner: str, *, name: str = "inputs") -> Value:
    """A deep copy of `value` that raises `FrozenInputError` when it is changed.

    Dicts, lists and their subclasses, dataclasses and objects of ordinary classes (also with
    `__slots__`) become instances of a subclass; sets become frozensets and bytearrays bytes; numpy
    arrays become read-only views of a copy. Numbers, text, dates, paths, enums, functions, classes
    and modules pass as they are. Pickling keeps a frozen value frozen; `copy.deepcopy` makes an
    ordinary one.

    `owner`: named in the errors, usually a branch. `name`: what the paths begin with.
    `UnfreezableInput`: for locks, files, sockets, generators and other values that live in C.
    """
    try:
        frozen: Value = _Freezer(owner).frozen(value, name)
    except RecursionError:
        why = "it is nested too deeply for the interpreter's recursion limit; pass flatter inputs"
        raise UnfreezableInput(owner, name, why) from None
    return frozen


class _Freezer:
    """One deep copy. The first path on which a shared value is met is the one that errors name."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._made: dict[int, tuple[Any, Any]] = {}  # Originals are kept, so that ids stay theirs.

    def frozen(self, value: Any, path: str) -> Any:
        if _is_whole(value):
            return value
        known = self._made.get(id(value))
        if known is not None:
            return known[1]
        made = self._maker(value)(value, path)
        # A cycle through a tuple or a set has made it while its members were made.
        return self._made.setdefault(id(value), (value, made))[1]

    def _maker(self, value: Any) -> Callable[[Any, str], Any]:
        match value:
            case tuple():
                return self._tuple
            case set() | frozenset():
                return self._set
            case bytearray():
                return lambda value, _: bytes(value)
            case types.MappingProxyType():
                return lambda value, path: self.frozen(dict(value), path)
            case types.MethodType():
                return self._method
            case _ if is_array(value):
                return self._array
            case _:
                return self._object

    def _tuple(self, value: Any, path: str) -> Any:
        if getattr(value, "__dict__", None):
            why = f"a {type(value).__qualname__} is a tuple with attributes; pass a dataclass"
            raise UnfreezableInput(self._owner, path, why)
        items = list(tuple.__iter__(value))
        made = [self.frozen(item, f"{path}[{index}]") for index, item in enumerate(items)]
        if all(new is old for new, old in zip(made, items, strict=True)):
            return value
        return tuple.__new__(type(value), made)

    def _set(self, value: Any, path: str) -> Any:
        items = [self.frozen(item, f"{path}<element>") for item in value]
        if isinstance(value, set | FrozenSet):
            return frozen_set(items, self._owner, path)
        return frozenset(items)

    def _method(self, value: Any, path: str) -> Any:
        return types.MethodType(value.__func__, self.frozen(value.__self__, f"{path}.__self__"))

    def _array(self, value: Any, path: str) -> Any:
        if value.dtype.hasobject:
            why = "an array of Python objects cannot be protected; pass a list, value.tolist()"
            raise UnfreezableInput(self._owner, path, why)
        copied = value.copy()
        copied.setflags(write=False)
        return copied.view()  # A view of read-only memory cannot be made writable again.

    def _object(self, value: Any, path: str) -> Any:
        made = self._empty(value, path)
        self._made[id(value)] = (value, made)
        content = content_of(value)
        if isinstance(content, dict):
            content = {
                self.frozen(key, f"{path}, in the key {shown(key)},"): self.frozen(
                    item, f"{path}[{shown(key)}]"
                )
                for key, item in content.items()
            }
        elif content is not None:
            content = [self.frozen(item, f"{path}[{n}]") for n, item in enumerate(content)]
        attributes = getattr(value, "__dict__", None)
        if attributes is not None:
            attributes = dict(self._attributes(attributes.items(), path))
        fill(made, (content, attributes, list(self._attributes(members(value), path))))
        return made

    def _attributes(self, found: Iterable[tuple[str, Any]], path: str) -> Iterable[tuple[str, Any]]:
        return [(name, self.frozen(value, f"{path}.{name}")) for name, value in found]

    def _empty(self, value: Any, path: str) -> Any:
        kind = value.__original__ if isinstance(value, Shield) else type(value)
        try:
            return empty(kind, self._owner, path)
        except RecursionError:
            raise
        except Exception as error:
            why = (
                f"no copy of a {kind.__module__}.{kind.__qualname__} can be made "
                f"({error}). Pass plain data instead; what talks to others (clients, locks, files) "
                "belongs into client= of the branch, or into a closure"
            )
            raise UnfreezableInput(self._owner, path, why) from error


def _is_whole(value: Any) -> bool:
    """Whether nothing can change it, so that it needs no copy."""
    kind = type(value)
    if isinstance(value, types.BuiltinFunctionType):
        return value.__self__ is None or isinstance(value.__self__, types.ModuleType)
    if kind.__module__ == "builtins":
        return isinstance(value, _WHOLE)
    names = {f"{cls.__module__}.{cls.__qualname__}" for cls in kind.__mro__}
    if isinstance(value, type | types.ModuleType) or kind.__module__ == "typing":
        return True
    if names & _WHOLE_WITH_ATTRIBUTES:
        return True
    known = isinstance(value, _WHOLE) or names & _WHOLE_BY_NAME
    return bool(known) and not getattr(value, "__dict__", None)
