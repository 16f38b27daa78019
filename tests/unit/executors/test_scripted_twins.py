"""What the mock is for: the naive version of a program shows, the careful one passes."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, wait

import pytest

from spectest.executors import Job, ScriptedExecutor

Engine = Callable[[], str]
Ask = Callable[[Executor, list[Engine]], str]


def rules() -> str:
    return "approve"


def llm() -> str:
    return "block"


def takes_any_answer(pool: Executor, engines: list[Engine]) -> str:
    done, _ = wait([pool.submit(engine) for engine in engines], return_when=FIRST_COMPLETED)
    return done.pop().result()


def takes_the_first_good_answer(pool: Executor, engines: list[Engine]) -> str:
    pending = {pool.submit(engine) for engine in engines}
    while pending:
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        for future in done:
            if future.exception() is None:
                for loser in pending:
                    loser.cancel()
                return future.result()
    raise RuntimeError("no answer")


def test_the_first_to_finish_may_have_failed() -> None:
    script = {"rules": Job(delay=0.010, raises=OSError("down")), "llm": Job(delay=0.200)}
    with ScriptedExecutor(script=script) as pool, pytest.raises(OSError, match="down"):
        takes_any_answer(pool, [llm, rules])
    with ScriptedExecutor(script=script) as pool:
        assert takes_the_first_good_answer(pool, [llm, rules]) == "block"


def answers_and_waits_for_the_loser(pool: Executor, engines: list[Engine]) -> str:
    with pool:
        return takes_any_answer(pool, engines)


def answers_and_cancels_the_loser(pool: Executor, engines: list[Engine]) -> str:
    with pool:
        return takes_the_first_good_answer(pool, engines)


@pytest.mark.parametrize(
    "ask, took, called",
    [
        (answers_and_waits_for_the_loser, 0.200, ["rules#1", "llm#1"]),
        (answers_and_cancels_the_loser, 0.030, ["rules#1"]),
    ],
)
def test_leaving_the_block_waits_for_the_loser(ask: Ask, took: float, called: list[str]) -> None:
    pool = ScriptedExecutor(script={"rules": Job(delay=0.030), "llm": Job(delay=0.200)})
    assert ask(pool, [llm, rules]) == "approve"
    assert pool.now == took
    assert [call.name for call in pool.calls] == called


def answers_and_abandons_the_loser(pool: Executor, engines: list[Engine]) -> str:
    answer = takes_the_first_good_answer(pool, engines)
    pool.shutdown(wait=False, cancel_futures=True)
    return answer


@pytest.mark.parametrize(
    "ask, took",
    [
        (answers_and_waits_for_the_loser, 0.200),
        (answers_and_cancels_the_loser, 0.200),
        (answers_and_abandons_the_loser, 0.030),
    ],
)
def test_a_loser_that_a_worker_has_taken_is_not_cancelled(ask: Ask, took: float) -> None:
    script = {"rules": Job(delay=0.030), "llm": Job(delay=0.200)}
    pool = ScriptedExecutor(max_workers=2, script=script)
    assert ask(pool, [llm, rules]) == "approve"
    assert pool.now == took
