"""What Hypothesis offers works with drawn timings and with searched ones."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import (
    example,
    given,
    reproduce_failure,
    settings,
    target,
)
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase

import spectest
from spectest.hypothesis import plans
from spectest.strategies.drawn import Departure, DrawnPlan

pytestmark = pytest.mark.usefixtures("one_installation")

Test = Callable[..., Any]
PLAN = DrawnPlan((Departure(0, option=4, hold=3),))


async def race(size: int) -> None:
    """Whoever is first in a set of tasks wins; the second may overtake when it is late."""
    finished: list[int] = []

    async def finish(number: int) -> None:
        await asyncio.sleep(0.100 + number / 200)
        finished.append(number)

    tasks = {asyncio.ensure_future(finish(number)) for number in range(size)}
    done, _ = await asyncio.wait(tasks)
    assert len(done) == len(tasks)
    assert finished == sorted(finished), finished


def drawn(**options: Any) -> Test:
    @settings(**{"database": None, "max_examples": 300, **options})
    @given(size=st.integers(1, 4), plan=plans())
    def test_it(size: int, plan: DrawnPlan) -> None:
        spectest.run(lambda: race(size), plan=plan)

    return test_it


def searched(**options: Any) -> Test:
    @settings(**{"database": None, "max_examples": 20, **options})
    @given(size=st.integers(1, 4))
    @spectest.explored(runs=20)
    async def test_it(size: int) -> None:
        await race(size)

    return test_it


def outermost(**options: Any) -> Test:
    """The other order of decorators."""

    @spectest.explored(runs=20)
    @settings(**{"database": None, "max_examples": 20, **options})
    @given(size=st.integers(1, 4))
    async def test_it(size: int) -> None:
        await race(size)

    return test_it


ways = pytest.mark.parametrize("make", [drawn, searched, outermost])


def failure_of(test: Test) -> str:
    """The notes of its failure; it is the program's own, and not a flaky one."""
    with pytest.raises(AssertionError) as caught:
        test()
    return "\n".join(caught.value.__notes__)


@ways
def test_sets_of_tasks_are_not_flaky_and_the_input_is_small(make: Callable[..., Test]) -> None:
    assert "size=2" in failure_of(make(derandomize=True))


@ways
def test_a_failure_can_be_reproduced_from_its_blob(
    make: Callable[..., Test], capsys: pytest.CaptureFixture[str]
) -> None:
    notes = failure_of(make(derandomize=True, print_blob=True))
    found = re.search(r"@reproduce_failure\('([\d.]+)', b?'([^']+)'\)", notes)
    assert found is not None, notes
    capsys.readouterr()
    failure_of(reproduce_failure(found[1], found[2].encode())(make(derandomize=True)))
    assert "size=2" in capsys.readouterr().out


def test_the_database_has_the_failure_first() -> None:
    database = InMemoryExampleDatabase()
    sizes: list[int] = []

    @settings(database=database, max_examples=300)
    @given(size=st.integers(1, 4), plan=plans())
    def test_it(size: int, plan: DrawnPlan) -> None:
        sizes.append(size)
        spectest.run(lambda: race(size), plan=plan)

    failure_of(test_it)
    assert len(sizes) > 5
    sizes.clear()
    failure_of(test_it)
    assert sizes[0] == 2


def test_an_explicit_example_comes_first() -> None:
    seen: list[tuple[int, DrawnPlan]] = []

    @settings(database=None, max_examples=1)
    @example(size=1, plan=PLAN)
    @given(size=st.just(1), plan=plans())
    def test_it(size: int, plan: DrawnPlan) -> None:
        seen.append((size, plan))
        spectest.run(lambda: race(size), plan=plan)

    test_it()
    assert seen[0] == (1, PLAN)


def test_a_target_is_climbed() -> None:
    @settings(database=None, max_examples=50, derandomize=True)
    @given(size=st.integers(1, 4), plan=plans(order="strict"))
    def test_it(size: int, plan: DrawnPlan) -> None:
        target(float(size))
        spectest.run(lambda: race(size), plan=plan)

    test_it()
