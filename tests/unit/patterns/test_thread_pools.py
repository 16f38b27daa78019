"""`patterns.threads.speculate`, on virtual time where time matters."""

import asyncio
import contextlib
import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

import pytest

import spectest
from spectest import FakeService
from spectest.patterns import (
    AllBranchesFailed,
    Branch,
    CommitFailed,
    EagerRace,
    FirstValid,
    FrozenInputError,
    Hedge,
    Limiter,
    Record,
    Sequential,
    Tied,
    Usage,
    began,
    cancelled,
    policies,
    stage,
    threads,
)

ORDER = Hedge(0.0)
"""All at once, ranked as declared."""


def takes(seconds: float, answer: object) -> Callable[[Any], Any]:
    def call(inputs: Any) -> Any:
        time.sleep(seconds)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return call


def steps(log: list[str], name: str, number: int = 100) -> Branch[str]:
    """A branch that looks every 10 ms whether it has lost."""

    def call(inputs: Any) -> str:
        for _ in range(number):
            time.sleep(0.010)
            if cancelled():
                log.append(f"{name} gone at {1000 * time.monotonic():.0f}")
                return "half an answer"
        return name

    return Branch(name, call)


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> Iterator[list[Record]]:
    caplog.set_level(logging.INFO, "spectest.patterns")
    found: list[Record] = []

    class Reads(logging.Handler):
        def emit(self, entry: logging.LogRecord) -> None:
            if hasattr(entry, "speculation_record"):
                found.append(Record.from_json(entry.getMessage()))

    handler = Reads()
    logging.getLogger("spectest.patterns").addHandler(handler)
    yield found
    logging.getLogger("spectest.patterns").removeHandler(handler)


def test_an_answer_is_not_delayed_by_a_loser_that_goes_on() -> None:
    log: list[str] = []

    def program() -> None:
        pool = ThreadPoolExecutor(2)
        branches = [Branch("a", takes(0.015, "a")), steps(log, "b")]
        answer = threads.speculate(branches, 1, ORDER, executor=pool, run_id="w/1")
        assert (answer.value, answer.branch, answer.index) == ("a", "a", 0)
        assert time.monotonic() == pytest.approx(0.015)
        threads.settled()
        assert log == ["b gone at 20"]
        pool.shutdown()

    spectest.run(program)


@pytest.mark.parametrize(
    "policy, launches",
    [(Sequential(), [0, 10, 20]), (Hedge(0.004), [0, 4, 8]), (EagerRace(), [0, 0, 0])],
)
def test_branches_are_launched_as_the_policy_says(
    policy: policies.Policy, launches: list[int]
) -> None:
    began_at: list[int] = []

    def fails(inputs: Any) -> None:
        began_at.append(round(1000 * time.monotonic()))
        time.sleep(0.01)
        raise ValueError

    def program() -> None:
        with ThreadPoolExecutor(3) as pool:
            branches = [Branch(name, fails) for name in "abc"]
            with pytest.raises(AllBranchesFailed, match="'b' raised ValueError after 10"):
                threads.speculate(branches, 1, policy, executor=pool, run_id="w/1")

    spectest.run(program)
    assert began_at == launches


def test_a_branch_in_the_queue_times_out_there_and_never_begins(records: list[Record]) -> None:
    log: list[str] = []
    limiter = Limiter(1)
    release = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(release.wait)
        late = Branch("late", log.append, timeout=0.001)
        with pytest.raises(AllBranchesFailed, match="'late' timed out"):
            threads.speculate([late], 1, executor=pool, run_id="w/1", sample=1, limiter=limiter)
        assert limiter.in_use == 0
        release.set()
    assert log == []
    assert records[0].branch_outcomes == ("timed out",)


def test_a_client_is_closed_under_a_loser_that_runs() -> None:
    log: list[str] = []

    class Client:
        def __init__(self) -> None:
            self.closed = threading.Event()

        def close(self) -> None:
            log.append("closed")
            self.closed.set()

    def blocks(inputs: Any, client: Client) -> str:
        client.closed.wait()
        log.append("gone")
        return "late"

    def program() -> None:
        with ThreadPoolExecutor(2) as pool:
            branches = [Branch("a", takes(0.01, "a")), Branch("b", blocks, client=Client)]
            answer = threads.speculate(branches, 1, ORDER, executor=pool, run_id="w/1")
            assert answer.value == "a"
            assert time.monotonic() == pytest.approx(0.01)
            threads.settled()
            assert log == ["closed", "gone"]

    spectest.run(program)


@pytest.mark.parametrize("error", [None, OSError("no")])
def test_the_client_of_an_attempt_that_ends_by_itself_is_closed_after_it(
    error: Exception | None,
) -> None:
    log: list[str] = []

    class Client:
        def shutdown(self, wait: bool = True, cancel_futures: bool = False) -> None:
            time.sleep(0.05)
            log.append(f"shutdown(wait={wait}, cancel_futures={cancel_futures})")

    def call(inputs: Any, client: Client) -> str:
        if error is not None:
            raise error
        return "answer"

    def program() -> None:
        with ThreadPoolExecutor(2) as pool:
            branches = [Branch("a", call, client=Client), Branch("b", takes(0.0, "b"))]
            threads.speculate(branches, 1, ORDER, executor=pool, run_id="w/1")
            assert time.monotonic() == 0.0
            threads.settled()

    spectest.run(program)
    assert log == ["shutdown(wait=False, cancel_futures=True)"]


def test_who_does_not_go_within_the_grace_is_named_and_keeps_its_permit(
    records: list[Record], caplog: pytest.LogCaptureFixture
) -> None:
    def program() -> None:
        limiter = Limiter(2)
        with ThreadPoolExecutor(2) as pool:
            branches = [Branch("a", takes(0.01, "a")), Branch("b", takes(3.0, "b"))]
            threads.speculate(
                branches,
                1,
                ORDER,
                executor=pool,
                run_id="w/1",
                grace=0.5,
                sample=1,
                limiter=limiter,
            )
            threads.settled()
            assert time.monotonic() == pytest.approx(0.51)
            assert limiter.usage() == Usage(launched=2, dropped=0, in_use=1, peak=2)
        assert limiter.in_use == 0

    spectest.run(program)
    assert records[0].branch_outcomes == ("valid", "running")
    assert "branch 'b' was asked to go and was still running 0.500 s later" in caplog.text


def test_what_a_branch_returns_when_it_saw_that_it_lost_is_no_answer(records: list[Record]) -> None:
    def program() -> None:
        with ThreadPoolExecutor(2) as pool:
            branches = [Branch("a", takes(0.015, "a")), steps([], "b")]
            threads.speculate(branches, 1, ORDER, executor=pool, run_id="w/1", sample=1)
            threads.settled()

    spectest.run(program)
    assert records[0].branch_outcomes == ("valid", "cancelled")
    assert records[0].branch_validities == (True, None)


def test_inputs_context_and_stages_are_those_of_the_branch() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="caller's")
    done: list[str] = []

    def meddles(inputs: Any) -> None:
        stage(done.append, "meddler")
        inputs.append(2)

    def works(inputs: Any) -> str:
        assert variable.get() == "mine"
        variable.set("branch's")
        stage(done.append, "winner")
        return "answer"

    with ThreadPoolExecutor(2) as pool:
        variable.set("mine")
        branches = [Branch("meddler", meddles), Branch("worker", works)]
        answer = threads.speculate(branches, [1], ORDER, executor=pool, run_id="w/1")
        assert (answer.branch, variable.get(), done) == ("worker", "mine", ["winner"])
        with pytest.raises(AllBranchesFailed) as caught:
            threads.speculate(branches[:1], [1], executor=pool, run_id="w/1")
        assert isinstance(caught.value.exceptions[0], FrozenInputError)


def test_a_commit_that_fails_is_raised() -> None:
    def call(inputs: Any) -> str:
        stage(int, "no number")
        return "answer"

    with ThreadPoolExecutor(1) as pool, pytest.raises(CommitFailed):
        threads.speculate([Branch("a", call)], 1, executor=pool, run_id="w/1")


def test_of_tied_branches_the_first_that_is_served_ends_the_others() -> None:
    log: list[str] = []

    def served(inputs: Any) -> str:
        time.sleep(0.005)
        began()
        time.sleep(0.1)
        return "served"

    def program() -> None:
        with ThreadPoolExecutor(2) as pool:
            branches = [Branch("a", served), steps(log, "b", 5)]
            answer = threads.speculate(branches, 1, Tied(), executor=pool, run_id="w/1")
            assert answer.value == "served"

    spectest.run(program)
    assert log == ["b gone at 10"]


def test_a_pool_that_is_shut_down_is_a_failure_of_each_branch() -> None:
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(AllBranchesFailed) as caught:
        threads.speculate([Branch("a", takes(0, 1))], 1, executor=pool, run_id="w/1")
    assert "shutdown" in str(caught.value.exceptions[0])


def test_an_exception_that_ends_a_thread_is_a_failure_of_its_branch() -> None:
    def leaves(inputs: Any) -> None:
        raise SystemExit

    with ThreadPoolExecutor(1) as pool, pytest.raises(AllBranchesFailed) as caught:
        threads.speculate([Branch("a", leaves)], 1, executor=pool, run_id="w/1")
    assert isinstance(caught.value.exceptions[0].__cause__, SystemExit)


async def _coroutine(inputs: Any) -> None: ...


def test_what_threads_cannot_run_is_refused_by_name() -> None:
    branches = [Branch("a", takes(0, 1))]
    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(TypeError, match="branch 'b': call is a coroutine function"):
            threads.speculate([Branch("b", _coroutine)], 1, executor=pool, run_id="w/1")
        with pytest.raises(AllBranchesFailed) as caught:
            hidden = Branch("c", lambda inputs: _coroutine(inputs))
            threads.speculate([hidden], 1, executor=pool, run_id="w/1")
        assert "returned an awaitable" in str(caught.value.exceptions[0])
    with pytest.raises(TypeError, match="executor is None"):
        threads.speculate(branches, 1, executor=None, run_id="w/1")  # type: ignore[arg-type]
    with ProcessPoolExecutor(1) as processes:
        with pytest.raises(TypeError, match=r"patterns\.processes"):
            threads.speculate(branches, 1, executor=processes, run_id="w/1")


def test_it_can_be_called_from_a_coroutine_in_a_thread() -> None:
    async def program() -> str:
        with ThreadPoolExecutor(2) as pool:
            branches = [Branch("a", takes(0.01, "a")), Branch("b", takes(0.01, "b"))]
            answer = await asyncio.to_thread(
                threads.speculate, branches, 1, ORDER, executor=pool, run_id="w/1"
            )
            return str(answer.value)

    assert spectest.run(program) == "a"


def test_an_attempt_is_told_by_the_thread_that_runs_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "spectest.patterns.steps")

    def program() -> None:
        with ThreadPoolExecutor(2, thread_name_prefix="worker") as pool:
            branches = [Branch("a", takes(0.015, "a")), steps([], "b")]
            threads.speculate(branches, 1, ORDER, executor=pool, run_id="w/1")
            threads.settled()

    spectest.run(program)
    told = [(entry.speculation["kind"], entry.threadName) for entry in caplog.records]  # type: ignore[attr-defined]
    kinds = sorted(kind for kind, thread in told if str(thread).startswith("worker"))
    assert kinds == ["attempt", "attempt", "outcome", "outcome"]
    assert [kind for kind, _ in told if kind not in kinds] == [
        "speculation",
        "decision",
        "cancel",
        "leave",
        "record",
    ]


def test_no_thread_is_left_on_stock_threads() -> None:
    with ThreadPoolExecutor(2) as pool:
        branches = [Branch("a", takes(0.0, "a")), Branch("b", takes(0.01, "b"))]
        for number in range(5):
            threads.speculate(branches, 1, ORDER, executor=pool, run_id=f"w/{number}")
        threads.settled()
    assert [one.name for one in threading.enumerate() if one.name.startswith("speculate")] == []


def test_nothing_is_left_to_the_collector() -> None:
    def invocations() -> int:
        return sum(type(one).__name__ == "_InThreads" for one in gc.get_objects())

    def fails(inputs: Any) -> None:
        raise ValueError  # A new one: that of a closure would keep its traceback, and so itself.

    def program() -> None:
        with ThreadPoolExecutor(3) as pool:
            branches: list[Branch[Any]] = [
                Branch("a", takes(0.0, "a")),
                Branch("b", takes(0.001, "b")),
                Branch("c", fails),
            ]
            threads.speculate(branches, 1, ORDER, executor=pool, run_id="w/1")
            threads.settled()

    gc.collect()
    gc.disable()
    try:
        before = invocations()
        program()
        assert invocations() == before
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "policy, winners", [(EagerRace(), 1), (Hedge(0.02), 1), (Hedge(0.02, most=2), 1)], ids=repr
)
def test_the_winner_is_the_same_at_all_latencies(policy: policies.Policy, winners: int) -> None:
    seen: set[str] = set()
    names = ("llm", "rules", "cache")

    def program() -> None:
        committed: list[str] = []

        def branch(name: str) -> Branch[str]:
            service = FakeService(name, latency=(0.010, 0.050), answer=name)

            def call(inputs: Any) -> str:
                stage(committed.append, name)
                return str(service.blocking(inputs))

            return Branch(name, call)

        with ThreadPoolExecutor(3) as pool:
            answer = threads.speculate(
                [branch(name) for name in names], {"q": 1}, policy, executor=pool, run_id="w/1"
            )
            assert committed == [answer.value]
        threads.settled()
        assert committed == [answer.value]
        seen.add(answer.branch)

    report = spectest.explore(program, runs=150)
    assert report.failure is None, spectest.render(report)
    assert len(seen) == winners


def test_answers_that_meet_timeouts_and_a_full_pool_lose_nothing() -> None:
    def program() -> None:
        limiter = Limiter(2)
        services = [FakeService(name, latency=(0.010, 0.050), answer=name) for name in "ab"]
        branches = [Branch(one.name, one.blocking, timeout=0.03) for one in services]
        with ThreadPoolExecutor(1) as pool:
            with contextlib.suppress(AllBranchesFailed):
                threads.speculate(
                    branches,
                    1,
                    executor=pool,
                    run_id="w/1",
                    limiter=limiter,
                    decision=FirstValid(),
                )
        threads.settled()
        assert limiter.in_use == 0

    report = spectest.explore(program, runs=200)
    assert report.failure is None, spectest.render(report)
