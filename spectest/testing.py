"""One exploration becomes one test: it passes, or raises what the program itself raised.

The decorator, the pytest marker and the command all end here. The error is the original object of
the shrunk, replayed execution, so `pytest.raises`, introspection and `except` see what they would
see on stock asyncio; its traceback holds the user's lines and no frame of ours. The report travels
beside it: to whoever asked to be told, else as a note on the error.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import CoroutineType, TracebackType
from typing import Any, Literal, TypeVar, overload

from spectest import ambient
from spectest.errors import UsageError
from spectest.exploration.execution import Outcome, Program, check_meant_for, execute
from spectest.exploration.marking import Marking, mark, marking_of
from spectest.exploration.references import compared_with
from spectest.exploration.results import Failure, Report
from spectest.exploration.search import Search, name_of
from spectest.exploration.settings import Settings
from spectest.kernel import token as tokens
from spectest.kernel.plan import Plan
from spectest.promises import parts_of
from spectest.source.lines import PLATFORM, kind_of_file, related

__all__ = [
    "Marking",
    "bound",
    "check",
    "confirmed",
    "explored",
    "marking_of",
    "replayed",
    "run_once",
]

_PACKAGE = str(Path(__file__).resolve().parent)

# Exceptions with which a program leaves without a verdict, where they come from.
_SETS_ASIDE = {
    "_pytest.outcomes": ("Skipped", "XFailed"),
    "unittest.case": ("SkipTest",),
    "hypothesis.errors": ("UnsatisfiedAssumption",),
}
_DRAWS = {"hypothesis.strategies._internal.core": ("DataObject",)}
_BREAKS_OFF = {"_pytest.outcomes": ("Exit",), "hypothesis.errors": ("StopTest",)}

F = TypeVar("F", bound=Callable[..., Any])


# The decorator.


@overload
def explored(function: F, /) -> F: ...
@overload
def explored(**settings: Any) -> Callable[[F], F]: ...
def explored(function: Any = None, /, **settings: Any) -> Any:
    """Make a test explore its timings: `@explored` or `@explored(runs=500)`.

    The keywords are those of `spectest.explore`. The test keeps its parameters and becomes an
    ordinary function: call it, or let pytest collect it. Above or below `@given`, every example is
    explored.
    """
    Settings.of(settings)
    if function is None:
        return functools.partial(_explored, settings=settings)
    return _explored(function, settings=settings)


def _explored(function: Any, *, settings: dict[str, Any]) -> Any:
    if not callable(function) or isinstance(function, type):
        raise UsageError(f"explored() decorates a function, not {function!r}")
    handle = getattr(function, "hypothesis", None)
    if handle is not None and hasattr(handle, "inner_test"):
        handle.inner_test = _explored(handle.inner_test, settings=settings)
        return function
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        raise UsageError(
            f"`{function.__qualname__}` yields; only a function that returns can be explored"
        )

    @functools.wraps(function)
    def explore_all(*args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        check(bound(function, args, kwargs), Settings.of(settings))

    mark(explore_all, function, settings)
    return explore_all


def bound(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Program:
    """The program that calls `function` with these arguments, every time."""
    for name, value in kwargs.items():
        if _is_one_of(value, _DRAWS):
            raise UsageError(
                f"`{function.__qualname__}` draws from `{name}` (hypothesis.strategies.data) while "
                "it runs, so no two executions get the same input.\n"
                "Draw before it runs: in the arguments of @given, with builds or @composite."
            )
    return functools.update_wrapper(functools.partial(function, *args, **kwargs), function)


# The check.


def check(
    program: Program,
    settings: Settings | None = None,
    *,
    name: str | None = None,
    root: Path | None = None,
    mode: Literal["explore", "once"] = "explore",
    token: str | None = None,
    must_meet: bool = True,
    tell: Callable[[Report], None] | None = None,
) -> Report:
    """Explore `program` and raise what it failed with; the report if it held.

    `name`: under which failures are kept below `root`. `mode`: "once" runs it once, in stock order.
    `token`: run it once, as the token says; `must_meet`: it is an error if the token is about
    nothing that the program comes to. `tell`: is given the report before anything is raised;
    without it the report is a note on the error.

    A program that skips itself in its first execution skips the test; one that does so only in some
    timings has not failed in them.
    """
    __tracebackhide__ = True
    settings = settings or Settings()
    guarded = _Guarded(program)
    try:
        if token is not None:
            report = replayed(guarded, token, settings, name=name, must_meet=must_meet)
        elif mode == "once":
            report = run_once(guarded, settings, name=name)
        else:
            report = Search(guarded, settings, name=name, root=root).report()
    except _NoVerdict as left:
        raise left.error  # noqa: B904  # what the program raised is no consequence of ours
    if report.failure is not None:
        _trim(report.failure.error)
    if tell is not None:
        tell(report)
    if report.failure is None:
        return report
    error = report.failure.error
    if tell is None:
        error.add_note(_text(report))
    raise error


def run_once(program: Program, settings: Settings, *, name: str | None = None) -> Report:
    """One execution in stock order, as a report."""
    plan = Plan(order=settings.order, seed=settings.seed)
    with ambient.lent():
        stock = execute(program, plan, settings.limits, record=True)
    return _report_of(stock, stock, "stock order", settings, name or name_of(program))


def replayed(
    program: Program,
    token: str,
    settings: Settings,
    *,
    name: str | None = None,
    must_meet: bool = True,
) -> Report:
    """One execution as `token` says, as a report; without a failure if nothing fails (any more)."""
    plan = tokens.decode(token)
    with ambient.lent():
        stock_plan = Plan(order=plan.order, seed=plan.seed)
        stock = execute(program, stock_plan, settings.limits, record=True)
        limits = compared_with(stock, settings.limits)
        outcome = execute(program, plan, limits, record=True)
    if must_meet:
        check_meant_for(name or name_of(program), outcome)
    return _report_of(outcome, stock, "replay", settings, name or name_of(program))


def confirmed(program: Program, report: Report) -> Report:
    """The same report, its failure tried in real time, on stock asyncio and real threads."""
    from spectest.exploration.confirmation import confirm_plan

    failure = report.failure
    if failure is None:
        return report
    answer = confirm_plan(_Guarded(program), failure.plan, report.settings, expected=failure.error)
    return replace(report, failure=replace(failure, confirmation=answer))


def _report_of(
    outcome: Outcome, stock: Outcome, strategy: str, settings: Settings, name: str
) -> Report:
    failure = None
    if outcome.error is not None:
        assert outcome.trace is not None
        assert stock.trace is not None
        failure = Failure(
            error=outcome.error,
            plan=outcome.plan,
            order_model=outcome.order_model,
            trace=outcome.trace,
            stock_trace=stock.trace,
            found_at=1,
            strategy=strategy,
            shrunk_in=0,
            dead_threads=outcome.dead_threads,
        )
    return Report(name, settings, executions=1, complete=False, failure=failure)


def _text(report: Report) -> str:
    from spectest.reporting import text

    return text.render(report)


# Programs that leave without a verdict.


class _NoVerdict(UsageError):
    """Carries a skip through the search, which lets errors of usage pass."""

    error: BaseException


class _Guarded:
    """The program; leaving without a verdict ends the search in the first execution."""

    def __init__(self, program: Program) -> None:
        self.__wrapped__ = getattr(program, "__wrapped__", program)
        self._program = program
        self._first = True

    def __call__(self) -> Any:
        first, self._first = self._first, False
        try:
            result = self._program()
        except BaseException as error:
            if _has_verdict(error, first=first):
                raise
            return None
        main, check = parts_of(result)
        if not inspect.iscoroutine(main):
            return result
        guarded: Any = _guarded(main, first=first)
        guarded.__name__, guarded.__qualname__ = main.__name__, main.__qualname__
        return guarded if check is None else (guarded, check)


async def _guarded(coroutine: CoroutineType[Any, Any, Any], *, first: bool) -> Any:
    try:
        return await coroutine
    except BaseException as error:
        if _has_verdict(error, first=first):
            raise


def _has_verdict(error: BaseException, *, first: bool) -> bool:
    if _is_one_of(error, _BREAKS_OFF) or (first and _is_one_of(error, _SETS_ASIDE)):
        raise _NoVerdict("the program left without a verdict", error=error)
    return not _is_one_of(error, _SETS_ASIDE)


def _is_one_of(value: object, kinds: Mapping[str, tuple[str, ...]]) -> bool:
    return any(
        isinstance(value, getattr(sys.modules[module], name))
        for module, names in kinds.items()
        if module in sys.modules
        for name in names
        if hasattr(sys.modules[module], name)
    )


# Tracebacks.


def _trim(error: BaseException) -> None:
    """Leave the user's frames: none of ours, and nothing of asyncio above the first of theirs."""
    for one in related(error):
        one.__traceback__ = _trimmed(one.__traceback__)


def _trimmed(traceback: TracebackType | None) -> TracebackType | None:
    entries: list[TracebackType] = []
    ours = False
    while traceback is not None:
        filename = traceback.tb_frame.f_code.co_filename
        ours = filename.startswith(_PACKAGE)
        if not ours and (entries or kind_of_file(filename) != PLATFORM):
            entries.append(traceback)
        traceback = traceback.tb_next
    while ours and entries and _kind(entries[-1]) == PLATFORM:
        # What we raised, we raised on behalf of the user's line, not of asyncio's.
        entries.pop()
    rebuilt = None
    for entry in reversed(entries):
        rebuilt = TracebackType(rebuilt, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return rebuilt


def _kind(entry: TracebackType) -> int:
    return kind_of_file(entry.tb_frame.f_code.co_filename)
