from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from spectest.exploration.execution import execute
from spectest.exploration.results import Failure, Report
from spectest.exploration.settings import Settings
from spectest.kernel.plan import Hold, Plan
from spectest.reporting.failure import facts_of

FailureMaker = Callable[..., Report]


def _report(
    program: Callable[[], Any],
    holds: Mapping[str, Hold] | None = None,
    picks: Mapping[str, int] | None = None,
    **facts: Any,
) -> Report:
    settings = Settings(max_steps_at_once=2000)
    plan = Plan(holds or {}, picks or {})
    stock = execute(program, Plan(), settings.limits, record=True)
    outcome = execute(program, plan, settings.limits, record=True)
    assert outcome.error is not None
    assert outcome.trace is not None
    assert stock.trace is not None
    failure = Failure(
        error=outcome.error,
        plan=outcome.plan,
        order_model=outcome.order_model,
        trace=outcome.trace,
        stock_trace=stock.trace,
        found_at=5,
        strategy="urw",
        shrunk_in=31,
        dead_threads=outcome.dead_threads,
    )
    return Report("a program", settings, 5, complete=False, failure=replace(failure, **facts))


@pytest.fixture
def report_of(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FailureMaker:
    """Makes the report of a program that fails under the given holds and picks."""
    monkeypatch.chdir(request.config.rootpath)
    return _report


@pytest.fixture
def report_when_lost(report_of: FailureMaker) -> FailureMaker:
    """Makes the report of a program that fails when a thread loses the processor at a moment.

    How many choice points a thread has before depends on the version of CPython.
    """

    def maker(program: Callable[[], Any], thread: str, moment: str, hold: Hold) -> Report:
        kind = "stall" if hold.by_ns else "turn"
        moments = []
        for number in range(1, 60):
            holds = {f"{thread} {kind}#{number}": hold}
            outcome = execute(program, Plan(holds), Settings().limits)
            if outcome.error is None or not outcome.plan.holds:
                continue
            report = report_of(program, holds)
            moments.append(facts_of(report).deviations[0].moment)
            if moments[-1] == moment:
                return report
        raise LookupError(f"it fails when {thread} loses the processor {moments}")

    return maker
