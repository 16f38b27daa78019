"""What a package promises can be imported, and pytest collects none of it."""

import importlib
import pkgutil
from types import ModuleType

import pytest

import simulators
import spectest


def modules_of(package: ModuleType) -> list[str]:
    found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    names = [package.__name__, *(module.name for module in found)]
    return [name for name in names if not name.endswith("__main__")]


MODULES = sorted(modules_of(spectest) + modules_of(simulators))


def missing_names(module: ModuleType) -> list[str]:
    return [name for name in getattr(module, "__all__", ()) if not hasattr(module, name)]


def collectable_names(module: ModuleType) -> list[str]:
    """Public callables that pytest would take for tests when imported into a test file."""
    names = set(dir(module)) | set(getattr(module, "__all__", ()))
    return sorted(
        name
        for name in names
        if name.startswith(("test", "Test")) and callable(getattr(module, name, None))
    )


@pytest.mark.parametrize("name", MODULES)
def test_promised_names_exist(name: str) -> None:
    assert missing_names(importlib.import_module(name)) == []


@pytest.mark.parametrize("name", MODULES)
def test_no_public_callable_looks_like_a_test(name: str) -> None:
    assert collectable_names(importlib.import_module(name)) == []


def test_the_facade_promises_something() -> None:
    assert getattr(spectest, "__all__", None)


def test_an_absent_name_is_found() -> None:
    module = ModuleType("module")
    module.__dict__.update(__all__=["absent", "present"], present=1)
    assert missing_names(module) == ["absent"]


def test_a_collectable_name_is_found() -> None:
    module = ModuleType("module")
    module.__dict__.update(tested=print, TestBed=object, testing=ModuleType("testing"), run=print)
    assert collectable_names(module) == ["TestBed", "tested"]
