"""Points in the program at which a search may take the rare way."""

import asyncio
import threading
from typing import Any

import pytest

import spectest
from spectest.exploration.execution import execute
from spectest.kernel.plan import Plan
from spectest.world import Limits, World

pytestmark = pytest.mark.usefixtures("one_installation")


async def three_reads() -> list[bool]:
    read = []
    for _ in range(3):
        await asyncio.sleep(0.010)
        read.append(spectest.sometimes("cache miss"))
    return read


def test_it_is_false_outside_of_a_search() -> None:
    assert not spectest.sometimes("cache miss")
    assert spectest.run(three_reads) == [False] * 3


def test_a_search_tries_all_of_them() -> None:
    seen = set()

    async def program() -> None:
        seen.add(tuple(await three_reads()))

    report = spectest.explore(program, order="strict", strategy="dfs")
    assert report.complete
    assert len(seen) == 8
    assert report.sometimes == {"cache miss": True}


def test_what_was_true_stands_in_the_token_and_on_the_page() -> None:
    async def program() -> None:
        assert not (await three_reads())[1]

    report = spectest.explore(program)
    failure = report.failure
    assert failure is not None
    assert failure.plan.picks == {"sometimes cache miss#2": 1}
    assert failure.order_model == "strict"
    with pytest.raises(AssertionError):
        spectest.replay(program, failure.token)
    page = spectest.render(report)
    assert "\n  `cache miss` was true, when it was asked for the 2nd time\n" in page
    assert "`cache miss#2` is true" in page
    assert spectest.confirm(program, failure.token).confirmed
    with pytest.raises(spectest.UsageError, match="the token is about sometimes cache miss#2"):
        spectest.replay(lambda: None, failure.token)


def test_what_was_never_true_is_told() -> None:
    report = spectest.explore(three_reads, runs=2)
    assert report.sometimes == {"cache miss": False}
    assert '`sometimes("cache miss")` was never true' in report.notes


def test_threads_ask_too() -> None:
    def program() -> None:
        answers = []
        threads = [
            threading.Thread(target=lambda: answers.append(spectest.sometimes("full disk")))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not all(answers)

    failure = spectest.explore(program).failure
    assert failure is not None
    assert set(failure.plan.picks) == {"sometimes full disk#1", "sometimes full disk#2"}
    assert spectest.confirm(program, failure.token).confirmed


class Fixed:
    """Draws what it is told."""

    def uniform(self, branch: str, attempt: int, kind: str) -> float:
        assert (branch, kind) == ("cache miss", "sometimes")
        return attempt / 10

    def seconds(self, branch: str, attempt: int, latency: Any) -> float:
        raise AssertionError


def test_where_latencies_are_sampled_it_is_drawn() -> None:
    async def program() -> list[bool]:
        return [spectest.sometimes("cache miss", probability=0.25) for _ in range(4)]

    assert World(sampler=Fixed()).run(program) == [True, True, False, False]


def test_it_is_the_same_twice() -> None:
    plan = Plan(picks={"sometimes cache miss#3": 1})
    first, second = (execute(three_reads, plan, Limits(), record=True) for _ in range(2))
    assert first.result == [False, False, True]
    assert first.trace is not None
    assert second.trace is not None
    assert first.trace.fingerprint == second.trace.fingerprint


@pytest.mark.parametrize(
    "name, probability, complaint",
    [("", 0.0, "name=''"), (None, 0.0, "name=None"), ("x", 2, "probability=2"), ("x", True, "=T")],
)
def test_what_means_nothing_is_refused(name: Any, probability: Any, complaint: str) -> None:
    with pytest.raises(spectest.UsageError, match=complaint):
        spectest.sometimes(name, probability=probability)
