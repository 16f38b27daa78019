"""A user's own freezegun or time-machine, in a program under exploration."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime as moment
from typing import Any

import pytest
from freezegun import api, freeze_time

import spectest
from spectest.ambient.freezers import Freezers

START = moment(2026, 1, 1)
FROZEN = moment(2020, 5, 5, 12)
STAMP = FROZEN.replace(tzinfo=dt.UTC).timestamp()


@pytest.fixture(autouse=True)
def stack_is_empty() -> Iterator[None]:
    yield
    assert [*api.freeze_factories, *api.tz_offsets, *api.ignore_lists, *api.tick_flags] == []
    assert time.monotonic is api.real_monotonic


async def nap_in_frozen_time() -> list[Any]:
    with freeze_time(FROZEN) as frozen:
        seen = [moment.now(), time.time(), time.time_ns(), time.gmtime()[:4]]
        await asyncio.sleep(1)
        time.sleep(1)
        seen += [moment.now(), time.monotonic(), time.perf_counter()]
        frozen.tick(60)
        seen += [moment.now(), dt.date.today()]
    return [*seen, moment.now(dt.UTC).replace(tzinfo=None)]


def test_inside_the_program_its_wall_clock_wins() -> None:
    after = START + dt.timedelta(seconds=2)
    minute = FROZEN + dt.timedelta(seconds=60)
    expected = [FROZEN, STAMP, int(STAMP * 1e9), (2020, 5, 5, 12), FROZEN, 2.0, 2.0]
    expected += [minute, minute.date(), after]
    assert spectest.run(nap_in_frozen_time) == expected
    assert spectest.explore(nap_in_frozen_time, runs=4).failure is None


def test_around_the_test_it_wins_as_well() -> None:
    async def program() -> list[Any]:
        seen = [moment.now(), time.time(), time.monotonic()]
        await asyncio.sleep(1)
        with freeze_time("1999-01-01"):
            seen.append(moment.now())
        done = threading.Event()
        threading.Timer(1, done.set).start()
        done.wait()
        return [*seen, moment.now(), time.monotonic()]

    expected = [FROZEN, STAMP, 0.0, moment(1999, 1, 1), FROZEN, 2.0]
    with freeze_time(FROZEN):
        assert spectest.run(program) == expected
        assert spectest.run(program) == expected
        assert spectest.explore(program, runs=4).failure is None
        assert time.time() == STAMP


def test_a_confirmation_keeps_real_time_while_the_test_is_frozen() -> None:
    async def loses() -> None:
        async with asyncio.timeout(0.0105):
            await asyncio.sleep(0.01)

    with freeze_time(FROZEN):
        failure = spectest.explore(loses, confirm=True).failure
    assert failure is not None
    assert failure.confirmation is not None
    assert failure.confirmation.confirmed


async def nap_in_ticking_time() -> list[Any]:
    with freeze_time(FROZEN, tick=True) as frozen:
        await asyncio.sleep(1)
        seen = [moment.now()]
        frozen.move_to(START)
        await asyncio.sleep(2)
        return [*seen, moment.now()]


def test_it_ticks_with_virtual_time() -> None:
    second = dt.timedelta(seconds=1)
    assert spectest.run(nap_in_ticking_time) == [FROZEN + second, START + 2 * second]


def test_what_ticks_around_the_test_begins_anew_in_each_execution() -> None:
    async def nap() -> moment:
        await asyncio.sleep(1)
        return moment.now()

    with freeze_time(FROZEN, tick=True):
        (clock,) = api.freeze_factories
        assert spectest.run(nap) == spectest.run(nap) == FROZEN + dt.timedelta(seconds=1)
        assert api.freeze_factories == [clock]


def test_an_offset_is_respected() -> None:
    def program() -> tuple[int, int]:
        with freeze_time(FROZEN, tz_offset=-3):
            return moment.now().hour, time.gmtime().tm_hour

    assert spectest.run(program) == (9, 12)


def test_what_an_execution_leaves_frozen_ends_with_it() -> None:
    def program() -> moment:
        before = moment.now(dt.UTC)
        freeze_time("1999-01-01").start()
        return before

    assert spectest.run(program).year == spectest.run(program).year == 2026
    assert moment.now().year >= 2026


def test_a_run_within_a_run_leaves_the_outer_one_frozen() -> None:
    def outer() -> list[int]:
        with freeze_time(FROZEN):
            inner = spectest.run(lambda: moment.now().year)
            return [inner, moment.now().year]

    assert spectest.run(outer) == [2020, 2020]


def test_a_real_thread_sees_real_time() -> None:
    frozen: list[bool] = []
    seen: list[int] = []

    def other() -> None:
        while not frozen:
            time.sleep(0.001)
        seen.append(moment.now().year)

    thread = threading.Thread(target=other, daemon=True)
    thread.start()

    def program() -> int:
        with freeze_time("1999-01-01"):
            frozen.append(True)
            while not seen:
                pass
            return moment.now().year

    assert spectest.run(program) == 1999
    thread.join()
    assert seen[0] >= 2026


def test_uninstalling_twice_takes_nothing_away() -> None:
    freezers = Freezers(lambda: None, lambda: None)
    put: Callable[[Any, Any, Any], None] = lambda owner, name, value: None  # noqa: E731
    with freeze_time(FROZEN):
        freezers.install(put)
        freezers.uninstall()
        freezers.uninstall()
        assert len(api.freeze_factories) == 1


def test_decorated_tests_and_fixtures(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import asyncio, datetime, time
        import pytest
        from freezegun import freeze_time

        @pytest.fixture
        def frozen():
            with freeze_time("2020-05-05") as clock:
                yield clock

        @freeze_time("2020-05-05")
        @pytest.mark.spectest(runs=5)
        async def test_decorated():
            await asyncio.sleep(1)
            assert datetime.datetime.now().year == 2020
            assert time.monotonic() == 1

        @pytest.mark.spectest(runs=5)
        async def test_fixture(frozen):
            await asyncio.sleep(1)
            assert datetime.date.today() == datetime.date(2020, 5, 5)
            assert time.monotonic() >= 1
        """
    )
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=2)


def test_nothing_is_imported_unless_something_is_explored(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys
        def test_plain(): assert "freezegun" not in sys.modules
        """
    )
    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=1)


class TestTimeMachine:
    @pytest.fixture(autouse=True)
    def machine(self) -> None:
        self.travel = pytest.importorskip("time_machine").travel

    def test_it_is_respected_inside_and_around(self) -> None:
        async def program() -> list[Any]:
            seen: list[Any] = [moment.now(dt.UTC).year]
            with self.travel("2021-01-01T00:00:00Z", tick=False):
                await asyncio.sleep(1)
                seen += [moment.now(dt.UTC).year, time.time(), time.monotonic()]
            return [*seen, moment.now(dt.UTC).year]

        there = moment(2021, 1, 1, tzinfo=dt.UTC).timestamp()
        assert spectest.run(program) == [2026, 2021, there, 1.0, 2026]
        with self.travel("1990-01-01T00:00:00Z", tick=False):
            assert spectest.run(program) == [1990, 2021, there, 1.0, 1990]
