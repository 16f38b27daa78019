"""Each program has the bug it says at the durations it says, and its twin has not."""

import ast
import asyncio
import inspect
import itertools
import random
import selectors
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Literal
from unittest import mock

import pytest

from benchmarks.programs import PROGRAMS, Program
from benchmarks.programs.registry import Main

STRETCH = 4.0
Duration = Callable[[int, float], float]
Ties = Callable[[int], float]


class ClockSelector(selectors.SelectSelector):
    """Has nothing to wait for, so it moves the clock."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("nothing is ready and nothing is scheduled: the program hangs")
        self.now += max(0.0, timeout)
        return []


class JumpingLoop(asyncio.SelectorEventLoop):
    """Stock asyncio on a clock that jumps; `ties` orders the timers of one instant."""

    def __init__(self, ties: Ties) -> None:
        self._clock = ClockSelector()
        super().__init__(self._clock)
        self._ties = ties
        self._timers = itertools.count(1)

    def time(self) -> float:
        return self._clock.now

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        # What lies within the clock's resolution (1 ns) is one instant, and so one poll.
        shift = 1e-13 * self._ties(next(self._timers))
        return super().call_at(round(when, 9) + shift, callback, *args, context=context)


class NumberedTask(asyncio.Task[Any]):
    """A task whose place in a set does not depend on its address."""

    def __init__(self, coro: Coroutine[Any, Any, Any], place: int, **options: Any) -> None:
        self._place = place
        super().__init__(coro, **options)

    def __hash__(self) -> int:
        return self._place


def task_factory(set_order: Literal[1, -1]) -> Any:
    numbers = itertools.count()

    def create(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> NumberedTask:
        return NumberedTask(coro, 1000 + set_order * next(numbers), loop=loop, **options)

    return create


@contextmanager
def sleeps_lasting(duration: Duration) -> Iterator[None]:
    stock = asyncio.sleep
    numbers = itertools.count()

    async def sleep(delay: float, result: object = None) -> object:
        return await stock(duration(next(numbers), delay) if delay > 0 else delay, result)

    with mock.patch.object(asyncio, "sleep", sleep):
        yield


def in_registration_order(timer: int) -> float:
    return timer


def in_reverse_order(timer: int) -> float:
    return -timer


def run(
    main: Main,
    duration: Duration = lambda _, delay: delay,
    ties: Ties = in_registration_order,
    set_order: Literal[1, -1] = 1,
) -> None:
    with asyncio.Runner(loop_factory=lambda: JumpingLoop(ties)) as runner:
        runner.get_loop().set_task_factory(task_factory(set_order))
        with sleeps_lasting(duration):
            runner.run(main())


def fails(main: Main, *args: Any, **options: Any) -> bool:
    try:
        run(main, *args, **options)
    except AssertionError:
        return True
    return False


def as_witnessed(program: Program) -> Duration:
    def duration(number: int, delay: float) -> float:
        given = program.witness[number] if number < len(program.witness) else 0.0
        return given or delay

    return duration


def as_witnessed_within_the_stretch(program: Program) -> Duration:
    """The k-th sleep of the twin may be another call than that of the program."""
    witnessed = as_witnessed(program)
    return lambda number, delay: min(max(witnessed(number, delay), delay), delay * STRETCH)


def at_random(seed: int, *, coincide: bool) -> tuple[Duration, Ties, Literal[1, -1]]:
    """Random durations and orders; on a grid of the sleeps' own lengths many coincide."""
    rng = random.Random(seed)

    def duration(_: int, delay: float) -> float:
        return delay * (rng.randint(1, 4) if coincide else rng.uniform(1.0, STRETCH))

    return duration, lambda _: rng.uniform(-1000.0, 1000.0), rng.choice((1, -1))


ORDERS: list[tuple[Ties, Literal[1, -1]]] = [
    (in_registration_order, 1),
    (in_registration_order, -1),
    (in_reverse_order, 1),
    (in_reverse_order, -1),
]

each = pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)


@each
def test_at_its_default_durations_it_passes_unless_it_says_otherwise(program: Program) -> None:
    assert fails(program.program) == program.fails_in_stock_order


@each
def test_the_witness_shows_the_bug(program: Program) -> None:
    duration = as_witnessed(program)
    shown = [fails(program.program, duration, *order) for order in ORDERS]
    by_sets = [shown[0] or shown[2], shown[1] or shown[3]]
    if program.needs == "order":
        assert all(shown), "durations alone do not suffice"
    elif program.needs == "coincidence":
        assert all(by_sets), "it takes a certain order of sets"
    else:
        assert sorted(by_sets) == [False, True], "one order of sets shows it, the other does not"


@each
def test_the_witness_stays_within_the_stretch(program: Program) -> None:
    asked: list[tuple[int, float]] = []

    def duration(number: int, delay: float) -> float:
        asked.append((number, delay))
        return as_witnessed(program)(number, delay)

    fails(program.program, duration)
    assert len(asked) >= len(program.witness)
    for number, delay in asked:
        assert delay <= as_witnessed(program)(number, delay) <= delay * STRETCH + 1e-12


@pytest.mark.parametrize(
    "program",
    [program for program in PROGRAMS if program.needs != "order"],
    ids=lambda program: program.name,
)
def test_what_needs_a_coincidence_is_not_shown_by_random_durations(program: Program) -> None:
    for seed in range(100):
        duration, _, _ = at_random(seed, coincide=False)
        assert not fails(program.program, duration)


@each
def test_the_fixed_twin_passes_at_default_and_witnessed_durations(program: Program) -> None:
    for ties, set_order in ORDERS:
        run(program.fixed, ties=ties, set_order=set_order)
        run(program.fixed, as_witnessed_within_the_stretch(program), ties, set_order)


@each
@pytest.mark.parametrize("coincide", [False, True])
def test_the_fixed_twin_passes_at_random_durations(program: Program, coincide: bool) -> None:
    for seed in range(200):
        run(program.fixed, *at_random(seed, coincide=coincide))


@each
def test_it_is_described(program: Program) -> None:
    assert program.fixed.__name__ == f"{program.name}_fixed"
    assert program.fixed.__module__ == program.program.__module__
    assert program.depth >= 1
    assert program.summary.endswith(".")


def test_names_are_unique() -> None:
    assert len({program.name for program in PROGRAMS}) == len(PROGRAMS)


@each
def test_it_imports_the_standard_library_only(program: Program) -> None:
    tree = ast.parse(inspect.getsource(sys.modules[program.program.__module__]))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or "."]
        )
    }
    assert imported <= sys.stdlib_module_names


async def ends_after_two_sleeps() -> None:
    await asyncio.sleep(0.010)
    await asyncio.sleep(0.010)
    assert asyncio.get_running_loop().time() < 0.025, "one of the two was slow"


async def waits_for_nothing() -> None:
    await asyncio.get_running_loop().create_future()


def test_the_stand_in_takes_its_durations_and_no_real_time() -> None:
    run(ends_after_two_sleeps)
    assert fails(ends_after_two_sleeps, lambda number, delay: 1e6 if number == 1 else delay)


def test_the_stand_in_notices_a_hang() -> None:
    with pytest.raises(RuntimeError, match="hangs"):
        run(waits_for_nothing)
