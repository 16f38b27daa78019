"""What Python code looks up by name, exchanged where the name is, and put back.

A function that a module has imported by name (`from time import sleep`) is recognised by its
identity, in the globals of every module and, by way of `AdoptedLocks`, where objects, classes and
closures keep it.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FunctionType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from spectest.ambient import REAL, StandIn
from spectest.source.lines import USER, kind_of_file
from spectest.threads.adoption import AdoptedLocks, Seen, StandIns, is_machinery

__all__ = ["Exchange"]

_ABSENT = object()
_OF_DATES = ("now", "today", "utcnow")

# Of modules of libraries, which change little: how many names they had, which of them an
# installation exchanges, and whether there were locks to wrap.
_looked_at: WeakKeyDictionary[ModuleType, tuple[int, tuple[str, ...], bool]] = WeakKeyDictionary()


class Exchange:
    """The names that were exchanged, and how to find more of them.

    `adopts`: whether the locks of modules are wrapped on the way, and references looked for in what
    modules contain.
    """

    def __init__(self, *, adopts: bool = True) -> None:
        self.stand_ins = StandIns()
        self.locks = AdoptedLocks(self.stand_ins)
        self._adopts = adopts
        self._before: list[tuple[Any, Any, Any]] = []
        self._modules = 0
        self._seen: set[int] = set()

    def put(self, owner: Any, name: Any, value: Any) -> None:
        """Exchange one name of a module or a class, or what a dict has under one key."""
        before = (owner if type(owner) is dict else vars(owner)).get(name, _ABSENT)
        self._before.append((owner, name, before))
        _set(owner, name, value)

    def put_all(self, stand_ins: Iterable[StandIn]) -> None:
        """Exchange these names, and let them be recognised where modules have imported them."""
        for owner, name, ours in stand_ins:
            if isinstance(owner, ModuleType):
                if _is_mocked(vars(owner)[name]):
                    continue
                self.stand_ins.add(vars(owner)[name], ours)
            if owner in (time, dt):  # freezegun may have been there before.
                self.stand_ins.add(getattr(REAL, name), ours)
            for method in _OF_DATES if isinstance(ours, type) else ():
                if hasattr(ours, method):
                    self.stand_ins.add(getattr(ours.__mro__[1], method), getattr(ours, method))
            self.put(owner, name, ours)

    def look_around(self) -> None:
        """Exchange what modules have imported by name, and wrap their locks; new ones only."""
        if self._modules == len(sys.modules):
            return
        self._modules = len(sys.modules)
        seen: Seen = {}
        with _untraced():
            for name, module in list(sys.modules.items()):
                if id(module) in self._seen:
                    continue
                self._seen.add(id(module))
                if type(module) is ModuleType and not is_machinery(name):
                    self._exchange_in(module, seen)

    def _exchange_in(self, module: ModuleType, seen: Seen) -> None:
        namespace, stand_ins = vars(module), self.stand_ins
        known = _looked_at.get(module)
        if known is None or known[0] != len(namespace):
            names, has_locks = tuple(n for n, v in namespace.items() if v in stand_ins), True
        else:
            _, names, has_locks = known
        for name in names:
            ours = stand_ins.get(namespace.get(name))
            if ours is not None:
                self.put(module, name, ours)
        if self._adopts and has_locks:
            has_locks = self.locks.adopt(module, seen)
            if not _is_users(module):
                _looked_at[module] = (len(namespace), names, has_locks)

    def look_back(self) -> None:
        """Modules that were imported during the run have imported what is ours."""
        real = {id(ours): before for before, ours in reversed(self.stand_ins.pairs)}
        for module in list(sys.modules.values()):
            if id(module) in self._seen or not isinstance(module, ModuleType):
                continue
            namespace = vars(module)
            for name in [name for name, value in namespace.items() if id(value) in real]:
                namespace[name] = real[id(namespace[name])]

    def restore(self) -> None:
        """Put everything back, in modules imported meanwhile as well."""
        self.look_back()
        while self._before:
            _set(*self._before.pop())


@contextmanager
def _untraced() -> Iterator[None]:
    """Whoever traces lines, as coverage and Hypothesis do on CPython 3.11, has no use for ours."""
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)


def _is_mocked(value: Any) -> bool:
    """Whether a test has put something of its own there, which it wants to be called."""
    if type(value).__module__ == "unittest.mock":
        return True
    return isinstance(value, FunctionType) and kind_of_file(value.__code__.co_filename) == USER


def _set(owner: Any, name: Any, value: Any) -> None:
    if type(owner) is dict:
        if value is _ABSENT:
            owner.pop(name, None)
        else:
            owner[name] = value
    elif value is _ABSENT:
        delattr(owner, name)
    else:
        setattr(owner, name, value)


def _is_users(module: ModuleType) -> bool:
    """Whether it may change from one execution to the next."""
    if module.__name__ in sys.builtin_module_names:
        return False
    return kind_of_file(getattr(module, "__file__", None) or "<input>") == USER
