"""Equal deadlines fire in the order of CPython's own heap, cancelled and pruned timers included."""

import asyncio
import selectors
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spectest.eventloop.loop import VirtualEventLoop
from spectest.exploration.execution import execute
from spectest.kernel.plan import Plan
from spectest.world import Limits

pytestmark = pytest.mark.usefixtures("one_installation")
# What to do: schedule a timer at this moment, or cancel the timer of this number.
Act = tuple[str, int]


class _Selector(selectors.SelectSelector):
    """Nothing ever arrives; waiting moves the clock."""

    def __init__(self, loop: "StockLoop") -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "stock asyncio would wait for ever"
        self._loop.now += timeout
        return []


class StockLoop(asyncio.SelectorEventLoop):
    """CPython's own loop; only its clock is not real."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_Selector(self))
        self._clock_resolution = 2.0**-30

    def time(self) -> float:
        return self.now


def fired(loop: asyncio.AbstractEventLoop, acts: Sequence[Act]) -> list[int]:
    """The numbers of the timers in the order in which they fire; acts are done two at a time."""
    log: list[int] = []
    timers: list[asyncio.TimerHandle] = []

    async def main() -> None:
        # Binary fractions, so that no clock has to round.
        for step, (act, number) in enumerate(acts):
            if act == "start":
                when = max(loop.time(), number / 8)
                timers.append(loop.call_at(when + 0.0, log.append, len(timers)))
            elif timers:
                timers[number % len(timers)].cancel()
            if step % 2:
                await asyncio.sleep(0)
        rest: asyncio.Future[None] = loop.create_future()
        loop.call_at(1_000.0, rest.set_result, None)
        await rest

    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
    return log


acts = st.lists(
    st.one_of(
        st.tuples(st.just("start"), st.integers(1, 4)),
        st.tuples(st.just("cancel"), st.integers(0, 200)),
    ),
    max_size=40,
)
# Enough cancelled timers that CPython rebuilds its heap.
many = [("start", n % 3 + 1) for n in range(130)] + [("cancel", 7 * n) for n in range(110)]


@settings(deadline=None)
@given(acts)
@example(many)
@example([("start", 1)] * 9 + [("start", 2), ("cancel", 3), ("start", 1)])
def test_equal_deadlines_fire_in_the_order_of_stock_asyncio(acts: Sequence[Act]) -> None:
    assert fired(VirtualEventLoop(), acts) == fired(StockLoop(), acts)


class Stock:
    """Always 0."""

    def choose(self, n: int, label: str, chains: Sequence[int]) -> int:
        return 0


def program(acts: Sequence[Act]) -> Callable[[], Any]:
    async def main() -> list[int]:
        loop = asyncio.get_running_loop()
        log: list[int] = []
        timers: list[asyncio.TimerHandle] = []
        for act, number in acts:
            if act == "start":
                timers.append(loop.call_at(number / 8, log.append, len(timers)))
                asyncio.ensure_future(asyncio.sleep(number / 16))
            elif timers:
                timers[number % len(timers)].cancel()
        await asyncio.sleep(2)
        return log

    return main


@settings(deadline=None, max_examples=50)
@given(acts)
@example(many)
def test_a_chooser_that_answers_0_keeps_that_order_among_stretching_sleeps(
    acts: Sequence[Act],
) -> None:
    limits = Limits(elasticity=0.5)
    stock = execute(program(acts), Plan(), limits)
    lazy = execute(program(acts), Plan(), limits, chooser=Stock())
    assert lazy.error is stock.error is None
    assert lazy.result == stock.result
