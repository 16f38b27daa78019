"""Which job is next: orders, workers, jobs that wait for jobs, and waits that never end."""

from collections.abc import Callable
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    as_completed,
    wait,
)
from typing import Any

import pytest

from spectest.errors import Deadlock, UsageError, Violation
from spectest.executors import Job, ScriptedExecutor


def rules(answer: str = "approve") -> str:
    return answer


def llm(answer: str = "block") -> str:
    return answer


def vector_store() -> str:
    return "hits"


def names(pool: ScriptedExecutor) -> list[str]:
    return [call.name for call in pool.calls]


SLOW_LLM = {"llm": Job(delay=0.200), "rules": Job(delay=0.030)}


def asked(**options: Any) -> tuple[ScriptedExecutor, Future[str], Future[str]]:
    pool = ScriptedExecutor(**options)
    return pool, pool.submit(llm), pool.submit(rules)


# The order.


def test_an_order_is_the_order_in_which_jobs_finish() -> None:
    pool, slow, fast = asked(order=["rules", "llm"])
    other = pool.submit(vector_store)
    assert list(as_completed([slow, fast, other])) == [fast, slow, other]


def test_with_an_order_a_job_waits_for_those_before_it() -> None:
    pool, slow, fast = asked(order=["llm", "rules"], script=SLOW_LLM)
    with pytest.raises(TimeoutError):
        fast.result(timeout=0.1)
    slow.result()
    with pytest.raises(TimeoutError):
        fast.result(timeout=-0.1)
    assert fast.result() == "approve"
    assert [(call.name, call.finish) for call in pool.calls] == [("llm#1", 0.2), ("rules#1", 0.2)]


def test_an_order_holds_for_a_job_that_is_submitted_later() -> None:
    """A hedge: the second attempt, made because the first is late, overtakes it."""
    pool = ScriptedExecutor(order=["ask#2", "ask#1"])

    def ask() -> str:
        return "answer"

    first = pool.submit(ask)
    assert wait([first], timeout=0.05).done == set()
    second = pool.submit(ask)
    assert wait([first, second], return_when=FIRST_COMPLETED).done == {second}


def test_a_cancelled_job_holds_nobody_up() -> None:
    pool, slow, fast = asked(order=["llm", "rules"])
    slow.cancel()
    assert fast.result() == "approve"
    assert names(pool) == ["rules#1"]


# Workers.


def test_a_job_starts_when_a_worker_is_free() -> None:
    pool = ScriptedExecutor(max_workers=2, script={"rules": Job(delay=1), 2: Job(delay=3)})
    futures = [pool.submit(rules) for _ in range(4)]
    assert list(as_completed(futures)) == [futures[0], futures[2], futures[1], futures[3]]
    assert [(call.name, call.start, call.finish) for call in pool.calls] == [
        ("rules#1", 0, 1),
        ("rules#3", 1, 2),
        ("rules#2", 0, 3),
        ("rules#4", 2, 3),
    ]


def test_a_job_that_a_worker_has_taken_cannot_be_cancelled() -> None:
    pool, slow, fast = asked(max_workers=2, script=SLOW_LLM)
    queued = pool.submit(vector_store)
    wait([slow, fast], return_when=FIRST_COMPLETED)
    assert slow.running()
    assert not slow.cancel()
    assert queued.cancel()
    pool.shutdown()
    assert names(pool) == ["rules#1", "llm#1"]
    assert not slow.cancel(), "nor one that has finished"


@pytest.mark.parametrize("count", [0, -1])
def test_there_is_a_worker(count: int) -> None:
    with pytest.raises(ValueError, match="max_workers must be greater than 0"):
        ScriptedExecutor(max_workers=count)


# Waits within waits, and for ever.


WAITS: dict[str, Callable[[ScriptedExecutor, Future[str]], object]] = {
    "result": lambda pool, future: future.result(),
    "exception": lambda pool, future: future.exception(),
    "wait": lambda pool, future: wait([future]),
    "as_completed": lambda pool, future: list(as_completed([future])),
    "shutdown": lambda pool, future: pool.shutdown(),
    "leaving the block": lambda pool, future: pool.__exit__(None, None, None),
}


@pytest.mark.parametrize("wait_for", WAITS.values(), ids=WAITS)
def test_waiting_for_ever_is_reported(
    wait_for: Callable[[ScriptedExecutor, Future[str]], object],
) -> None:
    pool = ScriptedExecutor(script={"vector_store": Job(never=True)})
    future, other = pool.submit(vector_store), pool.submit(rules)
    with pytest.raises(Deadlock) as caught:
        wait_for(pool, future)
    assert caught.value.blocked == ("`vector_store#1` never finishes, says its script",)
    first, *_, last = str(caught.value).split("\n")
    assert "test_agenda.py" in first
    assert "timeout" in last
    assert isinstance(caught.value, Violation)
    assert future.running()
    assert other.done(), "what can finish has finished"


def test_a_job_may_wait_for_another() -> None:
    pool = ScriptedExecutor(script={"inner": Job(delay=0.1), "outer": Job(delay=1)})

    def inner() -> int:
        return 20

    def outer() -> int:
        return 1 + pool.submit(inner).result()

    assert pool.submit(outer).result() == 21
    assert [(call.name, call.start, call.finish) for call in pool.calls] == [
        ("outer#1", 0, 1.1),
        ("inner#1", 1, 1.1),
    ]


def test_a_job_that_waits_runs_no_one_who_might_wait_for_it() -> None:
    pool = ScriptedExecutor()
    futures: list[Future[Any]] = [
        pool.submit(lambda: futures[2].result()),
        pool.submit(lambda: futures[0].result()),
        pool.submit(lambda: "done"),
    ]
    assert [future.result() for future in futures] == ["done"] * 3


def test_a_job_that_waits_for_a_worker_lets_the_others_finish() -> None:
    pool = ScriptedExecutor(max_workers=2, script={"rules": Job(delay=5), "llm": Job(delay=1)})

    def outer() -> str:
        return pool.submit(llm).result()

    future = pool.submit(outer)
    pool.submit(rules)
    assert future.result() == "block"
    assert [(call.name, call.finish) for call in pool.calls] == [
        ("outer#1", 6),
        ("rules#1", 5),
        ("llm#1", 6),
    ]


@pytest.mark.parametrize(
    "options, reason",
    [
        ({"max_workers": 1}, "`inner#1` waits for a worker; max_workers=1, taken by `outer#1`"),
        ({"order": ["outer", "inner"]}, "`inner#1` comes after 'outer', says `order`"),
        ({"script": {"inner": Job(never=True)}}, "`inner#1` never finishes, says its script"),
    ],
)
def test_a_job_that_waits_for_ever_is_reported(options: Any, reason: str) -> None:
    pool = ScriptedExecutor(**options)

    def inner() -> None:
        pass

    def outer() -> None:
        pool.submit(inner).result()

    with pytest.raises(Deadlock) as caught:
        pool.submit(outer).result()
    assert caught.value.blocked == (reason,)


def test_a_job_that_waits_for_itself_is_reported() -> None:
    pool = ScriptedExecutor()
    futures: list[Future[Any]] = [pool.submit(lambda: futures[0].result())]
    with pytest.raises(Deadlock, match="`<lambda>#1` is itself being called"):
        futures[0].result()


def test_an_order_that_waits_for_what_was_never_submitted_is_reported() -> None:
    pool = ScriptedExecutor(order=["lmm", "rules"])
    future = pool.submit(rules)
    with pytest.raises(Deadlock, match="after 'lmm', which was not submitted, says `order`"):
        future.result()
    with pytest.raises(UsageError, match="`order` has 'lmm'"):
        pool.shutdown()
