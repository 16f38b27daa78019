"""Which global names are a child's own, and that they come and go together."""

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spectest.executors.module_state import ModuleState

SOURCE = """
import threading
from collections import defaultdict
from os import getpid

model = None
names = ["a"]
same_names = names
counts = defaultdict(int)
lock = threading.Lock()
constant = 3

class Service:
    cache = {}

def load():
    global model, later
    model = "loaded"
    later = "made"

def forget():
    global model
    del model
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setitem(sys.modules, "module_of_two_names", None)
    (tmp_path / "module_with_state.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    module = sys.modules["module_of_two_names"] = importlib.import_module("module_with_state")
    yield module
    del sys.modules["module_with_state"]


def test_assignments_are_the_child_s(module: Any) -> None:
    state = ModuleState({})
    state.enter()
    module.load()
    assert (module.model, module.later) == ("loaded", "made")
    state.leave()
    assert module.model is None
    assert not hasattr(module, "later")
    module.model = "parent's"
    state.enter()
    assert (module.model, module.later) == ("loaded", "made")
    module.forget()
    state.leave()
    assert module.model == "parent's"
    state.enter()
    assert not hasattr(module, "model")
    state.leave()


def test_containers_are_copied_once(module: Any) -> None:
    module.names.append("b")
    state = ModuleState({})
    module.names.append("too late")
    state.enter()
    assert module.names == ["a", "b"]
    module.names.append("child's")
    assert module.same_names is module.names
    module.counts["x"] += 1
    state.leave()
    assert module.names == ["a", "b", "too late"]
    assert module.counts == {}
    state.enter()
    assert (module.names, dict(module.counts)) == (["a", "b", "child's"], {"x": 1})
    state.leave()


def test_what_is_neither_is_shared(module: Any) -> None:
    before = module.lock, module.Service, module.load
    state = ModuleState({})
    state.enter()
    assert (module.lock, module.Service, module.load) == before
    module.Service.cache["key"] = 1
    state.leave()
    assert module.Service.cache == {"key": 1}


def test_names_of_the_platform_have_another_meaning(module: Any) -> None:
    real = os.getpid
    state = ModuleState({os: {"getpid": lambda: 7, "no_such_function": lambda: 8}})
    state.enter()
    seen = os.getpid(), module.getpid(), hasattr(os, "no_such_function")
    state.leave()
    assert seen == (7, 7, False)
    assert os.getpid is module.getpid is real


def test_two_children_do_not_see_each_other(module: Any) -> None:
    first, second = ModuleState({}), ModuleState({})
    for number, state in enumerate((first, second)):
        state.enter()
        module.names.append(number)
        state.leave()
    first.enter()
    third = ModuleState({})
    first.leave()
    for state, names in ((first, ["a", 0]), (second, ["a", 1]), (third, ["a", 0])):
        state.enter()
        assert module.names == names
        state.leave()
    assert module.names == ["a"]
