"""Awaited calls of a fake service: time, answers, capacity, cancellation, the ledger."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import spectest
from spectest.faults import Hang, Raise, RateLimit, RateLimited, Reset, SlowStart, WrongAnswer
from spectest.services import Call, FakeService

pytestmark = pytest.mark.usefixtures("one_installation")


def at(loop_time: float) -> Any:
    return pytest.approx(loop_time, abs=1e-9)


def test_a_call_takes_its_usual_time_and_answers() -> None:
    async def program() -> None:
        llm = FakeService("llm", latency=(0.020, 0.060), answer=str.upper)
        assert await llm("hello") == "HELLO"
        assert asyncio.get_running_loop().time() == at(0.040)
        (call,) = llm.ledger
        assert (call.name, call.args, call.outcome) == ("llm#1", ("hello",), "answered")
        assert (call.began, call.ended) == (at(0.0), at(0.040))

    spectest.run(program)


def test_the_search_takes_any_latency_that_is_allowed() -> None:
    ended = set()

    async def program() -> None:
        await FakeService("llm", latency=(0.020, 0.060))()
        await asyncio.sleep(0)
        ended.add(round(asyncio.get_running_loop().time(), 6))

    report = spectest.explore(program, order="strict")
    assert report.complete
    assert ended == {0.020, 0.040, 0.060}


@pytest.mark.parametrize(
    "on_cancel, written, worked_until",
    [("stops", [], 0.010), ("ignores", [0.050], 0.050), (0.015, [], 0.025), (1.0, [0.050], 0.050)],
)
def test_what_cancellation_does_to_the_service(
    on_cancel: Any, written: list[float], worked_until: float
) -> None:
    async def program() -> Call:
        llm = FakeService("llm", latency=0.050, effect=lambda: "row", on_cancel=on_cancel, cost=1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(llm(), 0.010)
        assert asyncio.get_running_loop().time() == at(0.010)
        await asyncio.sleep(0.100)
        assert [effect.at for effect in llm.ledger.late_effects] == [at(one) for one in written]
        assert llm.ledger.wasted == pytest.approx(worked_until / 0.050)
        return llm.ledger.calls[0]

    call = spectest.run(program)
    assert call.worked_until == at(worked_until)
    assert call.dead == (on_cancel != "stops")


def test_a_dead_handle_holds_its_place() -> None:
    async def program(on_cancel: Any) -> float:
        llm = FakeService("llm", latency=0.050, capacity=1, on_cancel=on_cancel)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(llm(), 0.010)
        await llm()
        return asyncio.get_running_loop().time()

    assert spectest.run(lambda: program("stops")) == at(0.060)
    assert spectest.run(lambda: program("ignores")) == at(0.100)


def test_the_queue_is_first_come_first_served_and_may_be_full() -> None:
    async def program() -> None:
        llm = FakeService("llm", latency=0.010, answer=lambda n: n, capacity=1, queue=2)
        ended: list[tuple[int, float]] = []

        async def ask(number: int) -> None:
            await llm(number)
            ended.append((number, round(asyncio.get_running_loop().time(), 6)))

        asked = [asyncio.create_task(ask(number)) for number in range(4)]
        *_, refused = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(refused, ConnectionRefusedError)
        assert str(refused) == "llm: its queue of 2 is full"
        assert ended == [(0, 0.010), (1, 0.020), (2, 0.030)]
        assert llm.ledger.refused == 1

    spectest.run(program)


def test_a_cancelled_call_leaves_the_queue() -> None:
    async def program() -> None:
        llm = FakeService("llm", latency=0.010, capacity=1)
        first, second, third = (asyncio.create_task(llm()) for _ in range(3))
        await asyncio.sleep(0.001)
        second.cancel()
        await asyncio.wait([first, second, third])
        assert third.done()
        assert asyncio.get_running_loop().time() == at(0.020)

    spectest.run(program)


def test_connections_count_what_waits() -> None:
    async def program() -> None:
        llm = FakeService("llm", latency=0.010, capacity=1, connections=2)
        answers = await asyncio.gather(llm(), llm(), llm(), return_exceptions=True)
        assert [type(answer).__name__ for answer in answers] == [
            "NoneType",
            "NoneType",
            "ConnectionRefusedError",
        ]

    spectest.run(program)


def fails(fault: Any, expected: type[BaseException]) -> Callable[[], Any]:
    async def program() -> float:
        llm = FakeService("llm", latency=0.040, effect=lambda: "row", failures=fault)
        with pytest.raises(expected):
            await asyncio.wait_for(llm(), 1.0)
        return asyncio.get_running_loop().time()

    return program


@pytest.mark.parametrize(
    "fault, expected, when",
    [
        (Raise(ConnectionError), ConnectionError, 0.040),
        (Raise(KeyError("x")), KeyError, 0.040),
        (Hang(), TimeoutError, 1.0),
        (Reset(at=0.25), ConnectionResetError, 0.010),
        (RateLimit(2), RateLimited, 0.0),
        (SlowStart(2), TimeoutError, 1.0),
    ],
)
def test_what_a_fault_does(fault: Any, expected: type[BaseException], when: float) -> None:
    plan = spectest.Plan(picks={f"fault llm#1 {fault.says}": 1})
    assert spectest.run(fails(fault, expected), plan=plan) == at(when)


def test_a_wrong_answer_is_not_valid() -> None:
    async def program() -> None:
        llm = FakeService("llm", answer=1, valid=lambda it: it == 1, failures=WrongAnswer(2))
        assert [await llm(), await llm()] == [2, 1]
        assert [call.valid for call in llm.ledger] == [False, True]
        assert [call.fault for call in llm.ledger] == ["gives a wrong answer", ""]

    spectest.run(program, plan=spectest.Plan(picks={"fault llm#1 gives a wrong answer": 1}))


def test_each_world_begins_with_an_empty_ledger() -> None:
    llm = FakeService("llm")

    async def program() -> int:
        await llm()
        return len(llm.ledger)

    assert [spectest.run(program) for _ in range(3)] == [1, 1, 1]
    assert len(llm.ledger) == 1


def test_without_spectest_it_takes_its_usual_time() -> None:
    async def program() -> str:
        llm = FakeService("llm", latency=(0.0, 0.002), answer="yes", failures=Hang())
        return str(await llm())

    assert asyncio.run(program()) == "yes"


def test_a_dead_handle_outlives_its_loop() -> None:
    async def gives_up() -> FakeService:
        llm = FakeService("llm", latency=0.100, effect=lambda: "row", on_cancel="ignores", cost=1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(llm(), 0.050)
        return llm

    services: list[FakeService] = []
    sample = spectest.sample(lambda: services.append(asyncio.run(gives_up())), requests=2)
    assert sample.waste.value == 1
    assert [effect.after_cancel for effect in services[-1].ledger.effects] == [True]


def test_without_spectest_a_service_that_stops_leaves_nothing_dead() -> None:
    async def gives_up() -> FakeService:
        llm = FakeService("llm", latency=0.100)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(llm(), 0.001)
        return llm

    assert asyncio.run(gives_up()).ledger.dead == []
