"""The global names that a child process would have for itself, kept apart in one process.

A real child has its own copy of everything. Here it has its own copy of what programs use to keep
state per process: in each module of the user's own, the names that a function declares `global`,
and the names that stand for a list, a dictionary, a set or the like, which is copied with the same
members. They are exchanged whenever the child gets the processor, and again when it loses it, so
that neither the parent nor another child sees what it assigns or puts there.

What is not kept apart: the members of such a container and all other objects (instances, class
attributes, closures, caches of functions), and the modules of libraries.
"""

from __future__ import annotations

import copy
import functools
import re
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from spectest.source.lines import USER, kind_of_file

__all__ = ["ModuleState"]

_ABSENT = object()
_CONTAINERS = frozenset((bytearray, list, dict, set, Counter, OrderedDict, defaultdict, deque))
_GLOBAL = re.compile(r"^[ \t]+global[ \t]+(\w+(?:[ \t]*,[ \t]*\w+)*)", re.MULTILINE)


class ModuleState:
    """The names of one child, as they are at this moment.

    `platform`: by module, names of the platform that mean something else in the child. Where a
    module of the user's has imported such a function by name, it means the same there.
    """

    def __init__(self, platform: Mapping[ModuleType, Mapping[str, Any]]) -> None:
        self._exchanged: list[tuple[dict[str, Any], dict[str, Any]]] = []
        renamed: dict[int, Any] = {}
        for module, names in platform.items():
            known = {name: ours for name, ours in names.items() if hasattr(module, name)}
            self._exchanged.append((vars(module), known))
            functions = {
                getattr(module, name): ours for name, ours in known.items() if callable(ours)
            }
            renamed.update((id(real), ours) for real, ours in functions.items())
        copies: dict[int, Any] = {}
        for module in _modules_of_user():
            own = _own_names(module, renamed, copies)
            if own:
                self._exchanged.append((vars(module), own))

    def enter(self) -> None:
        """The child goes on."""
        for namespace, others in self._exchanged:
            for name, value in others.items():
                others[name] = namespace.get(name, _ABSENT)
                if value is not _ABSENT:
                    namespace[name] = value
                else:
                    namespace.pop(name, None)

    leave = enter
    """Somebody else goes on: what was exchanged is exchanged back."""


def _modules_of_user() -> Iterator[ModuleType]:
    # Some modules have two names: multiprocessing gives `__main__` a second one.
    modules: dict[int, Any] = {id(module): module for module in list(sys.modules.values())}
    for module in modules.values():
        file = getattr(module, "__file__", None)
        if isinstance(module, ModuleType) and file and kind_of_file(file) == USER:
            yield module


def _own_names(
    module: ModuleType, renamed: Mapping[int, Any], copies: dict[int, Any]
) -> dict[str, Any]:
    namespace = vars(module)
    own = {name: namespace.get(name, _ABSENT) for name in _assigned(str(module.__file__))}
    for name, value in namespace.items():
        if id(value) in renamed:
            own[name] = renamed[id(value)]
        elif type(value) in _CONTAINERS and not name.startswith("__"):
            own[name] = copies.setdefault(id(value), copy.copy(value))
    return own


@functools.cache
def _assigned(file: str) -> frozenset[str]:
    """The names that functions of this file declare `global`."""
    try:
        with open(file, encoding="utf-8") as source:  # noqa: PTH123
            found = _GLOBAL.findall(source.read())
    except (OSError, UnicodeDecodeError):
        return frozenset()
    return frozenset(name.strip() for names in found for name in names.split(","))
