"""A limiter drops speculation and nothing else, and never waits."""

import asyncio
import threading

import pytest

import spectest
from spectest.patterns import AllBranchesFailed, Branch, Hedge, Limiter, Usage, settled, speculate


def test_speculative_attempts_are_dropped_when_all_permits_are_in_use() -> None:
    limiter = Limiter(2)
    assert [limiter.acquire(speculative=True) for _ in range(3)] == [True, True, False]
    limiter.release()
    assert limiter.acquire(speculative=True)
    assert limiter.usage() == Usage(launched=3, dropped=1, in_use=2, peak=2)


def test_a_needed_attempt_is_never_dropped_and_is_counted() -> None:
    limiter = Limiter(1)
    assert [limiter.acquire(speculative=False) for _ in range(3)] == [True] * 3
    assert not limiter.acquire(speculative=True)
    assert limiter.usage() == Usage(launched=3, dropped=1, in_use=3, peak=3)


def test_a_permit_that_nobody_has_cannot_be_given_back() -> None:
    with pytest.raises(RuntimeError, match="given back"):
        Limiter(1).release()


@pytest.mark.parametrize("capacity, error", [(0, ValueError), (1.5, TypeError), (True, TypeError)])
def test_a_capacity_is_a_number_of_attempts(capacity: int, error: type[Exception]) -> None:
    with pytest.raises(error, match="capacity"):
        Limiter(capacity)


def test_no_permit_is_lost_between_threads() -> None:
    def program() -> None:
        limiter = Limiter(2)

        def work() -> None:
            if limiter.acquire(speculative=True):
                assert limiter.in_use <= 2
                limiter.release()

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        usage = limiter.usage()
        assert usage.in_use == 0
        assert usage.launched + usage.dropped == 3

    assert spectest.explore(program, runs=100).failure is None


async def _ten_ms(inputs: object) -> str:
    await asyncio.sleep(0.010)
    return "answer"


def test_a_permit_is_given_back_when_the_attempt_has_gone_and_not_when_it_is_cancelled() -> None:
    async def slow_to_go(inputs: object) -> str:
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            await asyncio.sleep(0.100)
            raise
        return "late"

    async def program() -> None:
        limiter = Limiter(2)
        branches = [Branch("a", _ten_ms), Branch("b", slow_to_go)]
        answer = await speculate(branches, 5, Hedge(0.0), run_id="w/2", limiter=limiter, grace=0.2)
        assert answer.branch == "a"
        assert limiter.in_use == 1
        await settled()
        assert limiter.usage() == Usage(launched=2, dropped=0, in_use=0, peak=2)

    spectest.run(program)


def test_the_primary_runs_though_others_use_all_permits() -> None:
    async def program() -> None:
        limiter = Limiter(1)
        limiter.acquire(speculative=False)
        answer = await speculate(
            [Branch("a", _ten_ms), Branch("b", _ten_ms)], 1, run_id="w/1", limiter=limiter
        )
        assert answer.value == "answer"
        assert (limiter.dropped, limiter.peak) == (1, 2)

    spectest.run(program)


def test_the_failure_of_all_names_who_was_dropped() -> None:
    async def fails(inputs: object) -> str:
        raise ValueError(inputs)

    async def program() -> None:
        limiter = Limiter(1)
        branches = [Branch("a", fails), Branch("b", fails)]
        with pytest.raises(AllBranchesFailed, match="was dropped") as caught:
            await speculate(branches, 1, run_id="w/1", limiter=limiter)
        kinds = sorted(type(error).__name__ for error in caught.value.exceptions)
        assert kinds == ["BranchDropped", "ValueError"]
        await settled()
        assert limiter.in_use == 0

    spectest.run(program)
