"""What oracles are shown of a program beside its tasks and operations; said inside the program.

    async def program():
        audit = []
        watch.objects(audit=audit)
        watch.fact("audit short", lambda: len(audit) < 3)
        return await pipeline(audit)

    spectest.explore(program, oracles=[spectest.oracles.isolation(), ...])

State that is watched is left alone: it is read, never called. What changes is told to the trace as
an event "write", with the task or thread that did it, and the line. Facts are asked, notes are
taken, calls of an object are written down, where the program says so.

Outside of a world, and in one that no oracle judges, these functions do nothing, so that they may
stay in a test that runs without.
"""

from __future__ import annotations

import os
from contextvars import ContextVar
from types import ModuleType
from typing import TYPE_CHECKING, Any

from spectest.errors import UsageError
from spectest.watch.calling import calls
from spectest.watch.facts import fact, note
from spectest.watch.watcher import watcher

if TYPE_CHECKING:
    import sqlite3

__all__ = [
    "calls",
    "context",
    "directory",
    "environment",
    "fact",
    "module",
    "note",
    "objects",
    "sqlite",
]


def objects(**named: Any) -> None:
    """Watch objects and all they are made of, each under the name that reports give it.

    Containers, dataclasses and other objects with `__dict__` or slots, in circles, too. A change is
    told by its path: "audit[2]: absent -> 'llm'".
    """
    from spectest.watch.state import state_of_object

    one = watcher()
    if one is not None:
        for given, value in named.items():
            name = one.name_for(given)
            one.add(name, f"a {type(value).__name__}", state_of_object(name, value))


def module(module: ModuleType, *names: str) -> None:
    """Watch the globals of a module: these, or all but functions, classes and imported modules.

    Raises `UsageError` if it is no module, or has no such global.
    """
    from spectest.watch.state import state_of_module

    if not isinstance(module, ModuleType):
        raise UsageError(f"watch.module({module!r}): pass the module itself, imported")
    for name in names:
        if not hasattr(module, name):
            raise UsageError(f"watch.module: {module.__name__} has no global {name!r}")
    one = watcher()
    if one is not None:
        one.add(one.name_for(module.__name__), "a module", state_of_module(module, names))


def sqlite(database: str | os.PathLike[str] | sqlite3.Connection, *, name: str = "") -> None:
    """Watch the committed rows of an SQLite database, by its file or a connection to it.

    They are read by a connection of their own, read-only, that never waits and locks nobody out.
    `name`: what reports call it, otherwise the name of the file. Raises `UsageError` for a database
    in memory, of which only its own connection knows.
    """
    one = watcher()
    if one is None:
        return
    from spectest.watch.databases import Database, path_of

    path = path_of(database)
    if not path:
        raise UsageError(
            "watch.sqlite: a database in memory is known to its own connection only.\n"
            "Put it into a file, for instance in tempfile.TemporaryDirectory()."
        )
    name = one.name_for(name or os.path.basename(path))  # noqa: PTH119  # of any kind of path
    one.add(name, "an SQLite database", Database(name, path))


def directory(path: str | os.PathLike[str], *, name: str = "") -> None:
    """Watch the files below a directory: their names and what is in them.

    Symbolic links are not followed. `name`: what reports call it, otherwise its own name. Raises
    `UsageError` if it is no directory.
    """
    if not os.path.isdir(path):  # noqa: PTH112  # of any kind of path
        raise UsageError(f"watch.directory({os.fspath(path)!r}): there is no such directory")
    one = watcher()
    if one is None:
        return
    from spectest.watch.directories import Directory

    given = os.path.abspath(path)  # noqa: PTH100  # of any kind of path
    name = one.name_for(name or os.path.basename(given))  # noqa: PTH119  # likewise
    one.add(name, "a directory", Directory(name, given))


def environment() -> None:
    """Watch `os.environ` and the current directory."""
    from spectest.watch.state import Environment

    one = watcher()
    if one is not None:
        one.add(one.name_for("environment"), "the environment", Environment())


def context(*variables: ContextVar[Any]) -> None:
    """Watch context variables in the caller's own context, which a branch should have a copy of.

    Raises `UsageError` for anything that is no context variable.
    """
    from spectest.watch.state import state_of_context

    for variable in variables:
        if not isinstance(variable, ContextVar):
            raise UsageError(f"watch.context: {variable!r} is no contextvars.ContextVar")
    one = watcher()
    if one is not None:
        one.add(one.name_for("context"), "context variables", state_of_context(variables))
