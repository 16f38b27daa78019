from collections.abc import Callable, Iterator
from typing import Any

import pytest

import spectest
from spectest import errors
from spectest.exploration.execution import execute
from spectest.kernel.plan import Plan
from spectest.strategies.base import Profile
from spectest.strategies.random_walk import RandomWalk
from spectest.world import Limits
from tests.detection import twins

HERE = "tests/detection/twins.py"


@pytest.fixture(autouse=True)
def at_the_root(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(request.config.rootpath)
    twins._calls.clear()
    twins._ballast.clear()
    yield
    twins._ballast.clear()


def verdict(program: Callable[[], Any], **settings: Any) -> Any:
    """What the program is found guilty of, within 50 executions."""
    failure = spectest.explore(program, **{"runs": 50, **settings}).failure
    assert failure is not None, "nothing was found"
    return failure.error


def all_of(error: BaseException, *parts: str) -> None:
    message = str(error)
    assert [part for part in parts if part not in message] == [], message
    assert "spectest/" not in message.replace("spectest/detection", ""), "speaks of our files"


@pytest.mark.parametrize(
    "program",
    [
        twins.ordered_locks,
        twins.producer,
        twins.polls_until,
        twins.spins_a_while,
        twins.ends_its_heartbeat,
        twins.leaves_a_slow_cleanup,
        twins.looks_at_the_task,
        twins.looks_at_the_future,
        twins.gathers_exceptions,
        twins.gathers_and_catches_the_first,
        twins.cancelled_timer,
        twins.harmless_callbacks,
        twins.reads_a_fed_stream,
        twins.decides_by_the_loops_clock,
        twins.walks_a_dict_of_its_own_objects,
        twins.remembers_inside,
        twins.accepts_either,
        twins.first_done_in_order,
    ],
)
def test_the_healthy_twin_is_left_alone(program: Callable[[], Any]) -> None:
    report = spectest.explore(program, runs=30)
    assert report.failure is None


def test_crossed_locks_are_a_deadlock_that_names_both_holders_and_the_cycle() -> None:
    error = verdict(twins.crossed_locks)
    assert type(error) is errors.Deadlock
    assert len(error.blocked) == 4
    all_of(
        error,
        "transfer (Task-2) waits for asyncio.Lock `target`, held by transfer (Task-3)",
        "transfer (Task-3) waits for asyncio.Lock `target`, held by transfer (Task-2)",
        "a cycle: ",
        f"{HERE}:",
        " in transfer",
    )


def test_a_queue_without_a_producer_is_a_deadlock_that_names_the_queue() -> None:
    error = verdict(twins.no_producer)
    assert type(error) is errors.Deadlock
    all_of(error, "asyncio.Queue", "which is empty", f"{HERE}:", " in no_producer")


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "program, spinner",
    [
        (twins.spins, "spins (Task-1)"),
        (twins.polls_for_ever, "polls_for_ever (Task-1)"),
        (twins.callbacks_for_ever, "reschedule"),
    ],
)
def test_what_goes_on_for_ever_is_a_livelock_that_names_the_spinner(
    program: Callable[[], Any], spinner: str
) -> None:
    error = verdict(program)
    assert type(error) is errors.Livelock
    assert error.spinner == spinner
    all_of(error, f"in {spinner}", "Wait for an event instead", "max_steps")


def test_a_task_left_behind_is_named_with_the_line_where_it_waits() -> None:
    error = verdict(twins.leaves_a_heartbeat)
    assert type(error) is errors.TaskLeaked
    assert len(error.tasks) == 1
    all_of(error, "heartbeat (Task-2) waits for asyncio.sleep(30)", f"{HERE}:", "Cancel and await")
    assert spectest.explore(twins.leaves_a_heartbeat, leaks="ignore", runs=10).failure is None


def test_a_task_that_swallows_its_cancellation_is_told_apart() -> None:
    error = verdict(twins.leaves_a_stubborn_task)
    assert type(error) is errors.TaskLeaked
    all_of(error, "stubborn (Task-2)", f"{HERE}:", "Cancelled, but still there", "raise it again")


@pytest.mark.parametrize(
    "program, who",
    [
        (twins.forgets_a_task, "fails (Task-2)"),
        (twins.forgets_a_task_that_fails_after_the_end, "fails (Task-2)"),
        (twins.forgets_a_future, "a future"),
        (twins.forgets_a_gather, "a future"),
    ],
)
def test_an_exception_that_nobody_asks_for_is_named_with_its_task(
    program: Callable[[], Any], who: str
) -> None:
    error = verdict(program)
    assert type(error) is errors.UnretrievedException
    assert error.task == who
    assert isinstance(error.__cause__, ValueError)
    all_of(error, who, "ValueError: nobody asked", "nobody ever asked for its result", "Await it")
    if program is not twins.forgets_a_future:
        all_of(error, f"{HERE}:", " in fails")


@pytest.mark.parametrize("program", [twins.broken_timer, twins.broken_done_callback])
def test_an_exception_in_a_callback_is_named_with_its_line(program: Callable[[], Any]) -> None:
    error = verdict(program)
    assert type(error) is errors.CallbackFailure
    assert error.callback == "explode"
    assert isinstance(error.__cause__, ZeroDivisionError)
    all_of(
        error,
        "the callback explode raised ZeroDivisionError: in a callback",
        f"{HERE}:",
        "asyncio only logs it",
        "Let it handle what it raises",
    )


@pytest.mark.parametrize(
    "program, call, remedy",
    [
        (twins.opens_a_connection, "loop.create_connection()", "in-memory transport"),
        (twins.starts_a_process, "loop.subprocess_exec()", "fake runner"),
        (twins.resolves_a_name, "loop.getaddrinfo()", "replace the resolver"),
    ],
)
def test_an_escape_to_the_real_world_is_refused_at_the_users_line(
    program: Callable[[], Any], call: str, remedy: str
) -> None:
    error = verdict(program)
    assert type(error) is errors.RealWorldError
    assert error.where is not None
    assert error.where.endswith(f" in {program.__name__}")
    all_of(error, f"{call} was called at ", "twins.py:", "explored or replayed", remedy)


@pytest.mark.parametrize(
    "program, source",
    [
        (twins.decides_by_the_real_clock, "time.clock_gettime"),
        (twins.walks_a_set_of_its_own_objects, "set of its own objects"),
        (twins.remembers_in_a_module, "module global"),
    ],
)
def test_a_program_that_differs_from_run_to_run_is_told_where_and_why(
    program: Callable[[], Any], source: str
) -> None:
    error = verdict(program)
    assert type(error) is errors.NondeterminismError
    assert error.index >= 0
    assert error.first != error.second
    all_of(error, "not the same program twice", "first: ", "second: ", "twins.py:", source)


def test_both_answers_of_a_tie_are_found_under_ties_and_one_under_strict() -> None:
    assert isinstance(verdict(twins.expects_the_first), AssertionError)
    strict = spectest.explore(twins.expects_the_first, order="strict", runs=100)
    assert strict.failure is None


def test_a_tie_has_one_answer_per_plan() -> None:
    answers: dict[Plan, set[int]] = {}
    walk = RandomWalk(1)
    for execution in range(40):
        walk.begin(execution, Profile())
        found = execute(twins.first_of_two, Plan(), Limits(), chooser=walk)
        again = {execute(twins.first_of_two, found.plan, Limits()).result for _ in range(2)}
        answers.setdefault(found.plan, set()).update({found.result, *again})
    assert all(len(results) == 1 for results in answers.values())
    assert set().union(*answers.values()) == {1, 2}
