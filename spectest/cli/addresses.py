"""FILE::NAME, or package.module:name: from what is typed to the function it names."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from spectest.errors import UsageError

__all__ = ["load"]


def load(address: str, *, arguments: int = 0) -> tuple[Callable[[], Any], dict[str, Any]]:
    """The function, and the keywords of its marker or decorator.

    `arguments`: how many it may need.
    """
    from spectest.testing import marking_of

    place, separator, name = address.partition("::" if "::" in address else ":")
    if not separator or not place or not name:
        raise UsageError(f"{address!r} does not read FILE::NAME or package.module:name")
    function = _find(_module(place), name, address)
    marked: dict[str, Any] = {}
    for mark in getattr(function, "pytestmark", []):
        if getattr(mark, "name", "") == "spectest":
            marked = {**mark.kwargs, **marked}
    marking = marking_of(function)
    if marking is not None:
        function, marked = marking.function, {**marking.settings, **marked}
    _check_signature(function, address, arguments)
    return function, marked


def _find(module: ModuleType, name: str, address: str) -> Callable[..., Any]:
    found: Any = module
    for part in name.replace("::", ".").split("."):
        if not hasattr(found, part):
            raise UsageError(f"{address}: there is no {name!r} in {module.__name__}")
        found = getattr(found, part)
    if not callable(found):
        raise UsageError(f"{address}: {name!r} is {type(found).__name__}, not a function")
    return found  # type: ignore[no-any-return]


def _check_signature(function: Callable[..., Any], address: str, arguments: int) -> None:
    from spectest.exploration.execution import needed_parameters

    if hasattr(function, "hypothesis"):
        raise UsageError(f"{address} is a Hypothesis test; run it with pytest")
    needed = [parameter.name for parameter in needed_parameters(function)]
    if len(needed) > arguments:
        raise UsageError(
            f"{address} needs {', '.join(needed)}; explore a function without parameters, "
            "or run a test that takes fixtures with pytest"
        )


def _module(place: str) -> ModuleType:
    path = Path(place)
    if place.endswith(".py") and not path.is_file():
        raise UsageError(f"there is no file {place}")
    sys.path.insert(0, str(Path.cwd()))
    try:
        if not place.endswith(".py"):
            return importlib.import_module(place)
        return _imported_file(path.resolve())
    except (Exception, SystemExit) as error:
        raise UsageError(f"cannot import {place}: {type(error).__name__}: {error}") from error


def _imported_file(path: Path) -> ModuleType:
    """The module of a file: as `python FILE` sees it, or as a member of the packages around it."""
    parts = [path.stem]
    folder = path.parent
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    sys.path.insert(0, str(folder))
    if len(parts) > 1:
        return importlib.import_module(".".join(parts))
    # Under a name that no module of the standard library or of a package has taken.
    name = path.stem if path.stem not in sys.modules else f"{path.stem} ({path})"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
