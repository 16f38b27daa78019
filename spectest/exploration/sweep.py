"""The cancellation sweep: every task is cancelled at every await, one at a time.

An execution in stock order lists the awaits: each suspension of each task of the program. Then each
of them is cancelled in an execution of its own, before the completion it waits for and when that
has come; so is the whole program at these moments, by its caller and by a timeout. That is linear
in the number of awaits, and exhaustive for one cancellation in stock order; the search of timings
is `explore`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, get_args

from spectest import ambient
from spectest.errors import UsageError
from spectest.eventloop.cancellations import Await
from spectest.exploration.execution import Outcome, Program, check_program
from spectest.exploration.results import Ending, Failure, Kind, Point, Sweep, SweepCoverage
from spectest.exploration.search import Search
from spectest.exploration.settings import Settings
from spectest.kernel import token as tokens
from spectest.kernel.cancellation import Cancellation, Moment, Way
from spectest.kernel.plan import Plan
from spectest.threads.patching import installed
from spectest.watch.steps import steps_logged

__all__ = ["KINDS", "Sweeper", "sweep"]

_MOMENTS: tuple[Kind, ...] = get_args(Kind)
_CALLERS: tuple[Way, ...] = ("caller", "timeout")
KINDS = (*_MOMENTS, *_CALLERS)
"""What a sweep tries: when tasks are cancelled; and whether the program is, by whom."""


def sweep(
    program: Program,
    *,
    tasks: str | Sequence[str] = "*",
    kinds: Sequence[str] = KINDS,
    **settings: Any,
) -> Sweep:
    """Cancel each task of `program` at each of its awaits, one at a time; what comes of it.

    `tasks`: which awaits, by the names of their tasks or patterns of them ("fetch*"). `kinds`: the
    moments "before", "at" and "after" for the tasks that the program makes; "caller" and "timeout"
    for the program itself, at the same moments or, without any of them, at all. The other keywords
    are those of `Settings`; what concerns the search of timings has no say in a sweep.

    A program may return its coroutine together with a check, a function without arguments or a
    coroutine function, which is called in the same world when all that was left has ended. Raises
    `UsageError` if there is nothing that can be cancelled.
    """
    chosen = Settings.of(settings)
    program = check_program(program)
    return Sweeper(program, chosen, tasks=tasks, kinds=kinds).sweep()


@dataclass(frozen=True, slots=True)
class _Tried:
    outcome: Ending
    error: BaseException | None
    token: str


class Sweeper(Search):
    """One sweep of one program."""

    def __init__(
        self,
        program: Program,
        settings: Settings,
        *,
        tasks: str | Sequence[str] = "*",
        kinds: Sequence[str] = KINDS,
        **options: Any,
    ) -> None:
        super().__init__(program, settings.changed(database=False), **options)
        self._patterns = _names("tasks", tasks)
        chosen = _names("kinds", kinds)
        for kind in chosen:
            if kind not in KINDS:
                raise UsageError(f"kinds={kinds!r}: {kind!r} is none of {', '.join(KINDS)}")
        self._kinds = [kind for kind in _MOMENTS if kind in chosen] or list(_MOMENTS)
        self._ways: list[Way] = [way for way in _CALLERS if way in chosen]
        if any(kind in chosen for kind in _MOMENTS):
            self._ways.insert(0, "task")
        self._tried: dict[str, _Tried] = {}
        self._failures: dict[tuple[object, ...], Failure] = {}

    def sweep(self) -> Sweep:
        """Sweep."""
        with ambient.lent():
            with installed(), steps_logged():
                points, awaits = self._points()
            failures = list(self._failures.values())
            if failures and self._settings.confirm:
                answer = self._confirmation(failures[0])
                failures[0] = replace(failures[0], confirmation=answer)
        made = [label for label, tried in self._tried.items() if tried.outcome != "not reached"]
        reached = {(one.task, one.number) for one in map(Cancellation.of, made) if one is not None}
        return Sweep(
            self._name,
            self._settings,
            points,
            tuple(failures),
            SweepCoverage(len(awaits), len(reached), len(made)),
            self._executions,
            self._stock_trace,
        )

    def _points(self) -> tuple[tuple[Point, ...], Sequence[Await]]:
        stock = self._stock_order()
        failure = self._failure_of_stock_order(stock)
        if failure is not None:
            self._failures[()] = failure
            return (), ()
        self._short_steps += 20 * stock.steps
        if not self._stock_trace.of_kind("task"):
            raise UsageError(
                f"{self._name} runs no task that could be cancelled; threads cannot be.\n"
                "Sweep a coroutine function, or a function that runs an event loop."
            )
        self._executions += 1
        listed = self._execute(self._no_plan, record=True, list_awaits=True)
        if listed.error is not None:
            raise listed.error
        return tuple(self._try_all(listed.awaits)), listed.awaits

    def _try_all(self, awaits: Sequence[Await]) -> Iterator[Point]:
        followers = {(one.task, one.number - 1): one for one in awaits}
        ways = self._possible_ways()
        for one in self._chosen(awaits):
            # The task of the program itself is cancelled only by others.
            for way in [way for way in ways if not (one.main and way == "task")]:
                for kind in self._kinds:
                    label = _label(one, way, kind, followers.get((one.task, one.number)))
                    if not label:
                        continue
                    tried = self._try(label, possible=one.left or kind != "at")
                    yield Point(
                        one.task,
                        one.number,
                        one.where,
                        one.waits_for,
                        kind,
                        way,
                        tried.outcome,
                        tried.error,
                        tried.token,
                    )

    def _chosen(self, awaits: Sequence[Await]) -> list[Await]:
        chosen = [one for one in awaits if _matches(one.task, self._patterns)]
        if awaits and not chosen:
            names = ", ".join(dict.fromkeys(one.task for one in awaits))
            raise UsageError(f"tasks={self._patterns!r} fits no task of {self._name}: {names}")
        return chosen

    def _possible_ways(self) -> list[Way]:
        """By whom: by a timeout only if the program runs no own loop."""
        returned = {event.subject for event in self._stock_trace.of_kind("return")}
        ours = any(event.subject in returned for event in self._stock_trace.of_kind("task"))
        return [way for way in self._ways if ours or way != "timeout"]

    def _try(self, label: str, *, possible: bool) -> _Tried:
        tried = self._tried.get(label)
        if tried is None:
            plan = replace(self._no_plan, picks={label: 1})
            tried = _Tried("not reached", None, tokens.encode(plan))
            if possible:
                tried = self._cancel(label, plan)
            self._tried[label] = tried
        return tried

    def _cancel(self, label: str, plan: Plan) -> _Tried:
        self._executions += 1
        outcome = self._execute(plan)
        token = tokens.encode(plan)
        if outcome.failed:
            return self._keep(outcome)
        if label not in outcome.plan.picks:
            return _Tried("not reached", None, token)
        return _Tried("survived" if label in outcome.survived else "cancelled", None, token)

    def _keep(self, outcome: Outcome) -> _Tried:
        signature = outcome.signature
        if signature not in self._failures:
            self._failures[signature] = self._shrunk(outcome, "sweep")
        return _Tried("failed", outcome.error, tokens.encode(outcome.plan))


def _label(one: Await, way: Way, kind: Kind, following: Await | None) -> str:
    """The label of the cancellation that makes this point, "" if there is no such moment.

    A task that only lets others run waits for nothing: before it and at it are one moment.
    """
    if kind == "after":
        return "" if following is None else _label(following, way, "before", None)
    moment: Moment = "at" if kind == "at" and not one.yields else "before"
    return Cancellation(one.task, one.number, moment, way).label


def _matches(task: str, patterns: Sequence[str]) -> bool:
    """By its label, "fetch (Task-2)", or by what comes before the number."""
    names = {task, task.rpartition(" (")[0] or task}
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def _names(setting: str, value: Any) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else value
    right = isinstance(names, Sequence) and all(isinstance(name, str) for name in names)
    if not right or not names:
        raise UsageError(f"{setting}={value!r} must be a name, or several")
    return tuple(names)
