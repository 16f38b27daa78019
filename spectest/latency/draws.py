"""Uniform numbers by name: who asks for what decides the number, not when or how often it is asked.

So every engine, process, platform and Python version draws the same, two configurations share what
they have in common (common random numbers), and nothing has to be drawn in order.

The name of a draw, without the request, is hashed to a key of 64 bits: the first eight bytes of
SHA-256. The number of request r is output r of SplitMix64 started at that key: Steele, Lea and
Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, with the constants of
https://prng.di.unimi.it/splitmix64.c. Its upper 52 bits, and a half, over 2**52, are the uniform.
"""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from spectest.latency import checks

__all__ = ["Draws", "KeyedStream"]

_BITS = 2**64 - 1
_GOLDEN = 0x9E3779B97F4A7C15


@dataclass(frozen=True, slots=True)
class Draws:
    """All uniform numbers of an experiment with this `seed`, an integer of any size, 0 or more."""

    seed: int

    def __post_init__(self) -> None:
        checks.fix(self, seed=checks.integer("Draws", "seed", self.seed, least=0))

    def uniform(self, request: int, branch: str, attempt: int = 1, kind: str = "latency") -> float:
        """A float in the open interval (0, 1): one of the 2**52 odd multiples of 2**-53.

        `request` is a number below 2**64, `attempt` counts from 1, and `kind` is what is drawn.
        """
        key = _key(self.seed, *_named(branch, attempt, kind), 0)
        return _unit(key, _numbered(request))

    def uniforms(self, requests: Any, branch: str, attempt: int = 1, kind: str = "latency") -> Any:
        """`uniform` of every request: a NumPy array of uint64 in, one of float64 out.

        Bit for bit what `uniform` gives, about a thousand times as fast. NumPy is not imported.
        """
        if str(getattr(requests, "dtype", None)) != "uint64":
            why = "is not an array of uint64; use numpy.arange(n, dtype=numpy.uint64)"
            raise checks.refusal("Draws.uniforms", "requests", requests, why)
        return _units(_key(self.seed, *_named(branch, attempt, kind), 0), requests)

    def stream(
        self, request: int, branch: str, attempt: int = 1, kind: str = "latency"
    ) -> KeyedStream:
        """More than one number under one name: `random()` gives `uniform(...)`, then others."""
        return KeyedStream(self.seed, _numbered(request), *_named(branch, attempt, kind))


class KeyedStream:
    """An endless sequence of uniform numbers under one name."""

    def __init__(self, seed: int, request: int, branch: str, attempt: int, kind: str) -> None:
        self._request = request
        self._name = (seed, branch, attempt, kind)
        self._place = 0

    def random(self) -> float:
        """The next number, in the open interval (0, 1)."""
        key = _key(*self._name, self._place)
        self._place += 1
        return _unit(key, self._request)


def _numbered(request: Any) -> int:
    number = checks.integer("Draws", "request", request, least=0)
    if number > _BITS:
        raise checks.refusal("Draws", "request", number, "is too large; use less than 2**64")
    return number


def _named(branch: str, attempt: int, kind: str) -> tuple[str, int, str]:
    for field, name in (("branch", branch), ("kind", kind)):
        if not isinstance(name, str):
            raise checks.refusal("Draws", field, name, "is not a name; use a string")
    return branch, checks.integer("Draws", "attempt", attempt, least=1), kind


@functools.lru_cache(maxsize=4096)
def _key(seed: int, branch: str, attempt: int, kind: str, place: int) -> int:
    name = json.dumps(["spectest.draws/1", seed, branch, attempt, kind, place], ensure_ascii=True)
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def _unit(key: int, request: int) -> float:
    bits = (request * _GOLDEN & _BITS) + (key + _GOLDEN & _BITS) & _BITS
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 & _BITS
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB & _BITS
    bits = bits ^ bits >> 31
    # 53 bits and a half would round to 1.0 at the upper end.
    return ((bits >> 12) + 0.5) * 2.0**-52


def _units(key: int, requests: Any) -> Any:
    """`_unit` of each, for an array of uint64, whose arithmetic wraps by itself."""
    bits = requests * _GOLDEN
    bits += key + _GOLDEN & _BITS
    bits ^= bits >> 30
    bits *= 0xBF58476D1CE4E5B9
    bits ^= bits >> 27
    bits *= 0x94D049BB133111EB
    bits ^= bits >> 31
    bits >>= 12
    uniforms = bits + 0.5
    uniforms *= 2.0**-52
    return uniforms
