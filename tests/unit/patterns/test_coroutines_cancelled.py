"""Cancelling a speculation from outside, and what clients and commits see of it."""

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import spectest
from spectest.patterns import (
    AllBranchesFailed,
    Branch,
    CommitFailed,
    Hedge,
    Ranked,
    Record,
    Sequential,
    policies,
    settled,
    speculate,
    stage,
)

ORDER = Hedge(0.0)


def sleeper(log: list[str], name: str, seconds: float = 1.0) -> Branch[Awaitable[str]]:
    async def call(inputs: Any) -> str:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            log.append(name)
            raise
        return name

    return Branch(name, call)


def test_a_cancellation_reaches_every_branch_and_the_caller() -> None:
    log: list[str] = []

    async def program() -> None:
        branches = [sleeper(log, "a"), sleeper(log, "b")]
        task = asyncio.create_task(speculate(branches, 1, ORDER, run_id="w/1"))
        await asyncio.sleep(0.01)
        task.cancel("enough")
        with pytest.raises(asyncio.CancelledError, match="enough"):
            await task
        await settled()
        assert log == ["a", "b"]
        assert asyncio.get_running_loop().time() == pytest.approx(0.01)

    spectest.run(program)


def test_a_timeout_around_it_works() -> None:
    log: list[str] = []

    async def program() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await speculate([sleeper(log, "a")], 1, run_id="w/1")
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    spectest.run(program)
    assert log == ["a"]


def test_the_caller_does_not_wait_for_a_branch_that_swallows_the_cancellation() -> None:
    async def stubborn(inputs: Any) -> None:
        try:
            await asyncio.sleep(9)
        except asyncio.CancelledError:
            await asyncio.sleep(0.5)

    async def program() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await speculate([Branch("a", stubborn)], 1, run_id="w/1")
        assert asyncio.get_running_loop().time() == pytest.approx(0.02)

    spectest.run(program)


def test_a_cancelled_call_has_a_record_without_a_winner(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "spectest.patterns")

    async def program() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await speculate([sleeper([], "a")], 1, run_id="w/1", sample=1)
        await settled()

    spectest.run(program)
    record = Record.from_json(caplog.records[-1].getMessage())
    assert record.winning_branch_index is None
    assert record.decided_after_ms is None
    assert record.branch_outcomes == ("cancelled",)


def test_a_commit_that_has_begun_is_finished_before_the_cancellation_is_raised() -> None:
    done: list[str] = []

    async def slowly(what: str) -> None:
        await asyncio.sleep(0.01)
        done.append(what)

    async def call(inputs: Any) -> str:
        stage(slowly, "first")
        stage(slowly, "second")
        return "answer"

    async def program() -> None:
        task = asyncio.create_task(speculate([Branch("a", call)], 1, run_id="w/1"))
        await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert done == ["first", "second"]

    spectest.run(program)


def test_a_cancellation_that_comes_with_the_decision_is_not_lost() -> None:
    done: list[str] = []
    tasks: list[asyncio.Task[Any]] = []

    async def call(inputs: Any) -> str:
        stage(done.append, "committed")
        await asyncio.sleep(0.01)
        tasks[0].cancel()
        return "answer"

    async def program() -> None:
        tasks.append(asyncio.create_task(speculate([Branch("a", call)], 1, run_id="w/1")))
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        await settled()

    spectest.run(program)
    assert done == []


def test_a_commit_that_fails_is_raised_and_what_is_left_is_named() -> None:
    async def call(inputs: Any) -> str:
        stage(int, "no number")
        stage(print, "never")
        return "answer"

    async def program() -> None:
        with pytest.raises(CommitFailed, match="print") as caught:
            await speculate([Branch("a", call)], 1, run_id="w/1")
        assert isinstance(caught.value.__cause__, ValueError)

    spectest.run(program)


def test_a_commit_that_fails_while_it_is_cancelled_is_the_cause_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def breaks() -> None:
        await asyncio.sleep(0.01)
        raise ValueError

    async def call(inputs: Any) -> str:
        stage(breaks)
        return "answer"

    async def program() -> None:
        task = asyncio.create_task(speculate([Branch("a", call)], 1, run_id="w/1"))
        await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        assert isinstance(caught.value.__cause__, CommitFailed)

    spectest.run(program)
    assert "a commit failed" in caplog.text


def test_a_branch_that_somebody_else_cancels_has_failed() -> None:
    async def cancels_itself(inputs: Any) -> str:
        raise asyncio.CancelledError

    async def cancelled_by_others(inputs: Any) -> str:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(1)
        return "never"

    async def program() -> None:
        told = {cancels_itself: "raised CancelledError", cancelled_by_others: "was cancelled"}
        for call, words in told.items():
            branches = [Branch("bad", call), sleeper([], "good", 0.01)]
            assert (await speculate(branches, 1, Sequential(), run_id="w/1")).value == "good"
            with pytest.raises(AllBranchesFailed, match=f"'bad' {words}"):
                await speculate([Branch("bad", call)], 1, run_id="w/1")

    spectest.run(program)


class Client:
    def __init__(self, log: list[str]) -> None:
        self.log = log

    async def aclose(self) -> None:
        await asyncio.sleep(0.02)
        self.log.append(f"closed at {1000 * asyncio.get_running_loop().time():.0f}")


@pytest.mark.parametrize("loses", ["answers", "raises", "is cancelled", "is late"])
def test_a_client_is_closed_once_in_whatever_way_its_attempt_ends(loses: str) -> None:
    log: list[str] = []

    async def call(inputs: Any, client: Client) -> str:
        await asyncio.sleep(9 if loses in {"is cancelled", "is late"} else 0.01)
        if loses == "raises":
            raise OSError
        return "answer"

    async def program() -> None:
        timeout = 0.01 if loses == "is late" else None
        branch = Branch("a", call, client=lambda: Client(log), timeout=timeout)
        other = sleeper([], "b", 0.01)
        branches = [other, branch] if loses == "is cancelled" else [branch, other]
        await speculate(branches, 1, ORDER, run_id="w/1")
        assert asyncio.get_running_loop().time() == pytest.approx(0.01)
        assert log == []
        await settled()

    spectest.run(program)
    assert log == ["closed at 30"]


def test_a_client_is_closed_under_a_branch_that_does_not_go() -> None:
    log: list[str] = []

    async def stubborn(inputs: Any, client: Client) -> None:
        while not log:
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                log.append("asked")
        while len(log) == 1:
            await asyncio.sleep(0.01)

    async def program() -> None:
        branches = [sleeper([], "b", 0.01), Branch("a", stubborn, client=lambda: Client(log))]
        await speculate(branches, 1, ORDER, run_id="w/1", grace=0.2)
        await settled()

    spectest.run(program)
    assert log == ["asked", "closed at 130"]


def test_a_client_that_cannot_be_closed_costs_a_warning_and_not_the_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken:
        def close(self) -> None:
            raise OSError("gone")

    async def call(inputs: Any, client: Broken) -> str:
        return "answer"

    async def program() -> str:
        branch = Branch("a", call, client=Broken)
        return (await speculate([branch], 1, run_id="w/1")).value

    assert spectest.run(program) == "answer"
    assert "branch 'a': closing its client failed: OSError: gone" in caplog.text


def test_a_closing_that_is_interrupted_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    async def call(inputs: Any, client: Client) -> str:
        return "answer"

    async def program() -> str:
        branch = Branch("a", call, client=lambda: Client([]))
        return (await speculate([branch], 1, run_id="w/1")).value

    assert asyncio.run(program()) == "answer"
    assert "branch 'a': closing its client failed: CancelledError" in caplog.text


def test_a_decision_that_raises_ends_every_branch() -> None:
    log: list[str] = []

    class Breaks(Ranked):
        def winner(self, situation: policies.Situation) -> int | None:
            if situation.having("valid"):
                raise ZeroDivisionError
            return None

    async def program() -> None:
        branches = [sleeper(log, "a"), sleeper(log, "b", 0.01)]
        with pytest.raises(ZeroDivisionError):
            await speculate(branches, 1, ORDER, run_id="w/1", decision=Breaks())
        await settled()

    spectest.run(program)
    assert log == ["a"]


def test_nothing_is_left_to_the_collector() -> None:
    async def fails(inputs: Any) -> None:
        raise ValueError

    async def program() -> None:
        branches = [sleeper([], "a", 0.0), sleeper([], "b", 0.01), Branch("c", fails)]
        await speculate(branches, 1, ORDER, run_id="w/1")
        await settled()
        await asyncio.sleep(0)

    def invocations() -> int:
        return sum(type(one).__name__ == "_InLoop" for one in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = invocations()
        asyncio.run(program())
        assert invocations() == before
    finally:
        gc.enable()


def test_on_a_loop_that_is_closed_under_it_nothing_is_raised() -> None:
    loop = asyncio.new_event_loop()
    call: Callable[..., Any] = sleeper([], "a").call
    running = speculate([Branch("a", call)], 1, run_id="w/1")
    task = loop.create_task(running)
    loop.call_soon(loop.stop)
    loop.run_forever()
    for one in asyncio.all_tasks(loop):
        if one is not task:
            one.cancel()
            loop.call_soon(loop.stop)
            loop.run_forever()
    loop.close()
    running.close()
    task._log_destroy_pending = False  # type: ignore[attr-defined]
