"""What was made before the run becomes the world's while it lasts: locks, queues, thread pools.

Modules make locks when they are imported: `_lock = threading.Lock()` at the top, a lock as a class
attribute, a queue in a module-level object. A thread that gave the baton on while it holds a real
lock would stop everybody who wants that lock. So for the duration of a run such a lock is wrapped
where it is found: in the globals of a module, in its classes, and one level into its objects. The
wrapper uses the same real lock, so that whoever got hold of the lock itself still excludes everyone
else.

A thread pool that was made before may have real workers. It gets new, empty insides in each world,
and its own back afterwards.
"""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from spectest.source.lines import PLATFORM, kind_of_file
from spectest.threads.locks import VirtualLock, VirtualRLock, real_lock, real_rlock
from spectest.threads.simple_queue import VirtualSimpleQueue

__all__ = ["AdoptedLocks", "AdoptedPools", "is_machinery"]

_LOCK, _RLOCK = type(real_lock()), type(real_rlock())
_PLATFORM_TOO = ("concurrent.futures.thread", "concurrent.futures.process")
_MACHINERY = frozenset(
    ("_pytest", "coverage", "execnet", "hypothesis", "pluggy", "pytest", "spectest", "xdist")
)
_MADE_OF_LOCKS = (
    queue.Queue,
    threading.Barrier,
    threading.Condition,
    threading.Event,
    threading.Semaphore,
)


def is_machinery(module: str) -> bool:
    """Whether the module runs the tests, and is not under test."""
    return module.partition(".")[0] in _MACHINERY


class AdoptedLocks:
    """The real locks that were found and wrapped."""

    def __init__(self) -> None:
        self._wrappers: dict[int, VirtualLock] = {}
        self._places: list[tuple[Any, str, Any]] = []

    def adopt(self, module: ModuleType) -> bool:
        """Wrap the locks that `module` keeps. Whether there were any."""
        name = module.__name__
        file = getattr(module, "__file__", None)
        users = file is not None and kind_of_file(file) != PLATFORM
        if is_machinery(name) or not (users or name in _PLATFORM_TOO):
            return False
        before = len(self._places)
        for key, value in list(vars(module).items()):
            if _is_lock(value):
                self._wrap(module, key, value)
            elif issubclass(type(value), type):
                if value.__module__ == name:
                    self._look_into(value, vars(value))
            else:
                self._look_into(value, _attributes(value))
        return len(self._places) > before

    def _look_into(self, owner: Any, attributes: Mapping[str, Any]) -> None:
        for key, value in list(attributes.items()):
            if _is_lock(value):
                self._wrap(owner, key, value)
            elif issubclass(type(value), _MADE_OF_LOCKS) and value is not owner:
                self._look_into(value, vars(value))
            elif type(value) is functools.cached_property:
                lock = getattr(value, "lock", None)  # CPython 3.11 has one.
                if _is_lock(lock):
                    self._wrap(value, "lock", lock)

    def _wrap(self, owner: Any, key: str, lock: Any) -> None:
        wrapper = self._wrappers.get(id(lock))
        if wrapper is None:
            kind = VirtualRLock if type(lock) is _RLOCK else VirtualLock
            wrapper = kind.around(lock)
            self._wrappers[id(lock)] = wrapper
        self._put(owner, key, lock, wrapper)
        # A Condition keeps bound methods of its lock.
        for name, value in list(getattr(owner, "__dict__", {}).items()):
            if getattr(value, "__self__", None) is lock:
                self._put(owner, name, value, getattr(wrapper, value.__name__))

    def _put(self, owner: Any, key: str, old: Any, new: Any) -> None:
        try:
            setattr(owner, key, new)
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
            owner, key, old = self._places.pop()
            setattr(owner, key, old)
        self._wrappers.clear()


def _attributes(value: Any) -> Mapping[str, Any]:
    """The attributes of an object of a user's or a library's class.

    A proxy that stands for something else must not be asked: it may not be there.
    """
    cls = type(value)
    module: object = cls.__module__
    if module == "builtins" or not isinstance(module, str) or is_machinery(module):
        return {}
    try:
        attributes = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return attributes if isinstance(attributes, dict) else {}


def _is_lock(value: Any) -> bool:
    return type(value) is _LOCK or type(value) is _RLOCK


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
        self._before[pool] = {key: getattr(pool, key) for key in fresh}
        vars(pool).update(fresh)

    def restore(self) -> None:
        """Give the pools back as they were."""
        for pool, before in self._before.items():
            vars(pool).update(before)
        self._before.clear()
