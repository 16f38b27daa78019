"""Bugs around pools are found, and programs that have none are left in peace."""

from collections.abc import Callable
from typing import Any

import pytest

import spectest
from tests.detection.pool_twins import BROKEN, HEALTHY

Program = Callable[[], Any]
SEEDS = [0, 1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 20))]


def name_of(program: Any) -> str | None:
    inner = getattr(program, "func", program)
    rest = [*getattr(program, "args", ()), *getattr(program, "keywords", {}).values()]
    name = getattr(inner, "__name__", None)
    return None if name is None else "-".join([name, *map(str, rest)])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("program, error", BROKEN, ids=name_of)
def test_a_broken_program_is_found(program: Program, error: str, seed: int) -> None:
    report = spectest.explore(program, runs=200, seed=seed)
    failure = report.failure
    assert failure is not None
    assert type(failure.error).__name__ in error.split("|")
    assert failure.found_at > 2, "it fails in stock order already"
    with pytest.raises(type(failure.error)):
        spectest.replay(program, failure.token)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("program", HEALTHY, ids=name_of)
def test_a_healthy_program_is_left_in_peace(program: Program, seed: int) -> None:
    assert spectest.explore(program, runs=200, seed=seed).failure is None


@pytest.mark.parametrize("program, error", [BROKEN[0], BROKEN[2], BROKEN[5]], ids=name_of)
def test_declared_latencies_alone_show_it(program: Program, error: str) -> None:
    failure = spectest.explore(program, order="strict", runs=200).failure
    assert failure is not None
    assert (type(failure.error).__name__, failure.order_model) == (error, "strict")
