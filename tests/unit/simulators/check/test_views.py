"""What cannot be seen of code is not compared, and everything else is."""

from typing import Any

import numpy as np
import pytest

from simulators import events
from simulators.check.logs import log_of, side_by_side
from simulators.check.views import View, view_of
from simulators.results import CANCELLED, DROPPED, NOT_LAUNCHED, TIMED_OUT, Requests
from simulators.scenario import Branch, Limiter, Pool, Scenario, Trace
from spectest.patterns.policies import Hedge

PAIR = [Branch("a", 2.0, pool="p", timeout=5.0), Branch("b", 0.5, pool="p", timeout=5.0)]


def requests(limiter: Limiter | None = None, servers: int = 1) -> Requests:
    scenario = Scenario(
        PAIR,
        Hedge(1.0),
        limiter=limiter or Limiter(),
        pools=[Pool("p", servers)],
        arrivals=Trace([0.0, 1.5]),
        overload="allowed",
    )
    return events.run(scenario, 2)


def test_lines_are_seen_where_somebody_waits() -> None:
    assert view_of(requests().scenario, [requests()]) == View(drops=True, lines=True)
    assert view_of(requests().scenario, [requests(servers=4)]) == View(drops=True, lines=False)
    limited = requests(Limiter("drop"))
    assert DROPPED in limited.outcome
    assert view_of(limited.scenario, [limited]).drops
    assert not view_of(limited.scenario, [requests(Limiter("drop"), servers=4)]).drops


def test_drops_that_nobody_tells() -> None:
    limited = requests(Limiter("drop"))
    seen = View(drops=False, lines=True).of(limited)
    assert DROPPED not in seen.outcome
    assert seen.outcome[limited.outcome == DROPPED].tolist() == [NOT_LAUNCHED] * 2
    assert DROPPED in View(drops=True, lines=False).of(limited).outcome


def test_without_lines_an_attempt_begins_with_its_service() -> None:
    waiting = requests()
    assert (waiting.waits > 0).any()
    seen = View(drops=True, lines=False).of(waiting)
    served = ~np.isnan(seen.began)
    assert np.array_equal(seen.launched[served], seen.began[served])
    assert (seen.outcome[~served] == NOT_LAUNCHED).all()


def test_a_timeout_is_a_cancellation_from_outside() -> None:
    result = requests()
    result.outcome[0, 0] = TIMED_OUT
    assert View(drops=True, lines=True).of(result).outcome[0, 0] == CANCELLED
    assert result.outcome[0, 0] == TIMED_OUT


@pytest.mark.parametrize("column", ["arrival", "latency", "winner", "launched", "began", "work"])
def test_what_is_seen_is_compared(column: str) -> None:
    view = View(drops=True, lines=True)
    one, other = requests(), requests()
    cells: Any = getattr(other, column)
    cells[0] += 1
    found = view.of(one).difference(view.of(other))
    assert found is not None
    assert (found.request, found.column) == (0, column)


def test_logs_stand_side_by_side() -> None:
    one, other = requests(servers=4), requests(servers=4)
    other.latency[0] += 1
    left, right = log_of(one, 0, told=False), log_of(other, 0, told=False)
    lines = side_by_side(left, right)
    assert lines[0].split() == ["model", "code"]
    changed = [line.split() for line in lines if line.startswith("!")]
    assert changed == [["!", "1.5", "decided", "b", "2.5", "decided", "b"]]
    assert len(lines) == 1 + len(left)


def test_a_log_of_events_is_in_seconds_of_the_request() -> None:
    scenario = Scenario([Branch("a", 1.0)], Hedge(2.0), arrivals=Trace([3.0, 7.0]))
    told = log_of(events.run(scenario, 2, trace=True), 1, told=True)
    assert [line.split() for line in told] == [
        ["0", "arrived"],
        ["0", "launched", "a"],
        ["0", "began", "a"],
        ["1", "valid", "a"],
        ["1", "left", "a"],
        ["1", "decided", "a"],
    ]


def test_whoever_is_launched_and_cancelled_at_one_moment_has_never_been() -> None:
    view = View(drops=True, lines=True)
    one, other = requests(servers=4), requests(servers=4)
    end = one.latency[0]
    for result, launched, outcome in ((one, np.nan, NOT_LAUNCHED), (other, end, CANCELLED)):
        result.launched[0, 0] = result.began[0, 0] = launched
        result.outcome[0, 0], result.work[0, 0] = outcome, 0.0
    assert view.of(one).difference(view.of(other)) is None
    other.work[0, 0] = 0.1
    assert view.of(one).difference(view.of(other)) is not None
