"""What `ScriptedExecutor` promises: when jobs run, what the fake clock shows, what is refused."""

from concurrent.futures import (
    ALL_COMPLETED,
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    Executor,
    Future,
    as_completed,
    wait,
)
from typing import Any

import pytest

from spectest import executors
from spectest.errors import UsageError
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


def test_the_package_exports_it() -> None:
    assert {"Call", "Job", "ScriptedExecutor"} <= set(dir(executors))
    assert executors.Job is Job
    with pytest.raises(AttributeError, match=r"spectest\.executors.*'Jobs'"):
        executors.Jobs  # noqa: B018  # reading it is the test


# Jobs run when somebody waits, and no further than that.


def test_nothing_runs_at_submit_and_asking_runs_nothing() -> None:
    pool, slow, fast = asked()
    assert isinstance(pool, Executor)
    assert isinstance(slow, Future)
    assert not slow.done()
    assert not slow.running()
    assert not slow.cancelled()
    assert pool.calls == []
    assert "state=pending" in repr(fast)


@pytest.mark.parametrize("ask", ["result", "exception"])
def test_who_waits_for_one_runs_those_before_it_and_no_others(ask: str) -> None:
    pool = ScriptedExecutor()
    first, second, third = pool.submit(llm), pool.submit(rules), pool.submit(vector_store)
    getattr(second, ask)()
    assert names(pool) == ["llm#1", "rules#1"]
    assert first.done()
    assert not third.done()


def test_without_an_order_jobs_finish_when_their_delays_are_over() -> None:
    pool, slow, fast = asked(script=SLOW_LLM)
    assert [future.result() for future in as_completed([slow, fast])] == ["approve", "block"]
    assert [(call.name, call.start, call.finish) for call in pool.calls] == [
        ("rules#1", 0, 0.030),
        ("llm#1", 0, 0.200),
    ]
    assert pool.now == 0.200


def test_at_one_instant_jobs_finish_in_the_order_of_submission() -> None:
    pool = ScriptedExecutor(script={"rules": Job(delay=0.1)})
    for answer in ("a", "b", "c"):
        pool.submit(rules, answer)
    pool.shutdown()
    assert [call.args for call in pool.calls] == [("a",), ("b",), ("c",)]


def test_delays_count_from_the_submission() -> None:
    pool = ScriptedExecutor(script=SLOW_LLM)
    slow = pool.submit(llm)
    assert wait([slow], timeout=0.180).not_done == {slow}
    fast = pool.submit(rules)
    assert wait([slow, fast], return_when=FIRST_COMPLETED).done == {slow}
    fast.result()
    assert pool.now == pytest.approx(0.210, abs=1e-12)


def test_first_completed_leaves_the_loser_pending_so_that_it_can_be_cancelled() -> None:
    pool, slow, fast = asked(script=SLOW_LLM)
    done, not_done = wait([slow, fast], return_when=FIRST_COMPLETED)
    assert (done, not_done) == ({fast}, {slow})
    assert slow.cancel()
    pool.shutdown()
    assert names(pool) == ["rules#1"], "what is cancelled is never called"
    assert pool.now == 0.030


def test_first_exception_stops_at_the_first_that_fails() -> None:
    pool = ScriptedExecutor(order=["rules", "llm"], script={"llm": Job(raises=OSError("down"))})
    failing, fine, last = pool.submit(llm), pool.submit(rules), pool.submit(vector_store)
    done, not_done = wait([last, failing, fine], return_when=FIRST_EXCEPTION)
    assert (done, not_done) == ({fine, failing}, {last})


def test_all_completed_runs_all_of_these_and_no_others() -> None:
    pool = ScriptedExecutor()
    first, second, third = pool.submit(llm), pool.submit(rules), pool.submit(vector_store)
    assert wait([second, first], return_when=ALL_COMPLETED).done == {first, second}
    assert not third.done()


def test_leaving_the_block_runs_what_is_left() -> None:
    with ScriptedExecutor() as pool:
        future = pool.submit(rules)
        assert not future.done()
    assert future.done()


def test_without_waiting_shutdown_runs_nothing_and_the_jobs_stay_available() -> None:
    pool, _, fast = asked()
    pool.shutdown(wait=False)
    assert pool.calls == []
    assert fast.result() == "approve"


def test_advance_lets_time_pass() -> None:
    pool, slow, fast = asked(script=SLOW_LLM)
    pool.advance(0.1)
    assert (fast.done(), slow.done(), pool.now) == (True, False, 0.1)
    pool.advance(0.1)
    assert (slow.done(), pool.now) == (True, 0.2)
    for value in (-1, float("nan"), float("inf"), True, "1"):
        with pytest.raises(UsageError, match=r"advance\("):
            pool.advance(value)  # type: ignore[arg-type]


# Timeouts are fake seconds.


def test_a_timeout_takes_fake_time_only() -> None:
    pool, slow, _ = asked(script=SLOW_LLM)
    with pytest.raises(TimeoutError):
        slow.result(timeout=0.1)
    assert pool.now == 0.1
    with pytest.raises(TimeoutError):
        slow.exception(timeout=0.05)
    assert pool.now == pytest.approx(0.15)
    assert slow.result(timeout=3600) == "block"
    assert pool.now == 0.2


def test_what_takes_exactly_the_timeout_is_in_time() -> None:
    _, slow, fast = asked(script=SLOW_LLM)
    assert fast.result(timeout=0.030) == "approve"
    with pytest.raises(TimeoutError):
        slow.result(timeout=0.169_999_999)


def test_wait_with_a_timeout() -> None:
    pool, slow, fast = asked(script=SLOW_LLM)
    assert wait([slow, fast], timeout=0.1) == ({fast}, {slow})
    assert pool.now == 0.1
    assert wait([slow, fast], timeout=3600) == ({fast, slow}, set())
    assert pool.now == 0.2


def test_as_completed_has_one_timeout_for_all_of_its_futures() -> None:
    script = {number: Job(delay=0.040 * number) for number in (1, 2, 3)}
    pool = ScriptedExecutor(script=script)
    futures = [pool.submit(rules, str(number)) for number in (1, 2, 3)]
    seen: list[str] = []
    with pytest.raises(TimeoutError, match=r"1 \(of 3\) futures unfinished"):
        seen.extend(future.result() for future in as_completed(futures, timeout=0.1))
    assert pool.now == 0.1
    assert pool.calls[-1].value == "2"


def test_map_gives_results_in_order_and_has_one_timeout_for_all() -> None:
    pool = ScriptedExecutor(script={1: Job(delay=0.06), 2: Job(delay=0.05), 3: Job(delay=0.15)})
    results = pool.map(rules, ["a", "b", "c", "d"], timeout=0.1, chunksize=2)
    assert pool.calls == []
    assert [next(results), next(results)] == ["a", "b"]
    with pytest.raises(TimeoutError):
        next(results)
    assert pool.now == 0.1
    pool.shutdown()
    assert names(pool) == ["rules#4", "rules#2", "rules#1"], "the late one was cancelled"


def test_map_cancels_the_rest_when_its_iterator_is_closed() -> None:
    pool = ScriptedExecutor()
    results = pool.map(pow, [2, 3, 4], [2, 2, 2])
    assert next(results) == 4
    results.close()  # type: ignore[attr-defined]
    pool.shutdown()
    assert names(pool) == ["pow#1"]
