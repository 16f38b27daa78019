import copy
import dataclasses
import enum
import functools
import io
import json
import pickle
import re
import threading
import zoneinfo
from abc import ABC, abstractmethod
from collections import Counter, OrderedDict, UserDict, defaultdict, deque
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from multiprocessing import get_context
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

import numpy as np
import pydantic
import pytest

from spectest.patterns.freezing import UnfreezableInput, freeze
from spectest.patterns.shields import FrozenDict, FrozenInputError, FrozenList, FrozenSet

Value = TypeVar("Value")


@dataclass
class User:
    name: str
    tags: list[str] = field(default_factory=list)

    @functools.cached_property
    def letters(self) -> int:
        return len(self.name)

    def renamed(self, name: str) -> "User":
        return type(self)(name, self.tags)


@dataclass(frozen=True, slots=True)
class Point:
    x: int
    notes: dict[str, Any]


class Slotted:
    __slots__ = ("__secret", "items", "unset")
    unset: int

    def __init__(self) -> None:
        self.items = [1]
        self.__secret = {2}

    def secret(self) -> Any:
        return self.__secret


class Half(Slotted):
    def __init__(self) -> None:
        super().__init__()
        self.more = [3]


class Model(pydantic.BaseModel):
    name: str
    tags: list[str]


class Colour(enum.Enum):
    RED = enum.auto()


def inputs() -> dict[str, Any]:
    return {"user": {"name": "Ann"}, "tags": ["a", ["b"]], "who": User("Ann", ["x"])}


# Changing them is refused, with the branch and the path.


@pytest.mark.parametrize(
    "change, path, act",
    [
        (lambda x: x["user"].__setitem__("name", "Bob"), "inputs['user']['name']", "set"),
        (lambda x: x["user"].__delitem__("name"), "inputs['user']['name']", "delete"),
        (lambda x: x["user"].pop("name"), "inputs['user']", "call pop() of"),
        (lambda x: x["user"].update(name="Bob"), "inputs['user']", "call update() of"),
        (lambda x: x.setdefault("user", 1), "inputs", "call setdefault() of"),
        (lambda x: x.clear(), "inputs", "call clear() of"),
        (lambda x: x.popitem(), "inputs", "call popitem() of"),
        (lambda x: x.__ior__({}), "inputs", "call __ior__() of"),
        (lambda x: x["tags"].append(1), "inputs['tags']", "call append() of"),
        (lambda x: x["tags"][1].sort(), "inputs['tags'][1]", "call sort() of"),
        (lambda x: x["tags"].__setitem__(0, 1), "inputs['tags'][0]", "set"),
        (lambda x: x["tags"].__setitem__(slice(0, 1), []), "inputs['tags'][slice(0, 1, None)]",
         "set"),
        (lambda x: x["tags"].__delitem__(0), "inputs['tags'][0]", "delete"),
        (lambda x: x["tags"].__iadd__([1]), "inputs['tags']", "call __iadd__() of"),
        (lambda x: x["tags"].__imul__(2), "inputs['tags']", "call __imul__() of"),
        (lambda x: setattr(x["who"], "name", "Bob"), "inputs['who'].name", "set"),
        (lambda x: delattr(x["who"], "name"), "inputs['who'].name", "delete"),
        (lambda x: x["who"].tags.remove("x"), "inputs['who'].tags", "call remove() of"),
        (lambda x: vars(x["who"]).update(name="B"), "inputs['who'].__dict__", "call update() of"),
    ],
)  # fmt: skip
def test_a_change_names_branch_and_path(change: Any, path: str, act: str) -> None:
    frozen = freeze(inputs(), "llm")
    with pytest.raises(FrozenInputError) as caught:
        change(frozen)
    error = caught.value
    assert (error.owner, error.path, error.act) == ("llm", path, act)
    assert str(error).startswith(f"branch 'llm' tried to {act} {path}; inputs are frozen")
    assert str(error).endswith("Change a copy: copy.deepcopy(inputs)")
    assert frozen == inputs()


@pytest.mark.parametrize(
    "kind, immutable, shield",
    [
        (dict, MappingProxyType, FrozenDict),
        (list, tuple, FrozenList),
        (set, frozenset, FrozenSet),
    ],
)
def test_every_method_that_changes_a_container_is_refused(
    kind: type, immutable: type, shield: type
) -> None:
    """What an immutable container of the same kind lacks is a mutator."""
    reading = {"__init__", "__reversed__", "copy", "fromkeys", "__setattr__", "__delattr__"}
    mutators = {name for name in vars(kind) if not hasattr(immutable, name)} - reading
    mutators |= {"__iand__", "__ior__", "__isub__", "__ixor__"} & vars(kind).keys()
    assert len(mutators) >= 7
    assert {name for name in mutators if name in vars(shield)} == mutators


def test_the_original_is_untouched_and_not_shared() -> None:
    original = inputs()
    frozen = freeze(original, "llm")
    original["user"]["name"] = "Bob"
    original["tags"][1].append("c")
    original["who"].tags.clear()
    assert frozen == inputs()
    assert type(original["who"]) is User


# They read like the originals.


def test_frozen_containers_are_dicts_and_lists_for_everybody_else() -> None:
    frozen = freeze({"a": [1, {"b": None}]}, "llm")
    assert frozen == {"a": [1, {"b": None}]}
    assert isinstance(frozen, dict)
    assert isinstance(frozen["a"], list)
    assert json.dumps(frozen) == '{"a": [1, {"b": null}]}'
    assert repr(frozen) == "{'a': [1, {'b': None}]}"
    assert frozen | {"c": 1} == {"a": [1, {"b": None}], "c": 1}
    assert type(frozen.copy()) is dict
    assert frozen["a"] + [2] == [1, {"b": None}, 2]


def test_a_frozen_dataclass_is_one_for_everybody_else() -> None:
    original = User("Ann", ["x"])
    frozen = freeze(original, "llm")
    assert isinstance(frozen, User)
    assert frozen == original
    assert repr(frozen) == repr(original) == "User(name='Ann', tags=['x'])"
    match frozen:
        case User(name=name):
            assert name == "Ann"
    assert dataclasses.asdict(frozen) == {"name": "Ann", "tags": ["x"]}
    assert (frozen.letters, frozen.letters) == (3, 3)
    assert "letters" not in vars(frozen)
    for made in (frozen.renamed("Bob"), dataclasses.replace(frozen, name="Bob")):
        made.name = "Cid"
        assert type(made) is User


def test_a_value_that_was_cached_before_is_still_the_cached_one() -> None:
    original = User("Ann")
    vars(original)["letters"] = 7
    assert freeze(original, "llm").letters == 7


def test_frozen_and_slotted_dataclasses() -> None:
    original = Point(1, {"a": [1]})
    frozen = freeze(original, "llm")
    assert frozen == original
    with pytest.raises(FrozenInputError, match=r"call append\(\) of inputs\.notes\['a'\]"):
        frozen.notes["a"].append(2)
    with pytest.raises(FrozenInputError, match=r"set inputs\.x;"):
        frozen.x = 2  # type: ignore[misc]


@pytest.mark.parametrize("kind", [Slotted, Half])
def test_slots_keep_their_values(kind: type[Slotted]) -> None:
    frozen = freeze(kind(), "llm")
    assert (frozen.items, frozen.secret()) == ([1], frozenset({2}))
    assert not hasattr(frozen, "unset")
    with pytest.raises(FrozenInputError, match=r"set inputs\.unset;"):
        frozen.unset = 1
    with pytest.raises(FrozenInputError, match=r"call append\(\) of inputs\.items;"):
        frozen.items.append(2)


class Box(Generic[Value]):
    def __init__(self, value: Value) -> None:
        self.value = value


def test_instances_of_generic_classes_know_their_parameters() -> None:
    frozen: Any = freeze(Box[list[int]]([1]), "llm")
    assert type(frozen).__mro__[2] is Box
    assert frozen.__orig_class__ == Box[list[int]]
    with pytest.raises(FrozenInputError, match=r"call append\(\) of inputs\.value;"):
        frozen.value.append(2)


def test_namespaces() -> None:
    original = SimpleNamespace(user="Ann", tags=["a"])
    frozen = freeze(original, "llm")
    assert frozen == original
    for change, path in (
        (lambda: setattr(frozen, "user", "Bob"), "inputs.user"),
        (lambda: frozen.tags.append("b"), "inputs.tags"),
    ):
        with pytest.raises(FrozenInputError) as caught:
            change()
        assert caught.value.path == path
    for mine in (copy.deepcopy(frozen), copy.deepcopy(pickle.loads(pickle.dumps(frozen)))):
        mine.tags.append("b")
        mine.user = "Bob"
        assert mine == SimpleNamespace(user="Bob", tags=["a", "b"])


def test_a_pydantic_model() -> None:
    original = Model(name="Ann", tags=["a"])
    frozen = freeze(original, "llm")
    assert frozen == original
    assert frozen.model_dump() == {"name": "Ann", "tags": ["a"]}
    with pytest.raises(FrozenInputError, match=r"set inputs\.name;"):
        frozen.name = "Bob"
    changed = frozen.model_copy(update={"name": "Bob"}, deep=True)
    changed.tags.append("b")
    assert changed == Model(name="Bob", tags=["a", "b"])


def test_subclasses_of_dict_and_list_stay_what_they_are() -> None:
    class Stack(list[int]):
        def __init__(self, items: Any = (1, 2)) -> None:
            super().__init__(items)
            self.limit = [9]

        def push(self, item: int) -> None:
            self[len(self) :] = [item]

    ordered = OrderedDict(a=1, b=2)
    ordered.move_to_end("a")
    groups = defaultdict(list, a=[1])
    original: list[Any] = [ordered, groups, Counter("aab"), Stack()]
    frozen: Any = freeze(original, "llm")
    assert frozen == original
    assert [isinstance(one, type(other)) for one, other in zip(frozen, original, strict=True)] == (
        [True] * 4
    )
    assert list(frozen[0]) == ["b", "a"]
    assert (frozen[1]["a"], frozen[2]["z"], frozen[3].limit) == ([1], 0, [9])
    changes: list[tuple[Any, str]] = [
        (lambda: frozen[0].move_to_end("b"), "inputs[0]"),
        (lambda: frozen[1]["new"], "inputs[1]['new']"),
        (lambda: frozen[2].subtract("a"), "inputs[2]"),
        (lambda: frozen[3].push(3), "inputs[3][slice(2, None, None)]"),
        (lambda: frozen[3].limit.clear(), "inputs[3].limit"),
    ]
    for change, path in changes:
        with pytest.raises(FrozenInputError) as caught:
            change()
        assert caught.value.path == path
    assert copy.deepcopy(frozen) == original


def test_registries_of_subclasses_are_not_told_of_shields() -> None:
    class Plugin(ABC):
        registry: list[type] = []  # noqa: RUF012

        def __init_subclass__(cls, *, name: str) -> None:
            cls.registry.append(cls)

        @abstractmethod
        def act(self) -> int: ...

    class One(Plugin, name="one"):
        def act(self) -> int:
            return 1

    frozen = freeze(One(), "llm")
    assert (frozen.act(), Plugin.registry) == (1, [One])
    assert isinstance(frozen, Plugin)


def test_sets_bytearrays_and_views_become_their_immutable_kin() -> None:
    original: Any = {"set": {1, 2}, "bytes": bytearray(b"ab"), "view": MappingProxyType({"a": [1]})}
    frozen: Any = freeze(original, "llm")
    assert [type(frozen["set"]), type(frozen["bytes"])] == [FrozenSet, bytes]
    assert frozen == {"set": {1, 2}, "bytes": b"ab", "view": {"a": [1]}}
    with pytest.raises(FrozenInputError, match=r"call append\(\) of inputs\['view'\]\['a'\];"):
        frozen["view"]["a"].append(2)
    with pytest.raises(FrozenInputError, match=r"call add\(\) of inputs\['set'\];"):
        frozen["set"].add(3)
    mine = copy.deepcopy(frozen)
    mine["set"].add(3)
    assert [mine["set"], copy.copy(frozen["set"]) | {4}] == [{1, 2, 3}, {1, 2, 4}]


class Pair(NamedTuple):
    left: Any
    right: int


def test_named_tuples_keep_their_names() -> None:
    frozen = freeze(Pair([1], 2), "llm")
    assert type(frozen) is Pair
    with pytest.raises(FrozenInputError, match=r"inputs\[0\]"):
        frozen.left.append(2)
    whole = Pair(1, 2)
    assert freeze(whole, "llm") is whole


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        10**30,
        0.5,
        1j,
        "text",
        b"bytes",
        range(3),
        datetime(2024, 1, 1, tzinfo=UTC),
        zoneinfo.ZoneInfo("UTC"),
        Decimal(1),
        Fraction(1, 3),
        UUID(int=1),
        Path("a"),
        re.compile("a"),
        Colour.RED,
        np.float64(1),
        np.dtype("f8"),
        len,
        inputs,
        User,
        ABC,
        json,
        (1, ("a", None)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_nothing_can_change_passes(value: object) -> None:
    assert freeze(value, "llm") is value


def test_arrays_are_copied_and_cannot_be_made_writable_again() -> None:
    original: Any = {"x": np.arange(3), "pair": (np.zeros(2), 1)}
    frozen = freeze(original, "llm")
    original["x"][0] = 9
    assert frozen["x"].tolist() == [0, 1, 2]
    for array in (frozen["x"], frozen["pair"][0]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.setflags(write=True)


# Shape.


def test_shared_values_stay_shared_and_cycles_stay_cycles() -> None:
    shared = [1]
    original: dict[str, Any] = {"a": shared, "b": (shared,), "c": [shared]}
    original["self"] = original
    original["tuple"] = (original, {"in": original})
    frozen = freeze(original, "llm")
    assert frozen["a"] is frozen["b"][0] is frozen["c"][0]
    assert frozen is frozen["self"] is frozen["tuple"][0] is frozen["tuple"][1]["in"]


def test_a_cycle_through_a_tuple() -> None:
    inner: list[Any] = []
    original = (inner,)
    inner.append(original)
    frozen = freeze(original, "llm")
    assert frozen[0][0] is frozen
    assert frozen is not original


def test_a_cycle_through_objects() -> None:
    class Node:
        def __init__(self) -> None:
            self.others = {self}

    frozen = freeze(Node(), "llm")
    assert frozen.others == {frozen}


def test_frozen_twice_belongs_to_the_second() -> None:
    first = freeze(inputs(), "llm")
    second = freeze(first, "rules")
    with pytest.raises(FrozenInputError, match="branch 'rules'"):
        second["who"].name = "Bob"
    with pytest.raises(FrozenInputError, match="branch 'llm'"):
        first["who"].name = "Bob"
    assert type(copy.deepcopy(second)["who"]) is User


# Copies and journeys.


def test_a_deep_copy_is_ordinary_all_the_way_down() -> None:
    original = inputs() | {"point": Point(1, {"a": [1]}), "half": Half()}
    original["again"] = original["tags"]
    mine = copy.deepcopy(freeze(original, "llm"))
    assert [type(value) for value in mine.values()] == [type(value) for value in original.values()]
    mine["user"]["name"] = "Bob"
    mine["tags"][1].append("c")
    mine["who"].tags.append("y")
    mine["who"].name = "Bob"
    mine["point"].notes["a"].append(2)
    mine["half"].more.append(4)
    assert mine["again"] is mine["tags"]
    vars(mine["who"])["name"] = "Cid"
    assert mine["who"].name == "Cid"


def test_a_shallow_copy_is_ordinary_and_its_content_frozen() -> None:
    frozen = freeze(inputs(), "llm")
    mine, who = copy.copy(frozen), copy.copy(frozen["who"])
    mine["new"] = 1
    who.name = "Bob"
    with pytest.raises(FrozenInputError):
        mine["tags"].append(1)
    with pytest.raises(FrozenInputError):
        who.tags.append(1)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickling_keeps_them_frozen_in_the_same_shape(protocol: int) -> None:
    original = inputs() | {
        "half": Half(),
        "set": {1},
        "array": (np.arange(2),),
        "point": Point(1, {}),
    }
    original["self"] = original
    original["ordered"] = OrderedDict(a=[1])
    original["groups"] = defaultdict(list, a=[1])
    arrived = pickle.loads(pickle.dumps(freeze(original, "llm"), protocol))
    assert arrived["self"] is arrived
    assert arrived["who"] == original["who"]
    assert (arrived["ordered"], arrived["groups"]) == ({"a": [1]}, {"a": [1]})
    for change, path in (
        (lambda: arrived["tags"][1].append(1), "inputs['tags'][1]"),
        (lambda: setattr(arrived["who"], "name", 1), "inputs['who'].name"),
        (lambda: vars(arrived["who"]).clear(), "inputs['who'].__dict__"),
        (lambda: arrived["set"].pop(), "inputs['set']"),
        (lambda: arrived["half"].more.append(1), "inputs['half'].more"),
        (lambda: arrived["groups"]["b"], "inputs['groups']['b']"),
        (lambda: arrived["ordered"]["a"].clear(), "inputs['ordered']['a']"),
    ):
        with pytest.raises(FrozenInputError) as caught:
            change()
        assert (caught.value.owner, caught.value.path) == ("llm", path)
    with pytest.raises(ValueError, match="read-only"):
        arrived["array"][0][0] = 1


def change_there(arrived: dict[str, Any]) -> None:
    arrived["who"].tags.append("y")


def test_another_process_is_refused_too_and_its_error_comes_back() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        future = pool.submit(change_there, freeze(inputs(), "llm"))
        with pytest.raises(FrozenInputError) as caught:
            future.result()
    assert (caught.value.owner, caught.value.path) == ("llm", "inputs['who'].tags")


# What cannot be frozen.


class Guarded:
    def __init__(self) -> None:
        self.lock = threading.Lock()


class Word(str):  # noqa: SLOT000
    pass


def stamped() -> Word:
    word = Word("a")
    word.seen = []  # type: ignore[attr-defined]
    return word


@pytest.mark.parametrize(
    "value, path",
    [
        ({"client": Guarded()}, "inputs['client'].lock"),
        ([io.StringIO()], "inputs[0]"),
        ((n for n in [1]), "inputs"),
        ([1].append, "inputs"),
        ({"q": deque()}, "inputs['q']"),
        (stamped(), "inputs"),
        (memoryview(b"a"), "inputs"),
        (ValueError("a"), "inputs"),
        ({(1, Guarded()): 1}, "inputs, in the key (1, <"),
        ({"all": {Guarded()}}, "inputs['all']<element>.lock"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_cannot_be_frozen_is_refused_with_its_path(value: object, path: str) -> None:
    with pytest.raises(UnfreezableInput) as caught:
        freeze(value, "llm")
    assert caught.value.path.startswith(path)
    assert str(caught.value).startswith(f"{caught.value.path} cannot be frozen for branch 'llm': ")
    assert "client= of the branch" in str(caught.value)
    assert " at 0x" not in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_arrays_of_objects_and_depths_are_refused() -> None:
    with pytest.raises(UnfreezableInput, match=r"value\.tolist\(\)"):
        freeze(np.array([[], None], dtype=object), "llm")
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(UnfreezableInput, match="nested too deeply"):
        freeze(deep, "llm")


def test_user_dicts_and_methods_lead_to_frozen_values() -> None:
    frozen: Any = freeze([UserDict(a=[1]), User("Ann").renamed], "llm")
    with pytest.raises(FrozenInputError, match=r"set inputs\[0\]\.data\['b'\]"):
        frozen[0]["b"] = 1
    with pytest.raises(FrozenInputError, match=r"inputs\[1\]\.__self__\.name"):
        frozen[1].__self__.name = "Bob"


def test_what_reaches_around_a_shield() -> None:
    """No sandbox: documented, so that nobody relies on more."""
    frozen = freeze({"a": 1}, "llm")
    dict.__setitem__(frozen, "a", 2)
    assert frozen == {"a": 2}
