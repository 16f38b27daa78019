"""What was made before the run becomes the world's while it lasts: locks, queues, thread pools.

Modules make locks when they are imported: `_lock = threading.Lock()` at the top, a lock as a class
attribute, a queue in a module-level object. A thread that gave the baton on while it holds a real
lock would stop everybody who wants that lock. So for the duration of a run such a lock is wrapped
where it is found: in the globals of modules and from there into classes, objects, containers and
closures, some levels deep in the user's own code; and in what the program itself is given. The
wrapper uses the same real lock, so that whoever got hold of the lock itself still excludes everyone
else.

A thread pool that was made before may have real workers. It gets new, empty insides in each world,
and its own back afterwards.
"""

from __future__ import annotations

import functools
import queue
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from types import BuiltinMethodType, FunctionType, MethodType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary, ref

from spectest.source.lines import PLATFORM, USER, kind_of_file
from spectest.threads.locks import VirtualLock, VirtualRLock, real_lock, real_rlock
from spectest.threads.simple_queue import VirtualSimpleQueue

__all__ = ["AdoptedLocks", "AdoptedPools", "Seen", "StandIns", "is_machinery"]

_LOCK, _RLOCK = type(real_lock()), type(real_rlock())
_SLEEPS_BY_DEFAULT = "sched"
_PLATFORM_TOO = ("concurrent.futures.thread", "concurrent.futures.process", _SLEEPS_BY_DEFAULT)
_MACHINERY = frozenset(
    (
        "_pytest",
        "coverage",
        "execnet",
        "freezegun",
        "hypothesis",
        "pluggy",
        "pytest",
        "spectest",
        "time_machine",
        "xdist",
    )
)
_DEEP = 5
_MANY, _MOST = 100, 5_000
_MADE_OF_LOCKS = (
    queue.Queue,
    threading.Barrier,
    threading.Condition,
    threading.Event,
    threading.Semaphore,
)


_WRAPPERS = (VirtualLock, VirtualRLock)
_INERT = frozenset((bool, bytes, float, int, str, type(None), ModuleType))


def is_machinery(module: str) -> bool:
    """Whether the module runs the tests, and is not under test."""
    return module.partition(".")[0] in _MACHINERY


Member = tuple[Any, Any, Any]
"""An object, under which name or key it has something, and what that is."""

Seen = dict[int, int]
"""By identity, how deep below a module a thing was found; who finds it higher up looks deeper."""


class StandIns:
    """What stands for functions and classes of the platform while a run lasts, by identity.

    Bound methods of C classes are made anew at each look (`datetime.now is not datetime.now`) and
    are found by equality.
    """

    def __init__(self) -> None:
        self.pairs: list[tuple[Any, Any]] = []
        self._by_id: dict[int, Any] = {}
        self._methods: dict[Any, Any] = {}
        self._ours: set[int] = set()

    def add(self, real: Any, ours: Any) -> None:
        """Wherever `real` is found, `ours` takes its place."""
        self.pairs.append((real, ours))
        self._ours.add(id(ours))
        if type(real) is BuiltinMethodType and isinstance(real.__self__, type):
            self._methods[real] = ours
        else:
            self._by_id[id(real)] = ours

    def __contains__(self, value: Any) -> bool:
        return id(value) in self._by_id or (
            type(value) is BuiltinMethodType and value in self._methods
        )

    def has_ours(self, value: Any) -> bool:
        """Whether `value` stands for something: it has been exchanged."""
        return id(value) in self._ours

    def get(self, value: Any, default: Any = None) -> Any:
        """What stands for `value`, or `default`."""
        ours = self._by_id.get(id(value))
        if ours is None and type(value) is BuiltinMethodType:
            ours = self._methods.get(value)
        return default if ours is None else ours


class _Barren:
    """Classes and functions of libraries in which there was nothing to exchange."""

    def __init__(self) -> None:
        self._by_id: dict[int, ref[Any]] = {}

    def has(self, value: Any) -> bool:
        """By identity: a class may say of another that they are equal."""
        known = self._by_id.get(id(value))
        return known is not None and known() is value

    def add(self, value: Any) -> None:
        """There was nothing in `value`."""
        self._by_id[id(value)] = ref(value)


_barren = _Barren()


class AdoptedLocks:
    """The real locks that were found and wrapped.

    `stand_ins`: for functions of the platform, which default arguments and closures may hold, too.
    """

    def __init__(self, stand_ins: StandIns) -> None:
        self._stand_ins = stand_ins
        self._wrappers: dict[int, VirtualLock] = {}
        self._places: list[Member] = []
        self._met = 0  # Among them what another module has already had exchanged.

    def adopt(self, module: ModuleType, seen: Seen) -> bool:
        """Wrap the locks that `module` keeps. Whether there were any.

        `seen` is shared by all modules that are looked at one after the other.
        """
        name = module.__name__
        file = getattr(module, "__file__", None)
        kind = PLATFORM if file is None else kind_of_file(file)
        if is_machinery(name) or (kind == PLATFORM and name not in _PLATFORM_TOO):
            return False
        before = self._met
        if kind == USER:
            self._walk([module], seen)
        else:
            self._adopt_library(module)
        return self._met > before

    def adopt_program(self, program: Any) -> None:
        """Wrap the locks in what `program` closes over and is called with."""
        self._walk([program], {})

    def _adopt_library(self, module: ModuleType) -> None:
        """No more than what is near; classes and functions that had nothing are left out."""
        seen: Seen = {}
        for value in self._look_into(module, is_root=True):
            if _is_near(value, 0) and not _barren.has(value):
                before, is_new = self._met, id(value) not in seen
                self._walk([value], seen, depth=1, near=True)
                if is_new and self._met == before and isinstance(value, type | FunctionType):
                    _barren.add(value)

    def _walk(self, level: list[Any], seen: Seen, depth: int = 0, *, near: bool = False) -> None:
        """Through what these have, level by level."""
        looked_into = 0
        for number in range(depth, _DEEP):
            found: list[Any] = []
            for value in level:
                if seen.get(id(value), _DEEP) <= number or looked_into > _MOST:
                    continue
                seen[id(value)] = number
                looked_into += 1
                members = self._look_into(value, is_root=number == 0)
                found += [one for one in members if _is_near(one, number)] if near else members
            level = found

    def _look_into(self, value: Any, *, is_root: bool) -> list[Any]:
        """Exchange what `value` has of locks and functions of the platform; what else it has."""
        found: list[Any] = []
        for owner, key, member in _members(value, is_root=is_root):
            kind = type(member)
            if kind in _INERT or key == "__builtins__":  # Every module has that.
                continue
            if kind is _LOCK or kind is _RLOCK:
                self._wrap(owner, key, member)
            elif key == "__defaults__":
                self._exchange_defaults(owner, member)
            elif kind in _WRAPPERS:
                self._met += 1
            elif self._stand_ins.has_ours(member):
                self._met += type(owner) is not ModuleType
            elif member in self._stand_ins and not isinstance(owner, ModuleType):
                self._met += 1
                self._put(owner, key, self._stand_ins.get(member), member)
            elif kind is not BuiltinMethodType:
                found.append(member)
        return found

    def _exchange_defaults(self, function: Any, defaults: tuple[Any, ...]) -> None:
        ours = tuple(self._stand_ins.get(value, value) for value in defaults)
        self._met += any(map(self._stand_ins.has_ours, ours))
        if any(new is not old for new, old in zip(ours, defaults, strict=True)):
            self._put(function, "__defaults__", ours, defaults)

    def _wrap(self, owner: Any, key: Any, lock: Any) -> None:
        self._met += 1
        wrapper = self._wrappers.get(id(lock))
        if wrapper is None:
            kind = VirtualRLock if type(lock) is _RLOCK else VirtualLock
            wrapper = kind.around(lock)
            self._wrappers[id(lock)] = wrapper
        self._put(owner, key, wrapper, lock)
        # A Condition keeps bound methods of its lock.
        for name, value in list(_attributes(owner).items()):
            if getattr(value, "__self__", None) is lock:
                self._put(owner, name, getattr(wrapper, value.__name__), value)

    def _put(self, owner: Any, key: Any, new: Any, old: Any) -> None:
        try:
            _set(owner, key, new)
        except (AttributeError, TypeError):
            return
        self._places.append((owner, key, old))

    def forget_holders(self) -> None:
        """A world has ended: what its threads still held is free again."""
        for wrapper in self._wrappers.values():
            wrapper.abandon()

    def restore(self) -> None:
        """Put every real lock back to where it was."""
        while self._places:
            _set(*self._places.pop())
        self._wrappers.clear()


def _is_near(member: Any, level: int) -> bool:
    """Whether it is worth a look in a library: there are very many modules of them."""
    if issubclass(type(member), _MADE_OF_LOCKS):
        return True
    if type(member) is FunctionType and member.__defaults__:
        return level <= 1  # A method that sleeps by default.
    return level == 0 and type(member) not in (dict, list, tuple)


def _set(owner: Any, key: Any, value: Any) -> None:
    if type(owner) in (dict, list):
        owner[key] = value
    else:
        setattr(owner, key, value)


def _members(value: Any, *, is_root: bool) -> Iterator[Member]:
    """What `value` consists of, as far as locks may be kept there."""
    cls = type(value)
    if cls is FunctionType:
        yield from _members_of_function(value, is_root=is_root)
    elif cls in (dict, list, tuple):
        keyed = value.items() if cls is dict else enumerate(value)
        yield from ((value, key, member) for key, member in list(islice(keyed, _MANY)))
    elif cls is functools.partial:
        yield from ((None, "", part) for part in (value.func, value.args, value.keywords))
    elif cls is MethodType:
        yield from ((None, "", part) for part in (value.__self__, value.__func__))
    elif cls is functools.cached_property and hasattr(value, "lock"):
        yield value, "lock", value.lock  # CPython 3.11 has one.
    elif is_root or issubclass(cls, _MADE_OF_LOCKS) or _is_looked_into(value):
        attributes = vars(value) if issubclass(cls, type) else _attributes(value)
        yield from ((value, key, member) for key, member in list(attributes.items()))
        yield from _in_slots(value)


def _members_of_function(function: FunctionType, *, is_root: bool) -> Iterator[Member]:
    if is_machinery(str(function.__globals__.get("__name__"))):
        return  # Ours, perhaps: it stands for the real one, and must keep that.
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # Empty as yet.
            yield cell, "cell_contents", cell.cell_contents
    if function.__defaults__:
        yield function, "__defaults__", function.__defaults__
    for key, value in (function.__kwdefaults__ or {}).items():
        yield function.__kwdefaults__, key, value
    if is_root or hasattr(function, "__wrapped__"):
        yield None, "", getattr(function, "__wrapped__", None)
    if is_root and function.__globals__.get("__name__") not in sys.modules:
        yield None, "", function.__globals__


def _is_looked_into(value: Any) -> bool:
    """Whether the class, or the object's class, is a user's or a library's."""
    cls = value if issubclass(type(value), type) else type(value)
    module: object = cls.__module__
    if not isinstance(module, str) or is_machinery(module):
        return False
    file = getattr(sys.modules.get(module), "__file__", None)
    return file is not None and (kind_of_file(file) != PLATFORM or module == _SLEEPS_BY_DEFAULT)


def _in_slots(value: Any) -> Iterator[Member]:
    for cls in type(value).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else tuple(slots):
            with suppress(AttributeError):
                yield value, slot, object.__getattribute__(value, slot)


def _attributes(value: Any) -> dict[str, Any]:
    """A proxy that stands for something else must not be asked: it may not be there."""
    try:
        attributes = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return attributes if isinstance(attributes, dict) else {}


class _Ordered(dict[Any, None]):
    """As much of a set as a pool needs of its set of threads, in order of insertion."""

    def add(self, member: Any) -> None:
        self[member] = None

    def discard(self, member: Any) -> None:
        self.pop(member, None)


class AdoptedPools:
    """The thread pools that were used in a world, with what they were before."""

    def __init__(self) -> None:
        # A pool that its program drops must die, for that is what its workers wait for.
        self._before: WeakKeyDictionary[ThreadPoolExecutor, dict[str, Any]] = WeakKeyDictionary()

    def adopt(self, pool: ThreadPoolExecutor) -> None:
        """Give `pool` insides that belong to the world, unless it has them."""
        if pool in self._before:
            return
        fresh: dict[str, Any] = {
            "_work_queue": VirtualSimpleQueue(),
            "_idle_semaphore": threading.Semaphore(0),
            "_threads": _Ordered(),
            "_shutdown_lock": VirtualLock(),
        }
        if pool in self._before:
            return  # Another thread was faster while the locks were made.
        self._before[pool] = {key: getattr(pool, key) for key in fresh}
        vars(pool).update(fresh)

    def restore(self) -> None:
        """Give the pools back as they were."""
        for pool, before in self._before.items():
            vars(pool).update(before)
        self._before.clear()
