"""The wall clock: `datetime.now`, `date.today`, `time.localtime` and their kin.

In a world it begins at a fixed instant and goes on with virtual time. The values are ordinary
`datetime` objects, which stay what they are when the run is over. Conversions to local time are the
platform's, so they depend on the time zone of the machine, as in production.

Why freezegun's own classes are not used for this is told in ADR 0009.
"""

from __future__ import annotations

import copyreg
import datetime as dt
import functools
import logging
import sys
import time
import typing
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from spectest.ambient.real import REAL
from spectest.ambient.sources import StandIn
from spectest.errors import UsageError

__all__ = ["WALL_START", "WallNs", "forget_types", "parse_wall_start", "stand_ins"]

WALL_START = "2026-01-01T00:00:00Z"
"""Where the wall clock of a world begins, unless a setting says otherwise."""

WallNs: TypeAlias = Callable[[], int | None]
"""Nanoseconds since 1970 for a thread of a world; None: the platform knows."""

_NowOf: TypeAlias = Callable[[dt.tzinfo | None], dt.datetime | None]

if TYPE_CHECKING:
    from datetime import date as _RealDate  # noqa: N812  # stays the name of a class
    from datetime import datetime as _RealDatetime  # noqa: N812
else:
    _RealDate, _RealDatetime = REAL.date, REAL.datetime

_EPOCH = _RealDatetime(1970, 1, 1, tzinfo=dt.UTC)
_UTCNOW_IS_DEPRECATED = (
    "datetime.datetime.utcnow() is deprecated and scheduled for removal. Use timezone-aware "
    "objects to represent datetimes in UTC: datetime.datetime.now(datetime.UTC)."
)


def parse_wall_start(value: Any) -> int:
    """Nanoseconds since 1970 of an ISO 8601 string or a `datetime`, with its offset from UTC."""
    instant = value
    if isinstance(value, str):
        try:
            instant = _RealDatetime.fromisoformat(value)
        except ValueError:
            instant = None
    if not isinstance(instant, _RealDatetime) or instant.utcoffset() is None:
        raise UsageError(
            f"wall_start={value!r} must be an instant: a datetime with a time zone, or a string "
            f"like {WALL_START!r}.\n"
            "Without an offset from UTC it would be another instant on another machine."
        )
    since = (instant - _EPOCH) // dt.timedelta(microseconds=1)
    if since < 0:
        raise UsageError(f"wall_start={value!r} is before 1970, where time.time begins")
    return since * 1000


def stand_ins(
    wall_ns: WallNs, elapsed_ns: WallNs, frozen: Callable[[], type[dt.datetime] | None]
) -> list[StandIn]:
    """For all that shows the date, and for the times in a log record.

    `elapsed_ns`: the same since the beginning of the world. `frozen`: the class that tells the
    date where the program has frozen it.
    """

    def now_of(tz: dt.tzinfo | None) -> dt.datetime | None:
        now_ns = wall_ns()
        if now_ns is None:
            return None
        theirs = frozen()
        return _at(now_ns, tz) if theirs is None else theirs.now(tz)

    return [
        *_broken_down(wall_ns),
        *_dates(wall_ns, now_of),
        (logging.LogRecord, "__init__", _recording(elapsed_ns)),
    ]


def _broken_down(wall_ns: WallNs) -> list[StandIn]:
    """The functions of `time` that look at the clock if they are not given a time."""

    def seconds() -> float | None:
        now_ns = wall_ns()
        return None if now_ns is None else now_ns // 10**9

    @functools.wraps(REAL.gmtime)
    def gmtime(secs: float | None = None, /) -> time.struct_time:
        return REAL.gmtime(seconds() if secs is None else secs)  # type: ignore[no-any-return]

    @functools.wraps(REAL.localtime)
    def localtime(secs: float | None = None, /) -> time.struct_time:
        return REAL.localtime(seconds() if secs is None else secs)  # type: ignore[no-any-return]

    @functools.wraps(REAL.ctime)
    def ctime(secs: float | None = None, /) -> str:
        return REAL.asctime(localtime(secs))

    @functools.wraps(REAL.asctime)
    def asctime(*of: Any) -> str:
        return REAL.asctime(*(of or (localtime(),)))

    @functools.wraps(REAL.strftime)
    def strftime(layout: str, *of: Any) -> str:
        return REAL.strftime(layout, *(of or (localtime(),)))  # type: ignore[no-any-return]

    ours = (gmtime, localtime, ctime, asctime, strftime)
    return [(time, function.__name__, function) for function in ours]


class _Meta(type):
    """A class that takes the instances of `stands_for` for its own.

    It is equal to the real one, so that `type(value) == datetime` holds, and has the same hash, so
    that a table of types finds one by the other. Caches of types have to be cleared when the run is
    over (`forget_types`), or else they would keep one for the other.
    """

    stands_for: type

    def __instancecheck__(cls, instance: object) -> bool:
        if _stands_in(cls):
            return isinstance(instance, cls.stands_for)
        return super().__instancecheck__(instance)

    def __subclasscheck__(cls, subclass: type) -> bool:
        if _stands_in(cls):
            return issubclass(subclass, cls.stands_for)
        return super().__subclasscheck__(subclass)

    def __eq__(cls, other: object) -> bool:
        return other is cls or (_stands_in(cls) and other is cls.stands_for)

    def __hash__(cls) -> int:
        return hash(cls.stands_for) if _stands_in(cls) else super().__hash__()

    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """A model of pydantic's that is defined during a run means the real class."""
        return handler.generate_schema(cls.stands_for) if _stands_in(cls) else handler(source)


def forget_types() -> None:
    """`typing` remembers `Optional[datetime]` and its kin, perhaps from a run."""
    for clear in typing._cleanups:  # type: ignore[attr-defined]
        clear()


def _stands_in(cls: _Meta) -> bool:
    """Whether it is not a subclass that a program has made."""
    return "stands_for" in vars(cls)


def _dates(wall_ns: WallNs, now_of: _NowOf) -> list[StandIn]:
    """`now_of`: the date in a time zone, None where the platform knows."""

    class Date(_RealDate, metaclass=_Meta):
        stands_for = _RealDate

        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            return _new(cls, args, kwargs)

        @classmethod
        def today(cls) -> Any:
            now = now_of(None)
            return super().today() if now is None else cls(now.year, now.month, now.day)

    class Datetime(_RealDatetime, metaclass=_Meta):
        stands_for = _RealDatetime

        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            return _new(cls, args, kwargs)

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            now = now_of(tz)
            return super().now(tz) if now is None else _as(cls, now)

        @classmethod
        def today(cls) -> Any:
            return cls.now()

        @classmethod
        def utcnow(cls) -> Any:
            if sys.version_info >= (3, 12):
                warnings.warn(_UTCNOW_IS_DEPRECATED, DeprecationWarning, stacklevel=2)
            now_ns = wall_ns()
            if now_ns is None:
                return super().now(dt.UTC).replace(tzinfo=None)
            return _as(cls, _at(now_ns, dt.UTC).replace(tzinfo=None))

    for cls in (Date, Datetime):
        cls.__module__ = "datetime"
        cls.__name__ = cls.__qualname__ = cls.stands_for.__name__
        cls.__doc__ = cls.stands_for.__doc__
    return [
        (dt, "date", Date),
        (dt, "datetime", Datetime),
        (copyreg.dispatch_table, _RealDate, _pickling(Date)),
        (copyreg.dispatch_table, _RealDatetime, _pickling(Datetime)),
    ]


def _pickling(cls: type) -> Callable[[Any], tuple[Any, ...]]:
    """A pickle names the class, and by that name there is now what stands for it."""

    def reduce(value: Any) -> tuple[Any, ...]:
        return cls, value.__reduce_ex__(4)[1]

    return reduce


def _new(cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if _stands_in(cls):
        return cls.stands_for(*args, **kwargs)
    return _base(cls).stands_for.__new__(cls, *args, **kwargs)


def _at(now_ns: int, tz: dt.tzinfo | None) -> dt.datetime:
    seconds, rest_ns = divmod(now_ns, 10**9)
    return _RealDatetime.fromtimestamp(seconds, tz).replace(microsecond=rest_ns // 1000)


def _as(cls: Any, now: dt.datetime) -> Any:
    """The same instant as an instance of a program's subclass."""
    if _stands_in(cls):
        return now
    parts = (now.year, now.month, now.day, now.hour, now.minute, now.second, now.microsecond)
    return cls(*parts, now.tzinfo, fold=now.fold)


def _base(cls: Any) -> Any:
    return next(base for base in cls.__mro__ if "stands_for" in vars(base))


def _recording(elapsed_ns: WallNs) -> Callable[..., None]:
    """`relativeCreated` counts from the beginning of the world."""
    real = logging.LogRecord.__init__

    @functools.wraps(real)
    def init(self: logging.LogRecord, *args: Any, **kwargs: Any) -> None:
        real(self, *args, **kwargs)
        since_ns = elapsed_ns()
        if since_ns is not None:
            self.relativeCreated = since_ns / 1e6

    return init
