"""The search: stock order twice, saved failures, then what the strategy proposes.

It stops at the first failure, makes it small, repeats it with everything recorded, and on request
tries it in real time, on stock asyncio and real threads.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from spectest import ambient
from spectest.errors import InternalError, Livelock, NondeterminismError
from spectest.exploration import confidence, determinism, remarks
from spectest.exploration.confirmation import confirm_plan
from spectest.exploration.database import Database
from spectest.exploration.execution import (
    Outcome,
    Program,
    check_meant_for,
    check_program,
    execute,
)
from spectest.exploration.margin import find_margin
from spectest.exploration.measurement import Measurement
from spectest.exploration.profiles import profile_of
from spectest.exploration.references import compared_with, limits_for
from spectest.exploration.results import Confirmation, Failure, Report
from spectest.exploration.settings import Settings
from spectest.exploration.shrinking import Shrinker
from spectest.kernel import token as tokens
from spectest.kernel.mentions import TRUE, Mentions
from spectest.kernel.plan import Plan
from spectest.kernel.trace import Trace
from spectest.strategies import by_name
from spectest.strategies.base import Profile
from spectest.strategies.drawn import DrawnPlan
from spectest.threads.lines import EVERYWHERE
from spectest.threads.patching import installed
from spectest.watch.steps import steps_logged
from spectest.world import Limits

__all__ = ["confirm", "explore", "name_of", "replay", "run"]

_SHORT_STEPS = 5_000
_LOOKS_BETWEEN_LINES = 50


def explore(program: Program, **settings: Any) -> Report:
    """Search the timings of `program` for one in which it fails.

    `program` takes no arguments: a coroutine function, or a function that does its own waiting. The
    keywords are those of `Settings`. Raises `UsageError` for settings that mean nothing; a failure
    of the program is not raised but is `report.failure`.
    """
    chosen = Settings.of(settings)
    program = check_program(program)
    return Search(program, chosen).report()


def run(main: Program, *, plan: Plan | DrawnPlan | str | None = None, **settings: Any) -> Any:
    """Run `main` once, like `asyncio.run`, on virtual time; its result, or what it raises.

    `plan`: a plan or a token, or one drawn by Hypothesis; by default nothing deviates from stock
    order. What is raised under a drawn plan has a note with the token. Keywords as for `explore`,
    as far as one run has a use for them.
    """
    chosen = Settings.of(settings)
    main = check_program(main)
    chooser = None
    if isinstance(plan, DrawnPlan):
        chooser, plan = plan.chooser(), Plan(order=plan.order, seed=chosen.seed)
    elif plan is None:
        plan = Plan(order=chosen.order, seed=chosen.seed)
    elif not isinstance(plan, Plan):
        plan = tokens.decode(plan)
    with ambient.lent():
        limits = limits_for(main, plan, chosen)
        outcome = execute(main, plan, limits, chooser=chooser)
    if outcome.error is None:
        return outcome.result
    if chooser is not None:
        outcome.error.add_note(f"spectest: replay with the token {tokens.encode(outcome.plan)}")
    raise outcome.error


def _follow(program: Program, plan: Plan, settings: Settings) -> Outcome:
    program = check_program(program)
    with ambient.lent():
        outcome = execute(program, plan, limits_for(program, plan, settings))
    check_meant_for(name_of(program), outcome)
    return outcome


def replay(program: Program, token: str, **settings: Any) -> Any:
    """Run `program` once as `token` says: its result, or the failure the token stands for.

    `UsageError` if the token is about operations that the program never starts.
    """
    outcome = _follow(program, tokens.decode(token), Settings.of(settings))
    if outcome.error is not None:
        raise outcome.error
    return outcome.result


def confirm(program: Program, token: str, **settings: Any) -> Confirmation:
    """Run `program` at the durations of `token` in real time, on stock asyncio and real threads."""
    chosen = Settings.of(settings)
    outcome = _follow(program, tokens.decode(token), chosen)
    if outcome.error is None:
        return Confirmation(False, 0, "on virtual time the program does not fail either")
    return confirm_plan(program, outcome.plan, chosen, expected=outcome.error)


def name_of(program: Program) -> str:
    """A name that is the same in every process."""
    function = getattr(program, "__wrapped__", program)
    module = getattr(function, "__module__", None) or "?"
    return f"{module}:{getattr(function, '__qualname__', type(function).__name__)}"


class Search:
    """One exploration of one program."""

    def __init__(
        self,
        program: Program,
        settings: Settings,
        *,
        name: str | None = None,
        root: Path | None = None,
        before_each: Callable[[], None] | None = None,
    ) -> None:
        self._program = program
        self._settings = settings
        self._name = name or name_of(program)
        self._database = Database(root) if settings.database else None
        self._before_each = before_each
        self._executions = 0
        self._complete = False
        self._failed = False
        self._stock: Outcome | None = None
        self._reference: Outcome | None = None
        self._profile = Profile(0, {})
        self._contested = 0
        self._mentions = Mentions()
        self._short_steps = _SHORT_STEPS
        self._strategy = by_name(settings.strategy, settings.seed)
        self._measurement = Measurement(self._name) if settings.coverage else None

    @property
    def executions(self) -> int:
        """How many have begun, shrinking not included."""
        return self._executions

    @property
    def failed(self) -> bool:
        """Whether the last of them has failed, and is now made small or confirmed."""
        return self._failed

    def report(self) -> Report:
        """Explore."""
        with ambient.lent():
            with installed(), steps_logged():
                failure = self._find()
                report = Report(
                    self._name,
                    self._settings,
                    self._executions,
                    self._complete,
                    failure,
                    stock_trace=None if self._stock is None else self._stock.trace,
                    coverage=None if self._measurement is None else self._measurement.coverage(),
                    sometimes=self._mentions.answers(TRUE),
                )
                if failure is None:
                    return self._what_it_is_worth(report)
            if self._settings.confirm:
                failure = replace(failure, confirmation=self._confirmation(failure))
                report = replace(report, failure=failure)
            return report

    def _find(self) -> Failure | None:
        stock = self._stock_order()
        return self._failure_of_stock_order(stock) or self._saved_failures() or self._search(stock)

    # Stock order.

    def _execute(self, plan: Plan, limits: Limits | None = None, **options: Any) -> Outcome:
        if self._before_each is not None:
            self._before_each()
        outcome = execute(self._program, plan, limits or self._limits, **options)
        self._mentions.add(outcome.mentions)
        return outcome

    def _counted(
        self, run: Callable[..., Outcome], plan: Plan, *, stock: bool = False, **options: Any
    ) -> Outcome:
        """An execution that counts for the coverage, if that is asked for."""
        if self._measurement is None:
            return run(plan, **options)
        return self._measurement.of(lambda: run(plan, **options), self._executions, stock=stock)

    def _record(self, plan: Plan) -> Outcome:
        """An execution with its trace; of one that never ends, the beginning of the trace."""
        outcome = self._execute(plan, self._short, record=True)
        if not isinstance(outcome.error, Livelock):
            return outcome
        unrecorded = self._execute(plan)
        if isinstance(unrecorded.error, Livelock):
            return replace(unrecorded, trace=outcome.trace)
        return self._execute(plan, record=True)

    @property
    def _limits(self) -> Limits:
        return compared_with(self._reference, self._settings.limits)

    @property
    def _short(self) -> Limits:
        """Budgets for executions that are recorded, or known to go on for ever."""
        limits, steps = self._limits, self._short_steps
        return replace(
            limits,
            max_steps=min(limits.max_steps, steps),
            max_steps_at_once=min(limits.max_steps_at_once, steps),
        )

    def _stock_order(self) -> Outcome:
        self._executions += 1
        self._stock = self._counted(self._record, self._no_plan, stock=True)
        return self._stock

    @property
    def _no_plan(self) -> Plan:
        return Plan(order=self._settings.order, seed=self._settings.seed)

    def _failure_of_stock_order(self, stock: Outcome) -> Failure | None:
        if self._settings.runs > 1 and not isinstance(stock.error, Livelock):
            self._executions += 1
            again = self._counted(self._record, self._no_plan, stock=True)
            error = determinism.difference(stock, again, lambda: self._record(self._no_plan))
            if error is not None:
                return self._failure(replace(again, error=error), "stock order", 0)
        self._reference = stock
        return self._failure(stock, "stock order", 0) if stock.failed else None

    # Saved failures.

    def _saved_failures(self) -> Failure | None:
        if self._database is None:
            return None
        for plan in self._database.plans(self._name):
            self._executions += 1
            outcome = self._counted(self._execute, plan)
            if outcome.failed:
                return self._shrunk(outcome, "a saved failure")
            self._database.forget(self._name, plan)
        return None

    # The strategy.

    def _search(self, stock: Outcome) -> Failure | None:
        self._short_steps += 20 * stock.steps
        strategy = self._strategy
        profile = self._profile = replace(profile_of(stock), lines=bool(self._settings.lines))
        while self._executions < self._settings.runs:
            self._executions += 1
            strategy.begin(self._executions, profile)
            outcome = self._counted(self._execute, self._no_plan, chooser=strategy)
            strategy.end(outcome.contested)
            self._contested = max(self._contested, outcome.contested)
            if outcome.failed:
                return self._shrunk(outcome, strategy.name)
            if strategy.exhausted or not outcome.contested:
                self._complete = True
                return None
        return None

    def _shrunk(self, found: Outcome, strategy: str) -> Failure:
        self._failed = True
        limits = self._limits
        if isinstance(found.error, Livelock):
            limits = self._short
        again = self._execute(found.plan, limits)
        if again.signature != found.signature:
            error = determinism.irreproducible(found, again)
            return self._failure(replace(again, error=error), strategy, 1)
        shrinker = Shrinker(self._program, limits, again, before_each=self._before_each)
        plan = shrinker.shrink(self._stock_trace)
        recorded = self._record(plan)
        if recorded.signature != found.signature:
            error = determinism.irreproducible(found, recorded)
            return self._failure(replace(recorded, error=error), strategy, shrinker.executions)
        if self._database is not None:
            self._database.save(self._name, plan)
        return self._failure(recorded, strategy, shrinker.executions)

    def _confirmation(self, failure: Failure) -> Confirmation:
        if self._before_each is not None:
            self._before_each()
        return confirm_plan(self._program, failure.plan, self._settings, expected=failure.error)

    @property
    def _stock_trace(self) -> Trace:
        if self._stock is None or self._stock.trace is None:
            raise InternalError("the stock execution was not recorded")
        return self._stock.trace

    def _failure(self, outcome: Outcome, strategy: str, shrunk_in: int) -> Failure:
        assert outcome.error is not None
        self._failed = True
        return Failure(
            error=outcome.error,
            plan=outcome.plan,
            order_model=outcome.order_model,
            trace=outcome.trace or self._stock_trace,
            stock_trace=self._stock_trace,
            found_at=self._executions,
            strategy=strategy,
            shrunk_in=shrunk_in,
            dead_threads=outcome.dead_threads,
        )

    def _what_it_is_worth(self, report: Report) -> Report:
        """A clean search: how sure one may be, and on request how far sleeps may stretch."""
        runs_by_depth = getattr(self._strategy, "runs_by_depth", {})
        if not report.complete and runs_by_depth:
            chains = max(len(self._profile.chains), self._actors)
            actors = "threads and tasks" if self._profile.threads else "tasks"
            lines = confidence.lines(runs_by_depth, chains, self._contested, actors)
            report = replace(report, confidence=lines)
        if self._settings.margin and self._settings.order != "strict":
            report = replace(report, margin=find_margin(self._at, self._settings.elasticity))
        notes = remarks.of(self._mentions) + remarks.of_orders(self._strategy)
        notes += remarks.blindness(self._settings.oracles, self._stock_trace)
        unlined = not self._mentions.met("lines")
        if self._profile.threads and unlined and self._settings.order != "strict":
            notes += self._between_lines()
        return replace(report, notes=notes)

    def _between_lines(self) -> tuple[str, ...]:
        """Whether choice points at every line show a data race: a look at a few executions."""
        runs = min(self._settings.runs // 4, _LOOKS_BETWEEN_LINES)
        settings = self._settings.changed(
            lines=(EVERYWHERE,), runs=max(runs, 1), database=False, coverage=False
        )
        search = Search(self._program, settings, name=self._name, before_each=self._before_each)
        failure = search._find()
        if failure is None or isinstance(failure.error, NondeterminismError):
            return ()
        what = f"{type(failure.error).__name__}: {failure.error}".partition("\n")[0]
        what = what.removesuffix(": ")
        note = (
            f"with a choice point at every line it fails: {what}. That is a data race; explore it "
            f"with lines={_modules_of(failure)}"
        )
        return (note,)

    @property
    def _actors(self) -> int:
        """The threads of the program, and its tasks if it has threads, too."""
        trace = self._stock_trace
        return len(trace.of_kind("thread", "task")) if self._profile.threads else 0

    def _at(self, elasticity: float) -> Failure | None:
        """What a fresh search finds if sleeps may stretch by `elasticity`."""
        settings = self._settings.changed(elasticity=elasticity, database=False, coverage=False)
        search = Search(self._program, settings, name=self._name, before_each=self._before_each)
        return search._find()


def _modules_of(failure: Failure) -> str:
    """The modules in which the plan takes the processor away from a thread."""
    files = {
        event.where.file
        for event in failure.trace
        if event.kind == "overtaken" or event.detail.startswith("stall")
    }
    names = [
        name
        for name, module in sorted(sys.modules.items())
        if name != "__main__" and getattr(module, "__file__", None) in files
    ]
    return repr(tuple(names) if names else EVERYWHERE)
