import math
import pickle
import struct
from collections import UserDict
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest

from spectest.patterns.canonical import CanonicalError, canonical_json

# RFC 8785, appendix B: the bits of a double, and how it is written.
NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}


@pytest.mark.parametrize("bits, written", NUMBERS.items())
def test_the_numbers_of_the_rfc(bits: str, written: str) -> None:
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical_json(number) == written.encode()


def test_the_example_of_the_rfc() -> None:
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    assert canonical_json(value).decode() == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


def test_keys_are_sorted_by_utf_16_code_units() -> None:
    # RFC 8785, section 3.2.3. By code points, the Hebrew letter would come before the emoji.
    value = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    text = canonical_json(value).decode()
    names = sorted(value.values(), key=text.index)
    assert [name.partition(" ")[0].rstrip(":") for name in names] == [
        "Carriage",
        "One",
        "Control",
        "Latin",
        "Euro",
        "Emoji",
        "Hebrew",
    ]


def test_only_what_must_be_escaped_is() -> None:
    assert canonical_json('\b\t\n\f\r"\\/\x00\x1f\x7f\u2028é') == (
        b'"\\b\\t\\n\\f\\r\\"\\\\/\\u0000\\u001f\x7f\xe2\x80\xa8\xc3\xa9"'
    )


def test_an_int_and_the_same_number_as_a_float_are_the_same() -> None:
    assert canonical_json([1, -0.0, 10.0]) == canonical_json([1.0, 0, 10]) == b"[1,0,10]"
    assert canonical_json(2**53 - 1) == b"9007199254740991"


class Point(NamedTuple):
    x: int
    y: int


def test_tuples_are_arrays_and_mappings_objects() -> None:
    point = Point(1, 2)
    mappings: list[Any] = [MappingProxyType({"a": 1}), UserDict({"a": 1}), {}]
    assert canonical_json([(), point, *mappings]) == b'[[],[1,2],{"a":1},{"a":1},{}]'


def test_subclasses_of_text_and_numbers_are_what_they_hold() -> None:
    class Word(StrEnum):
        ONE = "one"

    class Number(IntEnum):
        TWO = 2

    value = {Word.ONE: [Word.ONE, Number.TWO, np.float64(0.5)]}
    assert canonical_json(value) == b'{"one":["one",2,0.5]}'


@dataclass
class User:
    name: str


@pytest.mark.parametrize(
    "value, path, why",
    [
        ({"user": [0, {"score": math.nan}]}, "inputs.user[1].score", "NaN has no JSON form; pass"),
        ([-math.inf], "inputs[0]", "-Infinity has no JSON form"),
        ({"id": 2**53}, "inputs.id", "9007199254740992 is beyond ±(2**53 - 1)"),
        (-(2**10_000), "inputs", "an int of 10001 bits is beyond"),
        ({"a b": {1: 2}}, "inputs['a b']", "has the key 1, which is no text"),
        (["a\ud800"], "inputs[0]", "the lone surrogate U+D800"),
        ({"\udc00": 1}, "inputs, in the key '\\udc00'", "the lone surrogate U+DC00"),
        ({"tags": {"a"}}, "inputs.tags", "an object of class set has no JSON form; pass a sorted"),
        (b"abc", "inputs", "pass text, for instance .hex()"),
        (Decimal(1), "inputs", "pass str(...) of it"),
        (datetime(2024, 1, 1, tzinfo=UTC), "inputs", "pass .isoformat() of it"),
        (User("Ann"), "inputs", "pass dataclasses.asdict(...) of it"),
        (np.zeros(2), "inputs", "pass .tolist() of it"),
        (object(), "inputs", "pass text, numbers, lists and dicts instead"),
    ],
)
def test_what_json_cannot_say_is_refused_with_its_path(value: Any, path: str, why: str) -> None:
    with pytest.raises(CanonicalError) as caught:
        canonical_json(value)
    assert caught.value.path == path
    assert caught.value.why.startswith(why) or why in caught.value.why
    assert str(caught.value) == f"{path}: {caught.value.why}"


def test_two_keys_that_are_written_alike_are_refused() -> None:
    class Word(StrEnum):
        ONE = "one"
        __hash__ = object.__hash__

    both = {"one": 1, Word.ONE: 2}
    assert len(both) == 2
    with pytest.raises(CanonicalError, match="two keys that are written 'one'"):
        canonical_json(both)


def test_a_cycle_is_refused_and_a_shared_value_is_not() -> None:
    shared = [1]
    cycle: dict[str, Any] = {"a": [shared, shared]}
    assert canonical_json(cycle) == b'{"a":[[1],[1]]}'
    cycle["a"].append(cycle)
    with pytest.raises(CanonicalError, match=r"inputs\.a\[2\]: contains itself"):
        canonical_json(cycle)


def test_too_deep_a_value_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(CanonicalError, match="nested too deeply"):
        canonical_json(deep)


def test_the_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(CanonicalError("inputs.a", "is wrong; mend it")))
    assert (str(error), error.path) == ("inputs.a: is wrong; mend it", "inputs.a")
