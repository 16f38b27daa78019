"""Containers and objects that refuse to change and say whose inputs they are.

Each is a subclass of what it stands for, so `isinstance`, equality, iteration, `json.dumps` and
pattern matching see the original; only what would change it raises `FrozenInputError`. Calling the
class, as `type(value)(...)` and `dataclasses.replace` do, makes an ordinary value of the original
class. So does `copy.deepcopy`, all the way down: it is the way out that the error recommends.

A shield keeps a mistake from passing unnoticed; it is no sandbox. `dict.__setitem__(value, ...)`,
`object.__setattr__(value, ...)` and extensions written in C reach around it.
"""

from __future__ import annotations

import copy
import functools
import types
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn, TypeAlias

from spectest.patterns.naming import shown

__all__ = ["FrozenDict", "FrozenInputError", "FrozenList", "FrozenSet", "Shield"]

_SLOT = "__frozen_for__"
_NO_MEMBERS = {_SLOT, "__dict__"}
State: TypeAlias = tuple[Any, dict[str, Any] | None, list[tuple[str, Any]]]
"""What a container holds, the instance dictionary, the slots that are set."""


class FrozenInputError(TypeError):
    """A branch tried to change its inputs, which other branches read at the same time.

    Fields `owner`: whose copy it is, usually the name of a branch; `path`: what would have changed,
    such as `inputs['user']['name']`; `act`: how, such as `set` or `call append() of`.
    """

    def __init__(self, owner: str, path: str, act: str) -> None:
        super().__init__(owner, path, act)
        self.owner = owner
        self.path = path
        self.act = act

    def __str__(self) -> str:
        whole = self.path.partition(".")[0].partition("[")[0]
        return (
            f"branch {self.owner!r} tried to {self.act} {self.path}; inputs are frozen, so that no "
            f"branch sees another one's changes. Change a copy: copy.deepcopy({whole})"
        )


class Shield:
    """What every frozen value has in common. `__original__` is the class that it stands for."""

    __slots__ = ()
    __original__: Any = object

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls.__original__(*args, **kwargs)

    def __init_subclass__(cls) -> None:
        """Nothing: registries that list subclasses are not told of shields."""

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        _refuse(self, "set", f".{name}")

    def __delattr__(self, name: str) -> NoReturn:
        _refuse(self, "delete", f".{name}")

    def __copy__(self) -> Any:
        """Ordinary itself, while what it holds stays frozen."""
        return _thawed(self, _with_own_sets, {})

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return _thawed(self, lambda value: copy.deepcopy(value, memo), memo)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        owner, path = place(self)
        arguments = (self.__original__, owner, path)
        return empty, arguments, _state(self), None, None, fill


def _refusing(name: str) -> Callable[..., NoReturn]:
    def method(self: Any, *_: Any, **__: Any) -> NoReturn:
        _refuse(self, f"call {name}() of", "")

    method.__name__ = name
    return method


def _item_refusing(name: str, act: str) -> Callable[..., NoReturn]:
    def method(self: Any, key: Any, *_: Any) -> NoReturn:
        _refuse(self, act, f"[{shown(key)}]")

    method.__name__ = name
    return method


def _mutators(*names: str) -> dict[str, Any]:
    return {name: _refusing(name) for name in names} | {
        "__setitem__": _item_refusing("__setitem__", "set"),
        "__delitem__": _item_refusing("__delitem__", "delete"),
    }


_DICT = _mutators(
    "__ior__", "clear", "move_to_end", "pop", "popitem", "setdefault", "subtract", "update"
)
_LIST = _mutators(
    "__iadd__",
    "__imul__",
    "append",
    "clear",
    "extend",
    "insert",
    "pop",
    "remove",
    "reverse",
    "sort",
)


class FrozenSet(Shield, frozenset[Any]):
    """A frozenset that stands for a set: what would change it says so, and copies are sets."""

    __slots__ = (_SLOT,)
    __original__ = set

    def __copy__(self) -> set[Any]:
        return set(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> set[Any]:
        return {copy.deepcopy(item, memo) for item in self}

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return frozen_set, (list(self), *place(self))

    __iand__ = _refusing("__iand__")
    __ior__ = _refusing("__ior__")
    __isub__ = _refusing("__isub__")
    __ixor__ = _refusing("__ixor__")
    add = _refusing("add")
    clear = _refusing("clear")
    difference_update = _refusing("difference_update")
    discard = _refusing("discard")
    intersection_update = _refusing("intersection_update")
    pop = _refusing("pop")
    remove = _refusing("remove")
    symmetric_difference_update = _refusing("symmetric_difference_update")
    update = _refusing("update")


def frozen_set(items: Iterable[Any], owner: str, path: str) -> FrozenSet:
    made: FrozenSet = frozenset.__new__(FrozenSet, items)
    object.__setattr__(made, _SLOT, (owner, path))
    return made


class _Recomputed:
    """A `functools.cached_property` whose value is not kept, since there is no place to keep it."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else self._function(instance)


@functools.lru_cache(maxsize=1024)
def _shield_of(cls: Any) -> Any:
    """A subclass of `cls` whose instances cannot be changed by ordinary means."""
    namespace: dict[str, Any] = {
        "__slots__": (_SLOT,),
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": cls.__doc__,
        "__original__": cls,
        "__class__": property(lambda _: cls),  # Generated __eq__ and repr() go by it.
    }
    mutators = _DICT if issubclass(cls, dict) else _LIST if issubclass(cls, list) else {}
    namespace |= {name: method for name, method in mutators.items() if hasattr(cls, name)}
    inherited = {
        name: member for base in reversed(cls.__mro__) for name, member in vars(base).items()
    }
    for name, member in inherited.items():
        if isinstance(member, functools.cached_property):
            namespace[name] = _Recomputed(member.func)
    return type(cls)(cls.__name__, (Shield, cls), namespace)


def empty(cls: Any, owner: str, path: str) -> Any:
    """A frozen instance of `cls` that holds nothing. `TypeError` if `cls` permits no such thing."""
    shield = _shield_of(cls)
    made = _base_of(cls).__new__(shield)
    vars(shield)[_SLOT].__set__(made, (owner, path))
    return made


def fill(made: Any, state: State) -> None:
    """Put into a new shield, or into a new ordinary object, what it is to hold."""
    content, attributes, slots = state
    _put(made, content)
    if attributes is not None:
        _put_attributes(made, attributes)
    for name, value in slots:
        object.__setattr__(made, name, value)
    if isinstance(made, Shield):
        _lock(content.values() if isinstance(content, dict) else content or ())
        _lock(attributes.values() if attributes else ())
        _lock(value for _, value in slots)


def _put_attributes(made: Any, attributes: dict[str, Any]) -> None:
    if isinstance(made, OrderedDict | types.SimpleNamespace):  # Their dictionaries stay theirs.
        vars(made).update(attributes)
        return
    if isinstance(made, Shield):
        owner, path = place(made)
        shielded = empty(dict, owner, f"{path}.__dict__")
        dict.update(shielded, attributes)
        attributes = shielded
    object.__setattr__(made, "__dict__", attributes)


def _put(made: Any, content: Any) -> None:
    if isinstance(made, OrderedDict):
        for key, value in content.items():
            OrderedDict.__setitem__(made, key, value)
    elif isinstance(made, dict):
        dict.update(made, content)
    elif isinstance(made, list):
        list.extend(made, content)


def _lock(values: Any) -> None:
    """Arrays arrive writable from another process, whatever they were when they left."""
    for value in values:
        if isinstance(value, tuple):
            _lock(value)
        elif is_array(value):
            value.setflags(write=False)


def is_array(value: object) -> bool:
    """A numpy array, or what behaves like one."""
    return hasattr(type(value), "setflags") and hasattr(type(value), "__array_interface__")


def members(value: Any) -> Iterator[tuple[str, Any]]:
    """The slots of an object that are set, and their values; names are mangled as needed."""
    for cls in type(value).__mro__:
        for name, member in vars(cls).items():
            if isinstance(member, types.MemberDescriptorType) and name not in _NO_MEMBERS:
                try:
                    yield member.__name__, member.__get__(value)
                except AttributeError:
                    continue


def content_of(value: Any) -> Any:
    """What a dict or list holds, as a plain one, whatever its class made of iteration; or None."""
    if isinstance(value, OrderedDict):
        return dict(OrderedDict.items(value))
    container = _container(type(value))
    return None if container is None else container.copy(value)


def place(value: Any) -> tuple[str, str]:
    """Whose a frozen value is, and its path."""
    found: tuple[str, str] = object.__getattribute__(value, _SLOT)
    return found


def _base_of(cls: type[Any]) -> Any:
    """Whose `__new__` makes an empty instance; everything else is then put in from outside."""
    known = (base for base in (OrderedDict, types.SimpleNamespace) if issubclass(cls, base))
    return next(known, None) or _container(cls) or object


def _container(cls: type[Any]) -> Any:
    return dict if issubclass(cls, dict) else list if issubclass(cls, list) else None


def _state(value: Any) -> State:
    attributes = getattr(value, "__dict__", None)
    attributes = None if attributes is None else dict(attributes)
    return content_of(value), attributes, list(members(value))


def _thawed(value: Any, copied: Callable[[Any], Any], memo: dict[int, Any]) -> Any:
    cls = value.__original__
    made = memo[id(value)] = _base_of(cls).__new__(cls)
    fill(made, copied(_state(value)))
    return made


def _with_own_sets(state: State) -> State:
    """For pydantic's `model_copy`, which notes updated fields in a set that it keeps in a slot."""
    content, attributes, slots = state
    own = [(name, set(value) if isinstance(value, FrozenSet) else value) for name, value in slots]
    return content, attributes, own


def _refuse(value: Any, act: str, step: str) -> NoReturn:
    owner, path = place(value)
    raise FrozenInputError(owner, path + step, act)


FrozenDict = _shield_of(dict)
FrozenList = _shield_of(list)
