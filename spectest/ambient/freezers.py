"""freezegun and time-machine in a program under exploration: their wall clock wins.

freezegun keeps a stack of clocks, of which the last one counts. While a run lasts, the first one is
the world's: it shows virtual time, so a `freeze_time` in the program is pushed on top of it and is
popped again, as where `freeze_time` blocks are nested. freezegun exchanges functions only for the
first of them, and so never touches the stand-ins of the world.

Virtual time goes on while the wall clock is frozen, and `tick=True` ticks with it.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from spectest.ambient.real import REAL
from spectest.ambient.wall import WallNs

__all__ = ["Freezers", "travelling"]

_EPOCH = REAL.datetime(1970, 1, 1)
_MICROSECOND = dt.timedelta(microseconds=1)


def travelling() -> bool:
    """Whether time-machine is active; it reaches the platform's own functions."""
    module = sys.modules.get("time_machine")
    return module is not None and module.escape_hatch.is_travelling()


class Freezers:
    """The place of a world in freezegun's stack.

    `unfrozen_ns`: the wall clock of the world, None for a thread that is of no world; `elapsed_ns`:
    the same since the world began.
    """

    def __init__(self, unfrozen_ns: WallNs, elapsed_ns: WallNs) -> None:
        self._unfrozen_ns = unfrozen_ns
        self._elapsed_ns = elapsed_ns
        self._entry = self._show
        self._clocks: list[Any] = [self._entry]
        self._around: list[tuple[Any, Any]] = []
        self._api: Any = None

    def install(self, put: Callable[[Any, str, Any], None]) -> None:
        """Go below whatever the user has frozen already. `put`: exchanges a name of a module."""
        try:
            # Loaded later, by the program, it would take the stand-ins of the world for real.
            from freezegun import api
        except ImportError:
            return
        self._api, self._clocks = api, api.freeze_factories
        ticking = _ticking(api.TickingDateTimeFactory, self._elapsed_ns)
        for place, clock in enumerate(self._clocks):
            if type(clock) is api.TickingDateTimeFactory:
                self._clocks[place] = ticking.around(clock)
                self._around.append((self._clocks[place], clock))
        put(api, "TickingDateTimeFactory", ticking)
        entry = (self._entry, dt.timedelta(0), (), False)
        for stack, part in zip(self._stacks, entry, strict=True):
            stack.insert(0, part)

    @property
    def _stacks(self) -> tuple[list[Any], ...]:
        api = self._api
        if api is None:
            return ()
        return api.freeze_factories, api.tz_offsets, api.ignore_lists, api.tick_flags

    @contextmanager
    def thawed_after(self) -> Iterator[None]:
        """What an execution freezes and does not free again does not outlive it."""
        depth = len(self._clocks)
        try:
            yield
        finally:
            for stack in self._stacks:
                del stack[depth:]

    def uninstall(self) -> None:
        """Leave the stack as it was found."""
        if self._entry in self._clocks:
            for stack in self._stacks:
                del stack[0]
        for ours, clock in self._around:
            if ours in self._clocks:
                self._clocks[self._clocks.index(ours)] = clock
        self._around.clear()
        self._api, self._clocks = None, [self._entry]

    def frozen_ns(self) -> int | None:
        """Nanoseconds since 1970 that the user's clock shows; None if nothing is frozen."""
        clock = self._clocks[-1]
        return None if clock is self._entry else (clock() - _EPOCH) // _MICROSECOND * 1000

    def frozen_class(self) -> type[dt.datetime] | None:
        """What tells the date where it is frozen: it knows of `tz_offset`."""
        return None if self._clocks[-1] is self._entry else self._api.FakeDatetime

    def _show(self) -> dt.datetime:
        """The world's own entry: the time in UTC, without a time zone, as freezegun has it."""
        now_ns = self._unfrozen_ns()
        if now_ns is None:
            now_ns = REAL.time_ns()
        return _EPOCH + _MICROSECOND * (now_ns // 1000)


def _ticking(base: Any, elapsed_ns: WallNs) -> Any:
    class VirtualTicking(base):  # type: ignore[misc]
        """A clock of freezegun that ticks with virtual time."""

        def __init__(self, time_to_freeze: dt.datetime, start: dt.datetime) -> None:
            super().__init__(time_to_freeze, start)
            self.since_ns = elapsed_ns()
            self.original: Any = self

        @classmethod
        def around(cls, original: Any) -> Any:
            """For one that ticks already: in each execution it begins where it was frozen."""
            clock = cls(original.time_to_freeze, original.start)
            clock.original, clock.since_ns = original, 0
            return clock

        def __call__(self) -> dt.datetime:
            now_ns, since_ns, clock = elapsed_ns(), self.since_ns, self.original
            if now_ns is None or since_ns is None:
                shown: dt.datetime = base.__call__(clock)
            else:
                shown = clock.time_to_freeze + _MICROSECOND * ((now_ns - since_ns) // 1000)
            return shown

        def move_to(self, target_datetime: Any) -> None:
            super().move_to(target_datetime)
            self.since_ns = elapsed_ns()

    return VirtualTicking
