"""A program gives the same log on stock asyncio and on ours."""

from __future__ import annotations

import pytest

from tests.conformance import edge_programs, programs
from tests.conformance.stock import real_log, stock_log, virtual_log, world_log

ALL = programs.ALL
assert edge_programs.callbacks in ALL.values()

# A world reports what stock asyncio tells the loop's exception handler when it collects garbage.
JUDGED = ("exceptions_nobody_retrieves",)
# In debug mode a future is printed with the line of the loop's that made it.
NAMES_FILES = ("printed",)
# Everything in these happens whole milliseconds apart, or at one deadline, so that a slow machine
# shows the same order.
ON_THE_REAL_CLOCK = ("eight_with_one_deadline", "eight_with_equal_lengths", "printed")


@pytest.mark.parametrize("name", ALL)
def test_a_bare_loop_gives_the_log_of_stock_asyncio(name: str) -> None:
    stock = stock_log(ALL[name])
    assert len(stock) > 1
    assert stock[-1] == ("result", None)
    assert virtual_log(ALL[name]) == stock


@pytest.mark.parametrize("name", [name for name in ALL if name not in NAMES_FILES])
def test_in_debug_mode_too(name: str) -> None:
    assert virtual_log(ALL[name], debug=True) == stock_log(ALL[name], debug=True)


@pytest.mark.parametrize("name", [name for name in ALL if name not in JUDGED])
def test_so_does_a_world_under_the_empty_plan(name: str) -> None:
    log = world_log(ALL[name])
    assert log == stock_log(ALL[name])


@pytest.mark.parametrize("name", ON_THE_REAL_CLOCK)
def test_so_does_stock_asyncio_on_the_real_clock(name: str) -> None:
    assert virtual_log(ALL[name]) == real_log(ALL[name])


def test_eight_that_share_a_deadline_wake_in_the_order_of_cpythons_heap() -> None:
    log = virtual_log(programs.eight_with_one_deadline)
    assert log[:-1] == [0, 1, 3, 7, 6, 2, 5, 4]


def test_the_clock_of_the_stock_side_is_not_ours() -> None:
    """The comparison can fail: a program that looks at the readings tells the two apart."""

    async def readings(log: programs.Log) -> None:
        loop = __import__("asyncio").get_running_loop()
        log.append(loop.time() == loop.time())

    assert virtual_log(readings) != stock_log(readings)
