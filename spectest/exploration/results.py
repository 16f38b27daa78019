"""What an exploration found, as plain facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from spectest.exploration.settings import Settings
from spectest.kernel import token
from spectest.kernel.cancellation import Way
from spectest.kernel.plan import OrderModel, Plan
from spectest.kernel.trace import SourceLine, Trace
from spectest.threads.endings import DeadThread

__all__ = [
    "Confirmation",
    "Coverage",
    "CoveredFile",
    "Failure",
    "Kind",
    "Margin",
    "Point",
    "Report",
    "Sweep",
    "SweepCoverage",
    "UnusualLine",
]


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Whether stock asyncio shows the failure too, at the same durations, in real time.

    `confirmed`; `tries`: real runs made; `reason`: why not, in a sentence, or what was done.
    """

    confirmed: bool
    tries: int
    reason: str


@dataclass(frozen=True, slots=True)
class Margin:
    """How far undeclared sleeps may stretch before the program fails.

    `holds_up_to`: the largest factor at which no failure was found (1.31: every sleep may take up
    to 1.31 times its length). `failure`: at the next larger one, None if none was found at all.
    """

    holds_up_to: float
    failure: Failure | None


@dataclass(frozen=True, slots=True)
class Failure:
    """The counterexample, shrunk.

    `error`: what was raised. `plan`: few and short holds that show it. `order_model`: the
    weakest that allows them. `trace`: the failing execution. `stock_trace`: the same program in
    stock order. `found_at`: number of the execution that found it, from 1. `strategy`: who found
    it. `shrunk_in`: executions that shrinking took. `confirmation`: None if it was not asked for.
    `dead_threads`: those that had ended with an exception of their own before.
    """

    error: BaseException
    plan: Plan
    order_model: OrderModel
    trace: Trace
    stock_trace: Trace
    found_at: int
    strategy: str
    shrunk_in: int
    confirmation: Confirmation | None = None
    dead_threads: tuple[DeadThread, ...] = ()

    @property
    def token(self) -> str:
        """The replay token."""
        return token.encode(self.plan)


@dataclass(frozen=True, slots=True)
class UnusualLine:
    """A line that ran in executions that deviate from stock order, and never in stock order.

    `line`: its number. `first`: number of the first execution in which it ran, from 1.
    `executions`: how many ran it. `plan`: of those, the deviations of the one with the fewest.
    """

    line: int
    first: int
    executions: int
    plan: Plan

    @property
    def token(self) -> str:
        """The replay token of `plan`."""
        return token.encode(self.plan)


@dataclass(frozen=True, slots=True)
class CoveredFile:
    """A file of the user's own, and which of its lines ran when; all in order.

    `file`: its absolute path. `stock`: lines that ran in stock order. `unusual`: those that ran
    only under an unusual order. `never`: those that did not run, of functions that did.
    """

    file: str
    stock: tuple[int, ...]
    unusual: tuple[UnusualLine, ...]
    never: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which lines of the user's own files ran in stock order, and which only under another one.

    Lines are counted as coverage.py does: a statement by its first line, what its configuration
    excludes not at all. `files`: by path. `stock_executions`, `unusual_executions`: how many
    were in stock order, and how many deviated from it. `remark`: why a measurement by coverage.py
    that is going on has no contexts of single executions, or "".
    """

    files: tuple[CoveredFile, ...]
    stock_executions: int
    unusual_executions: int
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The answer of `explore`.

    `program`: its name. `executions`: how many were made, shrinking not included. `complete`: the
    search was exhaustive: no other execution exists under these settings; with the strategy
    "orders", no other order of completions. `confidence`: what this
    many clean runs are worth, one line for each depth. `stock_trace`: the program in stock order,
    if it was kept. `coverage`: which lines ran when, if it was asked for.
    if it was kept. `sometimes`: the names that the program asked `spectest.sometimes` for, and
    whether they were ever true.
    """

    program: str
    settings: Settings
    executions: int
    complete: bool
    failure: Failure | None
    confidence: tuple[str, ...] = ()
    margin: Margin | None = None
    notes: tuple[str, ...] = field(default=())
    stock_trace: Trace | None = field(default=None, repr=False)
    coverage: Coverage | None = None
    sometimes: Mapping[str, bool] = field(default_factory=dict)


Kind = Literal["before", "at", "after"]
Ending = Literal["cancelled", "survived", "failed", "not reached"]


@dataclass(frozen=True, slots=True)
class Point:
    """One cancellation of a sweep.

    `task`: the label of the task that is at an await; `number`: of the await, from 1; `where`: the
    line at which it waits; `waits_for`: the operation, or the task, that lets it go on, "" if it
    only lets others run.
    `kind`: before that, at it, or right after, which is before the await that follows.
    `by`: the "task" itself is cancelled, or the program, by its "caller", or a "timeout" around the
    program expires.
    `outcome`: "cancelled"; "survived": it ended otherwise; "failed": with `error`; "not reached".
    `token`: repeats it.
    """

    task: str
    number: int
    where: SourceLine
    waits_for: str
    kind: Kind
    by: Way
    outcome: Ending
    error: BaseException | None
    token: str


@dataclass(frozen=True, slots=True)
class SweepCoverage:
    """How much of a program a sweep has cancelled.

    `awaits`: how many there are in stock order, of all tasks. `reached`: at how many of them a
    cancellation took effect. `cancellations`: how many did, each in an execution of its own.
    """

    awaits: int
    reached: int
    cancellations: int


@dataclass(frozen=True, slots=True)
class Sweep:
    """The answer of `sweep`.

    `failures`: one for each different failure, in order of their points; the one of stock order, if
    the program fails without any cancellation. `executions`: how many were made, shrinking not
    included.
    """

    program: str
    settings: Settings
    points: tuple[Point, ...]
    failures: tuple[Failure, ...]
    coverage: SweepCoverage
    executions: int
    stock_trace: Trace | None = field(default=None, repr=False)

    @property
    def failure(self) -> Failure | None:
        """The first one, or None."""
        return self.failures[0] if self.failures else None
