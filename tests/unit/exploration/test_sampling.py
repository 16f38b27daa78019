"""Many requests through one program, at latencies that are drawn."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import spectest
from spectest.faults import Raise
from spectest.latency import CommonShock, Draws, Exponential, LogNormal, Uniform

pytestmark = pytest.mark.usefixtures("one_installation")


def two() -> tuple[spectest.FakeService, spectest.FakeService]:
    llm = spectest.FakeService("llm", latency=Exponential(0.100), cost=1.0, on_cancel="ignores")
    rules = spectest.FakeService("rules", latency=Exponential(0.050), cost=0.5)
    return llm, rules


async def race() -> None:
    llm, rules = two()
    racing = [asyncio.ensure_future(llm()), asyncio.ensure_future(rules())]
    _, losers = await asyncio.wait(racing, return_when=asyncio.FIRST_COMPLETED)
    for loser in losers:
        loser.cancel()
    if losers:
        await asyncio.wait(losers)


async def one_after_the_other() -> None:
    llm, rules = two()
    await llm()
    await rules()


def test_a_race_takes_the_least_of_the_draws() -> None:
    sample = spectest.sample(race, requests=400, seed=3)
    draws = Draws(3)
    for number, latency in enumerate(sample.latencies):
        llm = Exponential(0.100).quantile(draws.uniform(number, "llm"))
        rules = Exponential(0.050).quantile(draws.uniform(number, "rules"))
        assert latency == pytest.approx(min(llm, rules), abs=2e-9)


def test_known_answers() -> None:
    # The least of two exponentials is exponential with the sum of the rates: mean 33.3 ms. The
    # slower wins with probability 1/3; the loser among the `llm` calls is worked off nevertheless.
    sample = spectest.sample(race, requests=3_000)
    assert sample.mean.low < 0.100 / 3 < sample.mean.high
    assert sample.percentile(0.5).low < 0.6931 * 0.100 / 3 < sample.percentile(0.5).high
    assert not sample.failures
    assert sample.probability().high < 0.002
    llm, rules = sample.services
    assert (llm.name, llm.calls, rules.calls) == ("llm", 3_000, 3_000)
    assert llm.dead / llm.calls == pytest.approx(2 / 3, abs=0.03)
    assert rules.dead == 0
    assert llm.cost == pytest.approx(3_000)
    assert sample.waste.value == pytest.approx((llm.wasted + rules.wasted) / 3_000)


def test_two_programs_meet_the_same_numbers() -> None:
    fast = spectest.sample(race, requests=50)
    slow = spectest.sample(one_after_the_other, requests=50)
    draws = Draws(0)
    for number, (least, total) in enumerate(zip(fast.latencies, slow.latencies, strict=True)):
        assert least < total
        llm = Exponential(0.100).quantile(draws.uniform(number, "llm"))
        assert total > llm


def test_requests_may_be_named() -> None:
    whole = spectest.sample(race, requests=20)
    assert spectest.sample(race, requests=[7, 3]).latencies == (
        whole.latencies[7],
        whole.latencies[3],
    )


def test_services_may_depend_on_each_other() -> None:
    slow = spectest.sample(race, requests=200, dependence=CommonShock(1.0, factor=10.0))
    usual = spectest.sample(race, requests=200)
    assert slow.mean.value == pytest.approx(10 * usual.mean.value)


def test_threads_and_blocking_calls() -> None:
    def program() -> None:
        llm = spectest.FakeService("llm", latency=Uniform(0.010, 0.030))
        with ThreadPoolExecutor(2) as pool:
            for job in [pool.submit(llm.blocking) for _ in range(2)]:
                job.result()

    sample = spectest.sample(program, requests=100)
    draws, latency = Draws(0), Uniform(0.010, 0.030)
    expected = max(latency.quantile(draws.uniform(0, "llm", attempt)) for attempt in (1, 2))
    assert sample.latencies[0] == pytest.approx(expected, abs=2e-9)


def test_the_probability_of_a_bug_that_was_found() -> None:
    async def in_time() -> None:
        llm = spectest.FakeService("llm", latency=LogNormal.from_percentiles(p50=0.030, p99=0.150))
        try:
            await asyncio.wait_for(llm(), 0.150)
        except TimeoutError:
            raise AssertionError("too late") from None

    failure = spectest.explore(in_time).failure
    assert failure is not None
    sample = spectest.sample(in_time, requests=3_000)
    found = sample.probability(failure)
    assert found == sample.probability()
    assert found.low < 0.01 < found.high
    assert len(sample.failures) == round(found.value * 3_000)
    assert sample.failures[0].message == "too late"

    async def another() -> None:
        raise AssertionError("never mind")

    other = spectest.explore(another).failure
    assert sample.probability(other).value == 0


def test_faults_hit_at_their_rate() -> None:
    async def program() -> None:
        await spectest.FakeService("llm", latency=0.010)()

    fault = Raise(ConnectionError, rate=0.25)
    sample = spectest.sample(program, requests=2_000, faults=fault)
    found = sample.probability()
    assert found.low < 0.25 < found.high
    assert {one.error for one in sample.failures} == {"ConnectionError"}
    assert spectest.sample(program, requests=100, faults=Raise(ConnectionError)).failures == ()


def test_the_page() -> None:
    page = spectest.render(spectest.sample(race, requests=1_000))
    head, *rest = page.splitlines()
    assert head.endswith("race: 1000 requests, each alone, latencies drawn (seed 0, independent)")
    words = [line.split() for line in rest if line]
    assert [line[0] for line in words if line[0].isalpha()] == [
        "latency",
        "cost",
        "wasted",
        "service",
        "service",
        "failures",
    ]
    assert "p99.9" in page
    assert "worked on after the caller had left" in page


def test_a_program_without_services_takes_its_own_time() -> None:
    async def program() -> None:
        await asyncio.sleep(0.020)

    sample = spectest.sample(program, requests=3)
    assert sample.latencies == (0.020,) * 3
    assert "cost" not in spectest.render(sample)


@pytest.mark.parametrize("requests", [0, -1, 1.5, [], [-1], ["a"], True, None])
def test_requests_are_checked(requests: Any) -> None:
    with pytest.raises(spectest.UsageError, match="requests="):
        spectest.sample(race, requests=requests)


def test_a_decorated_test_has_two_answers() -> None:
    @spectest.explored(runs=20)
    async def test_it() -> None:
        await race()

    sample = spectest.sample(test_it, requests=50)
    assert sample.latencies == spectest.sample(race, requests=50).latencies
    assert spectest.explore(test_it).failure is None
