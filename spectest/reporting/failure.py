"""The facts of a failure, without a word of prose: what broke, what deviates, what happened.

Everything is read from the `Failure` itself, its error, plan and traces, so that a failure that was
saved and loaded reads the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from spectest.errors import Deadlock, Livelock, OracleViolation, SpectestError, Violation
from spectest.exploration.results import Confirmation, Failure, Report
from spectest.kernel.plan import OrderModel
from spectest.kernel.trace import NOWHERE, SourceLine, TraceEvent
from spectest.reporting.cast import Cast
from spectest.reporting.deviations import Deviation, deviations_of, program_events
from spectest.reporting.holdups import HoldUp, hold_ups_of
from spectest.reporting.interleaving import Row, rows_of
from spectest.reporting.places import Place, place_of
from spectest.source.lines import raised_at

__all__ = ["Breakage", "Ending", "Facts", "breakage_of", "facts_of"]


@dataclass(frozen=True, slots=True)
class Ending:
    """The exception that ended a thread: its type, the lines of its message, the user's line."""

    thread: str
    error: str
    message: tuple[str, ...]
    place: Place | None


@dataclass(frozen=True, slots=True)
class Breakage:
    """What broke.

    `error`: the type of the exception; of a group, of its first member. `message`: its lines.
    `place`: the user's line that raised it, None if there is none. `group`: the type of the group
    it came in, or "". `others`: how many more were in the group. `ours`: the message is one of
    this package's. `dead_threads`: what had ended threads before.
    """

    error: str
    message: tuple[str, ...]
    place: Place | None
    group: str = ""
    others: int = 0
    ours: bool = False
    dead_threads: tuple[Ending, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """All there is to say about one failure.

    `runs`: how many executions the search was allowed; `judged`: whether oracles were asked.
    `tasks`: the labels of all tasks, threads and jobs of pools, in order of appearance; `threads`:
    those of threads and jobs. `platform`: what the program runs on: "asyncio", if it used an event
    loop, or "threads". `rows`: the whole interleaving. `held_up`: which pools kept whom. The rest
    as in `Failure`.
    """

    program: str
    breakage: Breakage
    deviations: tuple[Deviation, ...]
    rows: tuple[Row, ...]
    tasks: tuple[str, ...]
    threads: frozenset[str]
    platform: Literal["asyncio", "threads"]
    held_up: tuple[HoldUp, ...]
    order_model: OrderModel
    confirmation: Confirmation | None
    token: str
    found_at: int
    runs: int
    judged: bool
    strategy: str
    shrunk_in: int


def facts_of(report: Report) -> Facts:
    """The facts of a report that has a failure."""
    failure = report.failure
    if failure is None:
        raise ValueError(f"the exploration of {report.program} found no failure")
    deviations = deviations_of(failure.plan, failure.trace, failure.stock_trace)
    breakage = breakage_of(failure)
    cast = Cast(failure.trace)
    return Facts(
        program=report.program,
        breakage=breakage,
        deviations=deviations,
        rows=tuple(_rows(failure, deviations, breakage)),
        tasks=cast.labels,
        threads=frozenset(cast.labels) - cast.tasks,
        platform="threads" if cast.threads and not cast.tasks else "asyncio",
        held_up=hold_ups_of(failure.trace),
        order_model=failure.order_model,
        confirmation=failure.confirmation,
        token=failure.token,
        found_at=failure.found_at,
        runs=report.settings.runs,
        judged=bool(report.settings.oracles),
        strategy=failure.strategy,
        shrunk_in=failure.shrunk_in,
    )


def _rows(failure: Failure, deviations: tuple[Deviation, ...], breakage: Breakage) -> Iterator[Row]:
    proof = set(_proof(failure))
    for row in rows_of(failure.trace, deviations, _raised_in_main(failure, breakage)):
        yield replace(row, proves=True) if row.number in proof else row


def _proof(failure: Failure) -> Iterator[int]:
    """The steps in which that happened to which the first of the verdicts refers."""
    if not isinstance(failure.error, OracleViolation) or not failure.error.verdicts:
        return
    numbers = failure.error.verdicts[0].events
    for event in failure.trace:
        if event.number in numbers:
            yield event.number if event.kind in ("step", "complete") else event.cause


def breakage_of(failure: Failure) -> Breakage:
    """What broke, and where."""
    error, group, others = failure.error, "", 0
    while isinstance(error, BaseExceptionGroup):
        group = group or type(error).__name__
        others += len(error.exceptions) - 1
        error = error.exceptions[0]
    # In a program of threads nothing can run any more at the very line where its main thread waits.
    where = NOWHERE if isinstance(error, Deadlock | Livelock) else raised_at(error)
    if not where and isinstance(error, Violation) and error.__cause__ is not None:
        where = raised_at(error.__cause__)
    if isinstance(error, OracleViolation):
        where = error.verdicts[0].where
    if not where and not isinstance(error, Violation):
        where = _last_raise(failure, type(error).__name__)
    dead = tuple(
        Ending(one.thread, one.error, _lines_of(one.message), place_of(one.where))
        for one in failure.dead_threads
    )
    name, lines = type(error).__name__, _lines_of(str(error))
    ours = isinstance(error, SpectestError)
    return Breakage(name, lines, place_of(where), group, others, ours, dead)


def _lines_of(message: str) -> tuple[str, ...]:
    return tuple(line.rstrip() for line in message.splitlines() if line.strip())


def _raised_in_main(failure: Failure, breakage: Breakage) -> tuple[str, SourceLine] | None:
    """How the main thread ended, if it is what failed: its type and place, else None.

    What a task raised, the trace has seen already.
    """
    told = any(e.kind == "return" or _ends_with(e, breakage.error) for e in failure.trace)
    if told or isinstance(failure.error, SpectestError):
        return None
    return breakage.error, raised_at(failure.error)


def _ends_with(event: TraceEvent, error: str) -> bool:
    return event.kind == "end" and event.detail == f"raised {error}" and not event.task


def _last_raise(failure: Failure, error: str) -> SourceLine:
    """Where the trace saw an exception of this type end a task."""
    for event in reversed(program_events(failure.trace)):
        if event.kind == "end" and event.detail == f"raised {error}" and event.where:
            return event.where
    return NOWHERE
