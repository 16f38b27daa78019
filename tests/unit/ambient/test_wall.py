"""The wall clock of a world."""

from __future__ import annotations

import asyncio
import copy
import datetime as dt
import logging
import pickle
import time
import typing
import zoneinfo
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from datetime import datetime as moment
from typing import Any

import pytest

import spectest
from spectest.ambient import WALL_START, parse_wall_start
from spectest.errors import UsageError

START = moment(2026, 1, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def test_it_begins_at_one_instant_and_goes_with_virtual_time() -> None:
    async def program() -> list[Any]:
        first = [moment.now(dt.UTC), time.time()]
        await asyncio.sleep(90.5)
        return [*first, moment.now(dt.UTC), time.time(), time.time_ns()]

    later = START + dt.timedelta(seconds=90.5)
    stamp = START.timestamp()
    assert spectest.run(program) == [
        START,
        stamp,
        later,
        stamp + 90.5,
        int(stamp * 1e9) + 90_500_000_000,
    ]


def test_local_time_is_that_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def program() -> list[Any]:
        return [
            moment.now(),
            moment.today(),
            moment.now().timestamp(),
            time.localtime()[:5],
            date.today(),
        ]

    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        seen = spectest.run(program)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert seen[0] == seen[1] == moment(2025, 12, 31, 19)
    assert seen[2:] == [START.timestamp(), (2025, 12, 31, 19, 0), date(2025, 12, 31)]


def test_other_zones() -> None:
    tokyo = zoneinfo.ZoneInfo("Asia/Tokyo")
    assert spectest.run(lambda: moment.now(tokyo)) == START.astimezone(tokyo)


@pytest.mark.parametrize(
    "wall_start",
    ["1999-12-31T23:59:59+01:00", moment(1999, 12, 31, 22, 59, 59, tzinfo=dt.UTC)],
)
def test_it_begins_where_a_setting_says(wall_start: Any) -> None:
    seen = spectest.run(lambda: moment.now(dt.UTC).isoformat(), wall_start=wall_start)
    assert seen == "1999-12-31T22:59:59+00:00"


@pytest.mark.parametrize(
    "wall_start, complaint",
    [
        ("2026-01-01", "Without an offset from UTC"),
        ("yesterday", "must be an instant"),
        (moment(2026, 1, 1), "with a time zone"),
        (0, "like '2026-01-01T00:00:00Z'"),
        ("1969-12-31T23:00:00Z", "before 1970"),
    ],
)
def test_a_beginning_that_is_none_is_refused(wall_start: Any, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        spectest.run(lambda: None, wall_start=wall_start)


def test_microseconds_survive_the_arithmetic() -> None:
    assert parse_wall_start("2026-01-01T00:00:00.000001Z") - parse_wall_start(WALL_START) == 1000


def test_whoever_looks_again_and_again_sees_time_pass() -> None:
    def program() -> None:
        until = moment.now() + dt.timedelta(seconds=1)
        while moment.now() < until:
            pass

    spectest.run(program)


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
def test_values_are_ordinary_ones() -> None:
    seen = spectest.run(lambda: [moment.now(), moment.utcnow(), moment(2020, 1, 2), date.today()])
    assert [type(value) for value in seen] == [moment, moment, moment, date]
    assert seen[1] == START.replace(tzinfo=None)


def test_classes_stand_for_the_real_ones() -> None:
    real = moment(2020, 1, 2)

    def program() -> None:
        assert isinstance(real, moment)
        assert isinstance(real, dt.date)
        assert not isinstance(date(2020, 1, 2), moment)
        assert issubclass(moment, date)
        assert type(real) == moment  # noqa: E721
        assert type(real) in (date, moment)
        assert moment.strptime("2020-01-02", "%Y-%m-%d") == real
        assert moment.fromisoformat("2020-01-02") == real
        assert moment.combine(date(2020, 1, 2), dt.time()) == real
        assert copy.deepcopy(real) == real
        assert repr(moment) == "<class 'datetime.datetime'>"
        assert moment.min < real < moment.max

    spectest.run(program)


def test_no_cache_of_types_keeps_one_that_stood_in() -> None:
    special: Any = typing.Final

    def program() -> Any:
        return special[moment]

    assert spectest.run(program).__args__[0] is not moment
    assert program().__args__[0] is moment


def test_a_subclass_that_the_program_makes() -> None:
    def program() -> None:
        class Stamp(moment):
            pass

        now = Stamp.now(dt.UTC)
        assert type(now) is Stamp
        assert type(now + DAY) is Stamp
        assert now == START
        assert isinstance(now, moment)
        assert not isinstance(moment.now(), Stamp)
        assert not issubclass(moment, Stamp)

    spectest.run(program)


def test_dates_pass_through_pickles() -> None:
    values = (START, date(2020, 1, 2), moment, date)
    stored = pickle.dumps(values)

    def program() -> list[bytes]:
        now = (moment.now(dt.UTC), date(2020, 1, 2), moment, date)
        made = [pickle.dumps(now, protocol) for protocol in range(2, 6)]
        assert [pickle.loads(one) for one in made] == [values] * 4
        assert pickle.loads(stored) == values
        return made

    assert [pickle.loads(one) for one in spectest.run(program)] == [values] * 4


def test_dates_pass_to_the_child_of_a_process_pool() -> None:
    async def program() -> Any:
        loop = asyncio.get_running_loop()
        with ProcessPoolExecutor() as pool:
            return await loop.run_in_executor(pool, next_day, moment.now(dt.UTC))

    assert spectest.run(program) == START + DAY


def next_day(of: moment) -> moment:
    return of + DAY


def test_records_of_a_log() -> None:
    async def program() -> list[Any]:
        await asyncio.sleep(2)
        record = logging.makeLogRecord({})
        return [record.created, record.relativeCreated]

    assert spectest.run(program) == [START.timestamp() + 2, 2000]


def test_a_model_of_pydantic_may_be_defined_during_a_run() -> None:
    import pydantic

    def program() -> Any:
        from datetime import date, datetime

        class Order(pydantic.BaseModel):
            at: datetime
            due: date | None = None

        return Order, Order(at=datetime.now(dt.UTC), due=date.today())

    order, made = spectest.run(program)
    assert type(made.at) is dt.datetime
    assert type(made.due) is dt.date
    again = order.model_validate_json(made.model_dump_json())
    assert again == made
    with pytest.raises(pydantic.ValidationError):
        order(at="soon")
