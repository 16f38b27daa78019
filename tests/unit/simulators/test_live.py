import asyncio
import logging
import threading
import time
from typing import Any

import numpy as np
import pytest

from simulators import events, live
from simulators.live import CallFailed, Reply, Service, Services
from simulators.results import CANCELLED, DROPPED, FAILED, NOT_SERVED, TIMED_OUT, VALID
from simulators.scenario import (
    Branch,
    Cost,
    Deterministic,
    Limiter,
    Pool,
    Scenario,
    ScenarioError,
    Trace,
)
from spectest import patterns
from spectest.latency import Exponential
from spectest.patterns.policies import EagerRace, Hedge, Sequential

TWO = Scenario([Branch("slow", 1.0), Branch("fast", 0.5)], EagerRace())


async def first(services: Services, request: int) -> Reply:
    return await services["fast"]()


async def boom(services: Services, request: int) -> Reply:
    reply = await services["fast"]()
    if request == 3:
        raise ValueError("boom\nand more")
    return reply


async def hung(services: Services, request: int) -> Reply:
    reply = await services["fast"]()
    if request == 3:
        await asyncio.Event().wait()
    return reply


async def spinning(services: Services, request: int) -> Reply:
    reply = await services["fast"]()
    while request == 3:
        await asyncio.sleep(0)
    return reply


async def forgetful(services: Services, request: int) -> str:
    return f"answer {(await services['fast']()).request}"


async def misled(services: Services, request: int) -> Reply | None:
    try:
        return await services["fsat"]()
    except Exception:
        return None


async def borrowed(services: Services, request: int, kept: list[Reply] = []) -> Reply:  # noqa: B006
    kept.append(await services["fast"]())
    return kept[0]


async def unawaited(services: Services, request: int) -> Any:
    return [services]


def stuck(services: Services, request: int) -> Reply:
    reply = services["fast"].blocking()
    if request == 3:
        threading.Event().wait()
    return reply


def broken(services: Services, request: int) -> Reply:
    services["fast"].blocking()
    raise KeyError("x")


def plain(services: Services, request: int) -> Reply:
    return services["fast"].blocking()


@pytest.mark.parametrize(
    "pipeline, form, told",
    [
        (boom, "coroutines", "raised ValueError: boom and more for request 3, at "),
        (broken, "threads", "raised KeyError: 'x' for request 0, at "),
        (hung, "coroutines", "never answers request 3 (request 3 waits for asyncio.Event"),
        (stuck, "threads", "never answers request 3 (request 3 waits for threading.Event"),
        (
            spinning,
            "coroutines",
            "never answers request 3 (the program goes on for ever in request 3",
        ),
        (forgetful, "coroutines", "returned a str for request 0, which no service gave it; return"),
        (
            borrowed,
            "coroutines",
            "returned a Reply for request 1, which no service gave it; return",
        ),
        (unawaited, "coroutines", "returned a list for request 0, which no service gave it"),
        (
            misled,
            "coroutines",
            "a service is 'fsat', which is no branch that is raced; did you mean",
        ),
        (first, "threads", "form is 'threads', which runs plain functions; pass one, not first"),
        (plain, "coroutines", "form is 'coroutines', which cannot await plain; pass 'async def'"),
        (plain, "processes", "form is 'processes', which is not known; use one of 'coroutines'"),
        (7, "coroutines", "pipeline is 7, which cannot be called; use a function of services"),
    ],
)
def test_misuse_is_one_line(pipeline: Any, form: Any, told: str) -> None:
    threads, level = threading.active_count(), logging.getLogger("spectest.patterns.steps").level
    with pytest.raises(ScenarioError) as caught:
        live.run(TWO, 5, 1, pipeline, form=form)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert threading.active_count() == threads
    assert logging.getLogger("spectest.patterns.steps").level == level
    assert not logging.getLogger("spectest.patterns.steps").filters
    assert time.sleep.__module__ == "time"


def test_a_service_asks_for_nobody_outside_of_a_run() -> None:
    with pytest.raises(ScenarioError, match="a service is 'fast', which was called by nobody"):
        asyncio.run(Service("fast")())


@pytest.mark.parametrize(
    "scenario, told",
    [
        (
            {"limiter": Limiter("queue", capacity=1), "arrivals": Deterministic(1.0)},
            "limiter.kind is 'queue', which is nothing that spectest.patterns.Limiter does",
        ),
        ({"timer": "service_start"}, "timer is 'service_start', which is nothing that speculate"),
        (
            {"limiter": Limiter("drop"), "arrivals": Deterministic(1.0), "pools": [Pool("p", 2)]},
            "limiter.capacity is None, which asks the pool of each branch",
        ),
    ],
)
def test_what_speculate_cannot_say_is_refused(scenario: Any, told: str) -> None:
    branches = [Branch("a", 1.0, pool="p" if scenario.get("pools") else None), Branch("b", 1.0)]
    with pytest.raises(ScenarioError) as caught:
        live.run(Scenario(branches, Hedge(0.5), **scenario), 5)
    assert str(caught.value).startswith(told)
    assert live.run(Scenario(branches, Hedge(0.5), **scenario), 5, 0, asks_a).answered.all()


async def asks_a(services: Services, request: int) -> Reply:
    return await services["a"]()


def test_a_moment_that_an_event_loop_cannot_tell_is_refused() -> None:
    with pytest.raises(ScenarioError) as caught:
        live.run(Scenario([Branch("a", 2e6)], Hedge(0.5)), 1)
    assert str(caught.value) == (
        "the next moment is 2000000.0, which is more than spectest's clock can tell, 1125900 s; "
        "use fewer requests or shorter latencies"
    )


def test_a_policy_of_somebodys_own_has_no_ticks() -> None:
    class Mine(Hedge):
        pass

    mine = Scenario([Branch("a", 1.0)], Mine(0.5))
    with pytest.raises(ScenarioError, match=r"policy is .*Mine.* may have durations"):
        live.run(mine, 5)
    with pytest.raises(ScenarioError, match=r"policy is .*Mine.* may have durations"):
        events.run(mine, 5, ticks=True)


def test_what_is_seen_from_outside() -> None:
    result = live.run(TWO, 2, 0, trace=True)
    assert result.latency.tolist() == [0.5, 0.5]
    assert result.engine == "live"
    assert result.scenario is TWO
    story = [(event.time, event.what, event.branch) for event in result.events if not event.request]
    assert story[-4:] == [
        (0.5, "left", "fast"),
        (0.5, "decided", "fast"),
        (0.5, "cancelled", "slow"),
        (0.5, "left", "slow"),
    ]


async def asked_in_a_thread(services: Services, request: int) -> Reply:
    return await asyncio.to_thread(Service("fast").blocking, "a question", temperature=0)


async def with_a_loser_that_fails(services: Services, request: int) -> Reply:
    calls = [asyncio.create_task(services[name]()) for name in services]
    return await calls[1]


async def speculating(services: Services, request: int) -> Any:
    branches = [patterns.Branch(name, lambda _, name=name: services[name]()) for name in services]
    limiter = patterns.Limiter(1)
    inputs, run_id = {"request": request}, "0"
    return await patterns.speculate(
        branches,
        inputs,
        Hedge(0.25),
        run_id=run_id,
        limiter=limiter,
        decision=patterns.FirstValid(),
    )


@pytest.mark.parametrize("pipeline", [first, asked_in_a_thread])
def test_a_client_may_stand_anywhere(pipeline: Any) -> None:
    result = live.run(TWO, 3, 0, pipeline)
    assert result.winner.tolist() == [1, 1, 1]
    assert result.launched[:, 1].tolist() == [0.0, 0.0, 0.0]
    assert np.isnan(result.launched[:, 0]).all()


def test_a_failed_loser_that_nobody_looked_at_is_no_error() -> None:
    scenario = Scenario([Branch("slow", 0.3, failure=1.0), Branch("fast", 0.5)], EagerRace())
    result = live.run(scenario, 3, 0, with_a_loser_that_fails)
    assert result.outcome.tolist() == [[FAILED, VALID]] * 3


def test_drops_of_a_limiter_of_the_pipeline_are_seen() -> None:
    result = live.run(TWO, 3, 0, speculating)
    assert result.outcome.tolist() == [[VALID, DROPPED]] * 3


def test_a_timeout_is_told_from_a_cancellation() -> None:
    branches = [Branch("a", 1.0, timeout=0.4), Branch("b", 1.0, timeout=2.0)]

    async def impatient(services: Services, request: int) -> None:
        for name in services:
            await asyncio.wait([call := asyncio.create_task(services[name]())], timeout=0.4)
            call.cancel()

    result = live.run(Scenario(branches, Sequential()), 1, 0, impatient)
    assert result.outcome.tolist() == [[TIMED_OUT, CANCELLED]]
    assert result.latency.tolist() == [0.8]
    assert result.work.tolist() == [[0.4, 0.4]]


def test_a_cancelled_call_is_served_as_long_as_the_scenario_says() -> None:
    branches = [Branch("a", 1.0, pool="p", cancel=("delay", 0.25)), Branch("b", 0.5)]
    scenario = Scenario(
        branches, EagerRace(), pools=[Pool("p", 1)], arrivals=Trace([0.0, 0.6]), overload="allowed"
    )
    result = live.run(scenario, 2)
    assert result.work.tolist() == [[0.75, 0.5], [0.6, 0.5]]
    assert result.began[1, 0] == pytest.approx(0.15)


def test_whoever_is_asked_when_its_request_is_over_is_of_no_use_to_it() -> None:
    scenario = Scenario([Branch("a", 1.0), Branch("b", 2.0)], EagerRace())
    tasks = []

    async def late(service: Service) -> None:
        await asyncio.sleep(4.5)
        await service()

    async def pipeline(services: Services, request: int) -> Reply:
        tasks.append(asyncio.create_task(late(services["b"])))
        return await services["a"]()

    result = live.run(scenario, 1, 0, pipeline)
    assert result.latency.tolist() == [1.0]
    assert result.outcome.tolist() == [[VALID, CANCELLED]]
    assert result.launched.tolist() == [[0.0, 4.5]]
    assert result.work.tolist() == [[1.0, 2.0]]


def test_another_attempt_of_a_branch_has_a_draw_of_its_own() -> None:
    scenario = Scenario(
        [Branch("a", Exponential(1.0), failure=0.5, cost=Cost(fixed=1.0))], Sequential()
    )

    told = set()

    async def stubborn(services: Services, request: int) -> Reply:
        while True:
            try:
                return await services["a"]()
            except CallFailed as failure:
                told.add((failure.branch, failure.why))

    result, once = live.run(scenario, 200, 0, stubborn), live.run(scenario, 200)
    assert told == {("a", "failed")}
    assert result.answered.all()
    assert 0.4 < once.answered.mean() < 0.6
    again = ~once.answered
    assert (result.latency[again] > once.latency[again]).all()
    assert np.array_equal(result.latency, result.work[:, 0])
    assert np.array_equal(result.latency[~again], once.latency[~again])


def test_nobody_waits_for_a_server_where_patience_is_nought() -> None:
    scenario = Scenario(
        [Branch("a", 1.0, pool="p")],
        Sequential(),
        pools=[Pool("p", 1, acquire_timeout=0)],
        arrivals=Trace([0.0, 0.5, 1.0]),
    )
    result = live.run(scenario, 3)
    assert result.outcome.tolist() == [[VALID], [NOT_SERVED], [VALID]]
    assert events.run(scenario, 3, ticks=True).difference(result) is None
