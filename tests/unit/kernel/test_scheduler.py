"""The rules of delivery, one by one. All moments are milliseconds."""

from collections.abc import Sequence
from typing import Any

import pytest

from spectest.kernel.choices import Door
from spectest.kernel.clock import FOREVER_NS, VirtualClock
from spectest.kernel.operations import Operation
from spectest.kernel.plan import Hold, OrderModel, Plan
from spectest.kernel.scheduler import Scheduler

MS = 1_000_000


class Bench:
    """A scheduler with a chooser that gives `answers` and then 0, or without one if None."""

    def __init__(
        self,
        answers: Sequence[int] | None = None,
        *,
        elasticity: float = 0.0,
        order: OrderModel = "ties",
        holds: dict[str, Hold] | None = None,
    ) -> None:
        self.answers = list(answers or ())
        self.asked: list[tuple[str, int, tuple[int, ...]]] = []
        self.clock = VirtualClock()
        self.door = Door(Plan(holds or {}, order=order), None if answers is None else self)
        self.scheduler = Scheduler(self.door, self.clock, elasticity=elasticity)

    def choose(self, n: int, label: str, chains: Sequence[int]) -> int:
        self.asked.append((label, n, tuple(chains)))
        return self.answers.pop(0) if self.answers else 0

    def timer(self, name: str, due: float, reading: int | None = None) -> Operation:
        reading = self.clock.next_reading() if reading is None else reading
        return self.scheduler.timer(name, round(due * MS), reading, -1, name)

    def sleep(self, name: str, length: float, chain: int = -1) -> Operation:
        due = self.clock.now_ns + round(length * MS)
        return self.scheduler.sleep(name, due, self.clock.next_reading(), chain, name)

    def call(self, name: str, interval: tuple[float, float, float], chain: int = -1) -> Operation:
        shortest, usual, longest = (round(moment * MS) for moment in interval)
        return self.scheduler.operation("call", name, (shortest, usual, longest), chain, name)

    def poll(self, *, ready: bool = False) -> list[Any]:
        """The names of what is delivered."""
        return [operation.payload for operation in self.scheduler.poll(ready)]

    @property
    def now(self) -> float:
        return self.clock.now_ns / MS

    @property
    def holds(self) -> dict[str, Hold]:
        return dict(self.door.deviations().holds)

    def labels(self) -> list[str]:
        return [label for label, _, _ in self.asked]


BOTH = pytest.mark.parametrize("answers", [None, ()], ids=["planned", "asking"])


@BOTH
def test_nothing_pending_is_nothing_delivered(answers: Any) -> None:
    bench = Bench(answers)
    assert bench.poll() == bench.poll(ready=True) == []
    assert bench.now == 0


@BOTH
def test_while_callbacks_are_ready_time_stands_still_and_nothing_comes_from_the_future(
    answers: Any,
) -> None:
    bench = Bench(answers, elasticity=1.0)
    bench.timer("timer", 1)
    bench.sleep("sleep", 1)
    bench.call("call", (1, 2, 3))
    assert bench.poll(ready=True) == []
    assert bench.now == 0
    assert bench.asked == []


@BOTH
def test_what_is_exactly_due_must_join_a_poll(answers: Any) -> None:
    bench = Bench(answers, elasticity=1.0)
    bench.timer("timer", 0)
    bench.sleep("sleep", 0)
    bench.call("call", (0, 0, 0))
    assert bench.poll(ready=True) == ["timer", "sleep", "call"]
    assert "join" not in bench.labels()


@pytest.mark.parametrize(
    "interval, answer, joins",
    [
        ((0, 0, 9), 0, True),
        ((0, 0, 9), 1, False),
        ((0, 5, 9), 0, False),
        ((0, 5, 9), 1, True),
    ],
)
def test_what_may_be_due_may_join_or_miss_and_0_is_its_nominal_moment(
    interval: tuple[float, float, float], answer: int, joins: bool
) -> None:
    bench = Bench([answer])
    bench.call("call", interval, chain=7)
    assert bench.poll(ready=True) == ["call"] * joins
    assert bench.asked == [("join", 2, (7, -1) if interval[1] == 0 else (-1, 7))]
    assert len(bench.scheduler.pending) == 1 - joins


@pytest.mark.parametrize(
    "answer, moment, delivered",
    [(0, 5, "a"), (1, 30, "a"), (2, 20, "b"), (3, 30, "b")],
)
def test_the_horizon_is_the_earliest_latest_completion_and_nobody_beyond_it_may_be_next(
    answer: int, moment: float, delivered: str
) -> None:
    """Stock order first; then each at its earliest and at the horizon, which here is b's last."""
    bench = Bench([answer, 1, 1])
    bench.call("a", (5, 5, 100), chain=1)
    bench.call("b", (20, 20, 30), chain=2)
    bench.call("beyond", (31, 31, 90), chain=3)
    assert delivered in bench.poll()
    assert bench.now == moment
    assert bench.asked[0] == ("next", 4, (1, 1, 2, 2))


@pytest.mark.parametrize(
    "answer, moment, delivered",
    [(0, 10, ["a"]), (1, 20, ["timer"]), (2, 5, ["a"]), (3, 20, ["a", "timer"])],
)
def test_an_operation_arrives_at_its_nominal_or_earliest_moment_or_meets_the_timer(
    answer: int, moment: float, delivered: list[str]
) -> None:
    bench = Bench([answer, 1 if answer == 1 else 0])
    bench.call("a", (5, 10, 40), chain=3)
    bench.timer("timer", 20)
    assert bench.poll() == delivered
    assert bench.now == moment
    assert bench.asked[0] == ("next", 4, (3, -1, 3, 3))


@pytest.mark.parametrize("order", ["strict", "ties"])
@pytest.mark.parametrize("answer, expected", [(0, ["a", "timer"]), (1, ["timer", "a"])])
def test_an_operation_that_meets_a_timer_may_come_before_or_after_it(
    answer: int, expected: list[str], order: OrderModel
) -> None:
    bench = Bench([2, answer], order=order)
    bench.call("a", (10, 10, 40))
    bench.timer("timer", 20)
    assert bench.poll() == expected
    assert bench.labels() == ["next", "tie"]


def test_timers_of_one_instant_change_places_under_ties_and_never_under_strict() -> None:
    ties, strict = Bench([1]), Bench([1], order="strict")
    for bench in (ties, strict):
        bench.timer("first", 5)
        bench.timer("second", 5)
    assert ties.poll() == ["second", "first"]
    assert strict.poll() == ["first", "second"]
    assert strict.asked == []


def test_under_strict_an_operation_may_go_between_timers_that_keep_their_order() -> None:
    bench = Bench([2, 1], order="strict")
    bench.call("call", (5, 5, 40))
    bench.timer("first", 20)
    bench.timer("second", 20)
    assert bench.poll() == ["first", "call", "second"]
    assert bench.scheduler.needs == "strict"


def test_under_strict_sleeps_are_exact() -> None:
    bench = Bench([], elasticity=3.0, order="strict")
    bench.sleep("sleep", 5)
    assert bench.scheduler.pending[0].latest_ns == 5 * MS


@BOTH
def test_a_sleep_never_ends_early_and_stretches_by_the_elasticity(answers: Any) -> None:
    bench = Bench(answers, elasticity=0.5)
    sleep = bench.sleep("sleep", 10)
    assert (sleep.earliest_ns, sleep.nominal_ns, sleep.latest_ns) == (10 * MS, 10 * MS, 15 * MS)
    assert not sleep.declared


@pytest.mark.parametrize("answer, moment", [(0, 10), (1, 15)])
def test_a_sleep_alone_ends_when_it_should_or_at_its_latest(answer: int, moment: float) -> None:
    bench = Bench([answer], elasticity=0.5)
    bench.sleep("sleep", 10)
    assert bench.poll() == ["sleep"]
    assert bench.now == moment
    assert bench.asked == [("next", 2, (-1, -1))]


def test_a_plan_cannot_make_a_sleep_end_early_but_may_stretch_it_beyond_the_elasticity() -> None:
    early = Bench(holds={"sleep#1": Hold(-5 * MS)}, elasticity=0.1)
    early.sleep("sleep", 10)
    assert early.poll() == ["sleep"]
    assert early.now == 10
    late = Bench(holds={"sleep#1": Hold(5 * MS)}, elasticity=0.1)
    late.sleep("sleep", 10)
    assert late.poll() == ["sleep"]
    assert late.now == 15


@pytest.mark.parametrize("by, moment", [(-100, 5), (-5, 5), (-2, 8), (0, 10), (7, 17), (100, 40)])
def test_a_plan_moves_a_declared_operation_within_its_interval(by: float, moment: float) -> None:
    bench = Bench(holds={"a#1": Hold(round(by * MS))} if by else {"b#1": Hold(1)})
    bench.call("a", (5, 10, 40))
    assert bench.poll() == ["a"]
    assert bench.now == moment


@pytest.mark.parametrize("hold", [Hold(5 * MS), Hold(-5 * MS), Hold(polls=2)])
def test_a_plan_cannot_move_a_timer(hold: Hold) -> None:
    bench = Bench(holds={"timer#1": hold})
    bench.timer("timer", 10)
    bench.timer("other", 10)
    assert bench.poll() == ["timer", "other"]
    assert bench.now == 10
    assert bench.holds == {}


def test_a_hold_without_effect_is_not_written_down() -> None:
    bench = Bench(holds={"sleep#1": Hold(-MS), "a#1": Hold(100 * MS), "b#1": Hold(-MS)})
    bench.sleep("sleep", 1)
    bench.call("a", (5, 10, 40))
    bench.call("b", (50, 50, 60))
    assert [*bench.poll(), *bench.poll(), *bench.poll()] == ["sleep", "a", "b"]
    assert bench.holds == {"a#1": Hold(30 * MS)}


def test_a_missed_poll_is_written_down_and_repeated() -> None:
    asking = Bench([1, 1, 0])
    planned = Bench(holds={"a#1": Hold(polls=2)})
    for bench in (asking, planned):
        bench.call("a", (0, 0, 9))
        assert [bench.poll(ready=True) for _ in range(3)] == [[], [], ["a"]]
        assert bench.holds == {"a#1": Hold(polls=2)}


def test_a_plan_of_more_polls_than_there_are_delivers_when_nothing_else_can_happen() -> None:
    bench = Bench(holds={"a#1": Hold(polls=5)})
    bench.call("a", (0, 0, 9))
    bench.timer("timer", 5)
    assert bench.poll(ready=True) == []
    assert bench.poll() == ["a"]
    assert bench.now == 0


def test_who_lets_others_go_first_is_written_down_and_repeated() -> None:
    asking = Bench([2, 1])
    planned = Bench(holds={"a#1": Hold(10 * MS, behind=1)})
    for bench in (asking, planned):
        bench.call("a", (10, 10, 40))
        bench.timer("timer", 20)
        assert bench.poll() == ["timer", "a"]
        assert bench.holds == {"a#1": Hold(10 * MS, behind=1)}


def test_what_was_still_pending_when_it_was_cancelled_is_written_down_and_repeated() -> None:
    """Otherwise a replay would deliver it at its nominal moment, before it can be cancelled."""
    asking = Bench([1, 1])
    asking.timer("timer", 20)
    operation = asking.call("a", (5, 10, 40))
    assert asking.poll() == ["timer"]
    asking.scheduler.cancel(operation)
    assert asking.poll() == []
    assert asking.holds["a#1"].by_ns > 10 * MS
    planned = Bench(holds=asking.holds)
    planned.timer("timer", 20)
    operation = planned.call("a", (5, 10, 40))
    assert planned.poll() == ["timer"]
    planned.scheduler.cancel(operation)
    assert planned.holds == asking.holds


@BOTH
def test_what_is_cancelled_is_never_delivered_nor_pending(answers: Any) -> None:
    bench = Bench(answers, elasticity=1.0)
    kept, cancelled = bench.sleep("kept", 5), bench.sleep("cancelled", 1)
    gone = bench.timer("gone", 2)
    bench.scheduler.cancel(cancelled)
    bench.scheduler.cancel(gone)
    assert bench.scheduler.pending == [kept]
    assert bench.poll() == ["kept"]
    assert bench.now == 5
    assert bench.poll() == []
    assert bench.holds == {}


def test_pending_is_listed_in_the_order_of_starting() -> None:
    bench = Bench([], elasticity=1.0)
    started = [bench.sleep("a", 9), bench.timer("b", 3), bench.call("c", (1, 1, 2))]
    assert bench.scheduler.pending == started


def test_names_count_per_name() -> None:
    bench = Bench()
    operations = [bench.timer("a", 1), bench.timer("b", 1), bench.timer("a", 1)]
    assert [operation.label for operation in operations] == ["a#1", "b#1", "a#2"]


def test_what_is_due_in_centuries_never_comes() -> None:
    bench = Bench()
    bench.scheduler.timer("never", FOREVER_NS, 0, -1, "never")
    assert bench.poll() == []
    assert bench.now == 0


@pytest.mark.parametrize(
    "kind, needed", [("call", "strict"), ("sleep", "ties")], ids=["declared", "undeclared"]
)
def test_the_weakest_order_model_that_allows_a_hold_is_known(kind: str, needed: str) -> None:
    bench = Bench([1], elasticity=1.0)
    if kind == "call":
        bench.call("a", (10, 10, 20))
    else:
        bench.sleep("a", 10)
    assert bench.scheduler.needs == "strict"
    bench.poll()
    assert bench.now == 20
    assert bench.scheduler.needs == needed
