from typing import Any

import numpy as np
import pytest

from simulators.scenario import ScenarioError
from simulators.sweeps.axes import Axis, axis, parse


@pytest.mark.parametrize(
    "text, values",
    [
        ("10,20", [10, 20]),
        ("1..4", [1, 2, 3, 4]),
        ("10..40:4", [10, 20, 30, 40]),
        ("1..10:3", [1.0, 5.5, 10.0]),
        (".3..0.95:14", [round(0.3 + 0.05 * place, 2) for place in range(14)]),
        (".3...5:3", [0.3, 0.4, 0.5]),
        ("1e-3..1e-1:2", [0.001, 0.1]),
        ("-1..1", [-1, 0, 1]),
        ("0.5, 2..3 ,7", [0.5, 2, 3, 7]),
        ("p50..p99:3", ["p50", "p74.5", "p99"]),
        ("p99.9,0.2", ["p99.9", 0.2]),
        ("immediate,never", ["immediate", "never"]),
        ("true,false,none", [True, False, None]),
    ],
)
def test_texts_say_what_lists_say(text: str, values: list[Any]) -> None:
    found = parse("policy.delay", text)
    assert found == Axis("policy.delay", tuple(values)) == axis("policy.delay", values)
    assert [type(value) for value in found.values] == [type(value) for value in values]


def test_numbers_of_numpy_are_numbers() -> None:
    assert axis("load", np.array([0.5, 0.25])) == Axis("load", (0.5, 0.25))
    assert axis("pools.gpu.capacity", np.arange(1, 3)).values == (1, 2)


@pytest.mark.parametrize(
    "values, told",
    [
        ("0.3..0.9", "axis 'load' is '0.3..0.9', which does not say how many values; use"),
        ("1..5:1", "does not say how many values; end it with :20"),
        ("1..5:x", "does not say how many values"),
        ("p50..p99", "does not say how many values"),
        ("5..1", "does not say how many values"),
        ("low..high:3", "is no range: 'low' is no end; use values such as"),
        ("1,,2", "axis 'load' is '', which is no value"),
        ("", "is no value"),
        ([], r"axis 'load' is \[\], which has no values"),
        ("1,2,1", "axis 'load' is 1, which is there twice; leave one"),
        (7, "is no list of values"),
        ({"low": 1}, "is no list of values"),
        ([float("nan")], "has no form in a file"),
        ([object], "has no form in a file"),
    ],
)
def test_what_is_no_axis_is_refused(values: Any, told: str) -> None:
    with pytest.raises(ScenarioError, match=told) as caught:
        axis("load", values)
    assert "\n" not in str(caught.value)
