"""`random`, `os.urandom` and what is built on them: the same draws in every execution.

`secrets`, `random.SystemRandom`, `uuid.uuid4` and NumPy's `default_rng()` all end at `os.urandom`.
The functions of `random` share one generator; an execution begins with it seeded from the plan, and
a thread that belongs to no world goes on with the generator as it was before.
"""

from __future__ import annotations

import functools
import importlib
import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from spectest.ambient.sources import Here, StandIn

__all__ = ["lent", "seed", "stand_ins"]

_shared: random.Random = random._inst
_of_others: random.Random | None = None
_real_seed = random.Random.seed
_FUNCTIONS = tuple(
    name for name, value in vars(random).items() if getattr(value, "__self__", None) is _shared
)


@contextmanager
def lent() -> Iterator[None]:
    """Give the generators of `random` and `numpy.random` back as they were, or as others left them.

    Threads outside of the world go on drawing meanwhile, from a copy.
    """
    global _of_others
    if "numpy" in sys.modules:  # It loads this part of itself on demand: in the first execution.
        importlib.import_module("numpy.random")
    outermost = _of_others is None
    state, numpy_state = _shared.getstate(), _numpy("get_state")
    if outermost:
        _of_others = random.Random(0)
        _of_others.setstate(state)
    try:
        yield
    finally:
        if outermost:
            assert _of_others is not None
            state, _of_others = _of_others.getstate(), None
        _shared.setstate(state)
        if numpy_state is not None:
            _numpy("set_state", numpy_state)


def seed(number: int) -> None:
    """Begin an execution."""
    _real_seed(_shared, number)
    _numpy("seed", number % 2**32)


def _numpy(name: str, *args: Any) -> Any:
    """Call that function of `numpy.random`, if that is loaded."""
    module = sys.modules.get("numpy.random")
    function = getattr(module, name, None)  # None while it is being imported.
    return None if function is None else function(*args)


def stand_ins(here: Here) -> list[StandIn]:
    """For the functions that draw, and for the seed of a `random.Random()` without one."""
    exchanged: list[StandIn] = [(random, name, _drawing(name, here)) for name in _FUNCTIONS]
    exchanged.append((random.Random, "seed", _seeding(here)))
    for name in ("urandom", "getrandom"):
        real = getattr(os, name, None)
        if real is not None:
            exchanged.append((os, name, _of_the_system(real, here)))
    return exchanged


def _drawing(name: str, here: Here) -> Callable[..., Any]:
    @functools.wraps(getattr(random, name))
    def draw(*args: Any, **kwargs: Any) -> Any:
        others = _of_others
        generator = _shared if others is None or here() is not None else others
        return getattr(generator, name)(*args, **kwargs)

    return draw


def _seeding(here: Here) -> Callable[..., None]:
    @functools.wraps(_real_seed)
    def seed(self: random.Random, a: Any = None, version: int = 2) -> None:
        if a is None:
            sources = here()
            if sources is not None:
                a = sources.stream("seeds").getrandbits(256)
        _real_seed(self, a, version)

    return seed


def _of_the_system(real: Callable[..., bytes], here: Here) -> Callable[..., bytes]:
    @functools.wraps(real)
    def draw(size: int, *args: Any, **kwargs: Any) -> bytes:
        sources = here()
        if sources is None or type(size) is not int or size < 0:
            return real(size, *args, **kwargs)
        return sources.urandom(size)

    return draw
