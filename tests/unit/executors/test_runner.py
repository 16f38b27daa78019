"""How a job runs: what it comes to, who is told, and what ends the executor."""

import logging
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Future,
    ThreadPoolExecutor,
    as_completed,
    wait,
)
from concurrent.futures.thread import BrokenThreadPool
from typing import Any

import pytest

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


# What jobs come to.


def raises_it(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("error", [ValueError("bad"), KeyboardInterrupt(), SystemExit(3)])
def test_whatever_a_job_raises_travels_through_its_future(error: BaseException) -> None:
    pool = ScriptedExecutor()
    future = pool.submit(raises_it, error)
    assert future.exception() is error
    with pytest.raises(type(error)) as caught:
        future.result()
    assert caught.value is error
    assert "raises_it" in {entry.name for entry in caught.traceback}
    (call,) = pool.calls
    assert (call.outcome, call.value) == ("raised", error)


@pytest.mark.parametrize("raises", [TimeoutError, TimeoutError("slow")])
def test_a_script_may_raise_instead_of_calling(raises: Any) -> None:
    reached: list[int] = []
    pool = ScriptedExecutor(script={"append": Job(delay=0.2, raises=raises)})
    future = pool.submit(reached.append, 1)
    with pytest.raises(TimeoutError):
        future.result()
    assert (reached, pool.now, names(pool)) == ([], 0.2, ["append#1"])


def test_a_job_that_never_finishes_is_running_and_times_out() -> None:
    pool = ScriptedExecutor(script={"vector_store": Job(never=True)})
    future = pool.submit(vector_store)
    for ask in (future.result, future.exception):
        with pytest.raises(TimeoutError):
            ask(timeout=1)
    assert wait([future], timeout=1).not_done == {future}
    with pytest.raises(TimeoutError, match=r"1 \(of 1\) futures unfinished"):
        next(as_completed([future], timeout=3600))
    assert pool.now == 3603
    assert future.running()
    assert not future.cancel()
    assert pool.calls == []


# Cancelling, callbacks, shutting down.


def test_a_cancelled_job_is_never_called_and_those_who_wait_learn_of_it() -> None:
    pool, slow, fast = asked()
    assert slow.cancel()
    assert slow.cancel()
    with pytest.raises(CancelledError):
        slow.result()
    assert wait([slow, fast], return_when=FIRST_COMPLETED).done == {slow}
    assert set(as_completed([slow, fast])) == {slow, fast}
    assert names(pool) == ["rules#1"]


def test_callbacks_are_called_in_order_and_may_fail(caplog: pytest.LogCaptureFixture) -> None:
    pool, _, fast = asked()
    seen: list[Any] = []
    fast.add_done_callback(lambda future: seen.append(("first", future.done())))
    fast.add_done_callback(lambda future: 1 / 0)
    fast.add_done_callback(lambda future: seen.append(("third", future.result())))
    assert seen == []
    with caplog.at_level(logging.ERROR, "concurrent.futures"):
        fast.result()
    assert seen == [("first", True), ("third", "approve")]
    assert "exception calling callback" in caplog.text
    fast.add_done_callback(lambda future: seen.append("at once"))
    assert seen[-1] == "at once"
    pool.shutdown()


def test_a_callback_may_submit_cancel_and_wait() -> None:
    pool, slow, fast = asked(script=SLOW_LLM)
    late: list[str] = []

    def react(future: Future[str]) -> None:
        slow.cancel()
        late.append(pool.submit(vector_store).result())

    fast.add_done_callback(react)
    pool.submit(vector_store)
    fast.result()
    pool.shutdown()
    assert late == ["hits"]
    assert names(pool) == ["vector_store#1", "rules#1", "vector_store#2"]


def test_after_shutdown_nothing_is_submitted() -> None:
    messages = []
    for pool in (ScriptedExecutor(), ThreadPoolExecutor()):
        pool.shutdown()
        pool.shutdown()
        with pytest.raises(RuntimeError) as caught:
            pool.submit(rules)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_shutdown_may_cancel_what_is_pending() -> None:
    pool, slow, fast = asked(script=SLOW_LLM)
    fast.result()
    pool.shutdown(cancel_futures=True)
    assert slow.cancelled()
    assert wait([slow]).done == {slow}
    assert names(pool) == ["rules#1"]


def test_the_initializer_is_called_once_before_the_first_job() -> None:
    said: list[str] = []
    pool = ScriptedExecutor(initializer=said.append, initargs=("ready",))
    pool.submit(said.append, "one")
    last = pool.submit(said.append, "two")
    assert said == []
    last.result()
    assert said == ["ready", "one", "two"]
    with pytest.raises(TypeError, match="initializer must be a callable"):
        ScriptedExecutor(initializer="no")  # type: ignore[arg-type]


def test_a_failing_initializer_breaks_the_executor(caplog: pytest.LogCaptureFixture) -> None:
    pool = ScriptedExecutor(initializer=raises_it, initargs=(OSError("no licence"),))
    first, second, cancelled = (pool.submit(rules) for _ in range(3))
    cancelled.cancel()
    with caplog.at_level(logging.CRITICAL, "concurrent.futures"):
        assert isinstance(first.exception(), BrokenThreadPool)
    assert "Exception in initializer" in caplog.text
    assert isinstance(second.exception(), BrokenThreadPool)
    assert wait([cancelled]).done == {cancelled}
    with pytest.raises(BrokenThreadPool, match="initializer failed"):
        pool.submit(rules)
    pool.shutdown()
    assert pool.calls == []
