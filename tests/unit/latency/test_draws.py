import math
import random
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest

from spectest.latency import Draws
from spectest.latency.draws import _GOLDEN, _unit

BITS = 2**64 - 1

# (seed, request, branch, attempt, kind), and the uniform in hexadecimal, exactly.
VECTORS: list[tuple[tuple[int, int, str, int, str], str]] = [
    ((0, 0, "a", 1, "latency"), "0x1.5d55ba2336035p-1"),
    ((0, 1, "a", 1, "latency"), "0x1.035c4c8c735b6p-2"),
    ((0, 0, "b", 1, "latency"), "0x1.cf2b1117cafd6p-2"),
    ((0, 0, "a", 2, "latency"), "0x1.11eec77f99045p-1"),
    ((1, 0, "a", 1, "latency"), "0x1.897080e5d5574p-3"),
    ((0, 0, "a", 1, "shock"), "0x1.d6b53a552ce83p-1"),
    (
        (1208925819614629174706176, 18446744073709551615, "modèle", 3, "latency"),
        "0x1.8a33a3604fdebp-1",
    ),
]


class Wrapping:
    """Arithmetic of an array of uint64, as NumPy does it: it wraps, and floats are per element."""

    dtype = "uint64"

    def __init__(self, numbers: list[int]) -> None:
        self.numbers = [number & BITS for number in numbers]

    def _each(self, function: Any) -> "Wrapping":
        return Wrapping([function(number) for number in self.numbers])

    def __mul__(self, other: float) -> Any:
        if isinstance(other, float):
            return [number * other for number in self.numbers]
        return self._each(lambda number: number * other)

    def __add__(self, other: float) -> Any:
        if isinstance(other, float):
            return Floats([number + other for number in self.numbers])
        return self._each(lambda number: number + other)

    def __and__(self, other: int) -> "Wrapping":
        return self._each(lambda number: number & other)

    def __rshift__(self, other: int) -> "Wrapping":
        return self._each(lambda number: number >> other)

    def __xor__(self, other: "Wrapping") -> "Wrapping":
        pairs = zip(self.numbers, other.numbers, strict=True)
        return Wrapping([one ^ two for one, two in pairs])


class Floats(list[float]):
    def __mul__(self, other: Any) -> "Floats":
        return Floats([number * other for number in self])


@pytest.mark.parametrize("name, expected", VECTORS)
def test_the_numbers_are_these_for_ever(name: Any, expected: str) -> None:
    seed, *rest = name
    assert Draws(seed).uniform(*rest).hex() == expected


def test_the_mixer_is_splitmix64() -> None:
    """The outputs for the seed 1234567, as published on Rosetta Code."""
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    drawn = [_unit(1234567, request) for request in range(3)]
    assert drawn == [((bits >> 12) + 0.5) * 2.0**-52 for bits in published]


def test_the_numbers_are_the_same_in_another_process() -> None:
    program = "from spectest.latency import Draws; print(Draws(20).uniform(5, 'llm').hex())"
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("0", "1")
    }
    assert printed == {Draws(20).uniform(5, "llm").hex()}


def test_an_array_that_wraps_gives_the_same_numbers() -> None:
    requests = [0, 1, 2, 1000, 2**32, 2**63, BITS]
    drawn = Draws(3).uniforms(Wrapping(requests), "llm", attempt=2)
    assert list(drawn) == [Draws(3).uniform(request, "llm", attempt=2) for request in requests]


def test_numpy_gives_the_same_numbers() -> None:
    numpy = pytest.importorskip("numpy")
    requests = numpy.arange(2000, dtype=numpy.uint64) * numpy.uint64(2**52 + 3)
    drawn = Draws(3).uniforms(requests, "llm")
    assert drawn.dtype == numpy.float64
    assert drawn.tolist() == [Draws(3).uniform(int(request), "llm") for request in requests]


def test_a_stream_begins_with_the_uniform_and_goes_on() -> None:
    draws = Draws(1)
    stream = draws.stream(7, "llm", attempt=2)
    drawn = [stream.random() for _ in range(5)]
    assert drawn[0] == draws.uniform(7, "llm", attempt=2)
    assert len(set(drawn)) == 5
    again = draws.stream(7, "llm", attempt=2)
    assert [again.random() for _ in range(5)] == drawn


def test_every_part_of_the_name_matters() -> None:
    names: list[tuple[Any, ...]] = [
        (1, "a"),
        (2, "a"),
        (1, "b"),
        (1, "a", 2),
        (1, "a", 1, "shock"),
        (1, "a\u00e9"),
    ]
    drawn = [Draws(seed).uniform(*name) for name in names for seed in (1, 2)]
    assert len(set(drawn)) == len(drawn)


def test_the_ends_of_the_interval_are_never_drawn() -> None:
    """SplitMix64 maps the state 0 to 0; nothing is below it, and all ones are below 1."""
    lowest = _unit(-_GOLDEN & BITS, 0)
    assert lowest == 2.0**-53
    assert ((2**64 - 1 >> 12) + 0.5) * 2.0**-52 == 1 - 2.0**-53


# Statistics with fixed numbers: they pass for ever, or the mixer has changed.


def columns(count: int) -> dict[str, list[float]]:
    """Uniforms of names that differ in one place only."""
    draws = Draws(0)
    streams = [draws.stream(request, "a") for request in range(count)]
    further = [(stream.random(), stream.random())[1] for stream in streams]
    return {
        "a": [draws.uniform(request, "a") for request in range(count)],
        "the next request": [draws.uniform(request + 1, "a") for request in range(count)],
        "the next branch": [draws.uniform(request, "b") for request in range(count)],
        "the next attempt": [draws.uniform(request, "a", 2) for request in range(count)],
        "the next seed": [Draws(1).uniform(request, "a") for request in range(count)],
        "another kind": [draws.uniform(request, "a", 1, "row") for request in range(count)],
        "further numbers": further,
    }


COLUMNS = columns(20_000)


@pytest.mark.parametrize("name", COLUMNS)
def test_the_numbers_are_uniform(name: str) -> None:
    """Chi-square on 100 cells, and the distance of Kolmogorov and Smirnov, both at 0.1 %."""
    drawn = sorted(COLUMNS[name])
    cells = Counter(int(u * 100) for u in drawn)
    expected = len(drawn) / 100
    assert sum((cells[cell] - expected) ** 2 / expected for cell in range(100)) < 148.2
    distance = max(
        max((place + 1) / len(drawn) - u, u - place / len(drawn)) for place, u in enumerate(drawn)
    )
    assert distance < 1.95 / math.sqrt(len(drawn))


@pytest.mark.parametrize("name", [name for name in COLUMNS if name != "a"])
def test_neighbours_are_independent(name: str) -> None:
    """The correlation of the numbers, and of their squares' cells, on a grid of 10 by 10."""
    one, other = COLUMNS["a"], COLUMNS[name]
    correlation = math.fsum((x - 0.5) * (y - 0.5) for x, y in zip(one, other, strict=True))
    assert abs(correlation * 12 / len(one)) < 4 / math.sqrt(len(one))
    cells = Counter((int(x * 10), int(y * 10)) for x, y in zip(one, other, strict=True))
    expected = len(one) / 100
    squares = ((cells[x, y] - expected) ** 2 for x in range(10) for y in range(10))
    assert sum(squares) / expected < 148.2


def test_the_statistics_can_fail() -> None:
    dull = random.Random(1)
    drawn = [dull.random() ** 1.05 for _ in range(20_000)]
    cells = Counter(int(u * 100) for u in drawn)
    assert sum((cells[cell] - 200) ** 2 / 200 for cell in range(100)) > 148.2
