"""What an exploration may do, in one frozen object checked once."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from spectest.ambient import parse_wall_start
from spectest.errors import UsageError
from spectest.faults import NO_FAULTS, FaultPlan
from spectest.kernel.plan import OrderModel, check_order
from spectest.oracles import Oracle, by_name
from spectest.strategies import NAMES
from spectest.threads.lines import EVERYWHERE
from spectest.world import Limits

__all__ = ["Settings"]

_LIMITS = Limits()
# A file may have a name that is no identifier, and so may its module.
_MODULE = re.compile(r"[\w-]+(\.[\w-]+)*")


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one exploration.

    `runs`: executions at most, the two of stock order included.
    `seed`: of the search, and of whatever the program draws at random.
    `strategy`: a name of `spectest.strategies.by_name`.
    `order`: the order model.
    `elasticity`: by which part of its length an undeclared sleep may stretch (0.1: 10 %).
    `exact`: modules whose sleeps never stretch, by dotted name.
    `lines`: modules of which every line is a choice point of its thread; "*": all of the user's.
    `stall_s`: how late threads may come back from sleeps and timeouts, in virtual seconds, in all.
    `faults`: what may go wrong with the calls of services: a `FaultPlan`, a fault, or several.
    `oracles`: who judges each execution: oracles of `spectest.oracles`, or names of some, or one.
    `leaks`: "error" (a task that outlives the program is a failure) or "ignore".
    `confirm`: whether a failure is tried in real time, on stock asyncio and real threads.
    `margin`: whether a clean search goes on to ask how far sleeps may stretch.
    `database`: whether failures are kept in `.spectest/` and tried first the next time.
    `coverage`: whether the report says which lines ran only under an unusual order.
    `wall_start`: where the wall clock begins, in ISO 8601 or as a `datetime`, with its time zone.
    `drain_s`, `max_steps`, `max_steps_at_once`, `max_virtual_s`: see `spectest.world.Limits`.
    """

    runs: int = 200
    seed: int = 0
    strategy: str = "portfolio"
    order: OrderModel = "ties"
    elasticity: float = 0.1
    exact: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    stall_s: float = _LIMITS.stall_s
    faults: FaultPlan = NO_FAULTS
    oracles: tuple[Oracle, ...] = ()
    leaks: Literal["error", "ignore"] = "error"
    confirm: bool = False
    margin: bool = False
    database: bool = False
    coverage: bool = False
    drain_s: float = _LIMITS.drain_s
    wall_start: str | dt.datetime = _LIMITS.wall_start
    max_steps: int = _LIMITS.max_steps
    max_steps_at_once: int = _LIMITS.max_steps_at_once
    max_virtual_s: float = _LIMITS.max_virtual_s

    def __post_init__(self) -> None:
        object.__setattr__(self, "exact", _modules("exact", self.exact))
        object.__setattr__(self, "lines", _modules("lines", self.lines))
        object.__setattr__(self, "faults", FaultPlan.of(self.faults))
        object.__setattr__(self, "oracles", _oracles(self.oracles))
        check_order(self.order)
        parse_wall_start(self.wall_start)
        for name, least in (("runs", 1), ("max_steps", 1), ("max_steps_at_once", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise UsageError(f"{name}={value!r} must be a whole number, {least} or more")
        for name in ("elasticity", "stall_s", "drain_s", "max_virtual_s"):
            value = getattr(self, name)
            if not _is_number(value) or not 0 <= value < math.inf:
                raise UsageError(f"{name}={value!r} must be a number, 0 or more, and finite")
        if type(self.seed) is not int:
            raise UsageError(f"seed={self.seed!r} must be a whole number")
        if self.leaks not in ("error", "ignore"):
            raise UsageError(f"leaks={self.leaks!r} must be 'error' or 'ignore'")
        for name in ("confirm", "margin", "database", "coverage"):
            if not isinstance(getattr(self, name), bool):
                raise UsageError(f"{name}={getattr(self, name)!r} must be True or False")
        if self.strategy not in NAMES:
            raise UsageError(
                f"strategy={self.strategy!r} is not a strategy; use one of {', '.join(NAMES)}"
            )

    @classmethod
    def of(cls, settings: dict[str, Any]) -> Settings:
        """Settings from keyword arguments; an unknown name is a `UsageError` that lists them."""
        known = {field.name for field in fields(cls)}
        for name in settings:
            if name not in known:
                raise UsageError(
                    f"{name!r} is not a setting of spectest; there are {', '.join(sorted(known))}"
                )
        return cls(**settings)

    def changed(self, **settings: Any) -> Settings:
        """A copy with other values."""
        return replace(self, **settings)

    @property
    def limits(self) -> Limits:
        """The part that a world obeys."""
        return Limits(
            elasticity=self.elasticity,
            exact=self.exact,
            lines=self.lines,
            stall_s=self.stall_s,
            faults=self.faults,
            oracles=self.oracles,
            leaks=self.leaks,
            drain_s=self.drain_s,
            wall_start=self.wall_start,
            max_steps=self.max_steps,
            max_steps_at_once=self.max_steps_at_once,
            max_virtual_s=self.max_virtual_s,
        )


def _modules(setting: str, value: Any) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise UsageError(f"{setting}={value!r} must be the dotted name of a module, or several")
    for name in names:
        everywhere = name == EVERYWHERE and setting == "lines"
        if not everywhere and (name.endswith(".py") or not _MODULE.fullmatch(name)):
            raise UsageError(
                f"{setting}={value!r} must be the dotted name of a module, or several; {name!r} is "
                "none.\n"
                "The file app/hits.py is the module app.hits, and a script that is run is __main__."
            )
    return tuple(names)


def _oracles(value: Any) -> tuple[Oracle, ...]:
    given = value if isinstance(value, list | tuple) else (value,)
    several = tuple(by_name(it) if isinstance(it, str) else it for it in given)
    for oracle in several:
        if isinstance(oracle, type) or not isinstance(oracle, Oracle):
            made = f"{oracle.__name__}()" if callable(oracle) else "spectest.oracles.tie_breaking()"
            raise UsageError(
                f"oracles={value!r} must be an oracle, or several; {oracle!r} is none.\n"
                f"It is made by a call, such as {made}"
            )
    return several


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
