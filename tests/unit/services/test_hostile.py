"""What callers and the author's own functions do to a service at the worst moment."""

import asyncio
import copy
import pickle
import sqlite3
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import spectest
from spectest.faults import Duplicate, Hang, Reset
from spectest.services import Call, FakeService

pytestmark = pytest.mark.usefixtures("one_installation")


FULL: dict[str, str] = {}


def at(loop_time: float) -> Any:
    return pytest.approx(loop_time, abs=1e-9)


# Cancellation.


def test_a_call_that_is_cancelled_in_the_instant_of_its_completion_has_been_worked_off() -> None:
    async def program() -> Call:
        llm = FakeService("llm", latency=0.010, effect=lambda: "row", cost=1, on_cancel="ignores")
        call = asyncio.create_task(llm())
        await asyncio.sleep(0.010)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert [effect.after_cancel for effect in llm.ledger.effects] == [False]
        return llm.ledger.calls[0]

    call = spectest.run(program, elasticity=0)
    assert (call.outcome, call.finished, call.cost, call.dead) == ("cancelled", True, 1, False)


def test_a_call_that_is_cancelled_in_the_instant_of_its_completion_is_no_dead_handle() -> None:
    async def program() -> None:
        llm = FakeService("llm", latency=0.010)
        call = asyncio.create_task(llm())
        await asyncio.sleep(0.010)
        call.cancel()
        await asyncio.wait([call])
        assert llm.ledger.calls[0].outcome == "cancelled"

    spectest.run(program, elasticity=0, oracles=["cancellation"])


def test_a_call_that_is_cancelled_twice_gives_one_place_back() -> None:
    async def program() -> float:
        llm = FakeService("llm", latency=0.010, capacity=1, on_cancel=0.005)
        first = asyncio.create_task(llm())
        await asyncio.sleep(0.001)
        first.cancel()
        first.cancel()
        await asyncio.wait([first])
        first.cancel()
        await asyncio.gather(llm(), llm())
        return asyncio.get_running_loop().time()

    assert spectest.run(program) == at(0.026)


def test_whoever_is_cancelled_while_the_answer_is_made_has_given_up() -> None:
    async def answer() -> None:
        await asyncio.sleep(1.0)

    async def program() -> str:
        llm = FakeService("llm", latency=0.010, answer=answer)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(llm(), 0.020)
        return llm.ledger.calls[0].outcome

    assert spectest.run(program) == "cancelled"


def test_a_shielded_call_goes_on() -> None:
    async def program() -> str:
        llm = FakeService("llm", latency=0.050, answer="yes")
        call = asyncio.create_task(llm())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(call), 0.010)
        assert llm.ledger.calls[0].outcome == "open"
        return str(await call)

    assert spectest.run(program) == "yes"


def test_a_task_group_stops_its_other_calls() -> None:
    async def program() -> None:
        llm = FakeService("llm", latency=lambda name: 0.010 if name == "a" else 1.0, cost=1)

        async def ask(name: str) -> None:
            await llm(name)
            raise KeyError(name)

        with pytest.raises(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                group.create_task(ask("a"))
                group.create_task(ask("b"))
        assert [call.outcome for call in llm.ledger] == ["answered", "cancelled"]
        assert llm.ledger.wasted == pytest.approx(0.010)

    spectest.run(program)


def test_a_reset_call_that_is_stopped_costs_no_more_than_its_part() -> None:
    async def program() -> float:
        llm = FakeService("llm", latency=0.100, cost=1, failures=Reset(at=0.5))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(llm(), 0.025)
        return llm.ledger.cost

    plan = spectest.Plan(picks={"fault llm#1 is reset after partial work": 1})
    assert spectest.run(program, plan=plan) == pytest.approx(0.25)


# What the author's functions do.


def test_an_effect_that_raises_is_raised_for_the_caller() -> None:
    async def program() -> Call:
        db = FakeService("db", latency=0.010, effect=lambda: FULL["disk"])
        with pytest.raises(KeyError, match="disk"):
            await db()
        return db.ledger.calls[0]

    call = spectest.run(program)
    assert (call.outcome, call.finished, type(call.error)) == ("raised", True, KeyError)


def test_an_effect_that_raises_in_a_dead_handle_is_kept_in_the_ledger() -> None:
    async def program() -> None:
        db = FakeService("db", latency=0.010, effect=lambda: FULL["disk"], on_cancel="ignores")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(db(), 0.005)
        await asyncio.sleep(1)
        (call,) = db.ledger
        assert isinstance(call.error, KeyError)
        assert (call.outcome, db.ledger.effects) == ("cancelled", [])

    assert spectest.explore(program).failure is None


def test_an_effect_that_raises_in_a_thread() -> None:
    def program() -> str:
        db = FakeService("db", latency=0.010, effect=lambda: FULL["disk"], capacity=1)
        for _ in range(2):
            with pytest.raises(KeyError, match="disk"):
                db.blocking()
        return db.ledger.calls[0].outcome

    assert spectest.run(program) == "raised"


def test_a_pytest_failure_in_an_effect_is_the_program_s() -> None:
    async def program() -> None:
        await FakeService("db", effect=lambda: pytest.fail("written"))()

    with pytest.raises(pytest.fail.Exception, match="written"):
        spectest.run(program)


@pytest.mark.parametrize("place", ["latency", "effect", "answer", "valid"])
def test_an_interrupt_ends_the_search(place: str) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    async def program() -> None:
        options: dict[str, Any] = {place: interrupt}
        await FakeService("db", **options)()

    with pytest.raises(KeyboardInterrupt):
        spectest.explore(program)


@pytest.mark.parametrize(
    "options, complaint",
    [
        ({"latency": lambda: 1 / 0}, r"latency\(request\) raised ZeroDivisionError"),
        ({"latency": lambda: "soon"}, r"latency\(request\)='soon'"),
        ({"latency": lambda: -1}, r"latency\(request\)=-1"),
        ({"cost": lambda _: 1 / 0}, r"cost\(call\) raised ZeroDivisionError"),
        ({"cost": lambda _: None}, r"cost\(call\)=None must be a number"),
    ],
)
@pytest.mark.parametrize("blocking", [False, True])
def test_functions_that_make_no_sense_are_named(
    options: Any, complaint: str, blocking: bool
) -> None:
    async def awaited() -> None:
        await FakeService("llm", **options)()

    def in_a_thread() -> None:
        FakeService("llm", **options).blocking()

    with pytest.raises(spectest.UsageError, match=complaint):
        spectest.explore(in_a_thread if blocking else awaited)


def test_a_program_that_catches_everything_does_not_hide_it() -> None:
    async def program() -> None:
        with suppress(Exception):
            await FakeService("llm", latency=lambda: "soon")()

    with pytest.raises(spectest.UsageError, match="soon"):
        spectest.explore(program)


async def coroutine_function(*_: object) -> float:
    return 0.0


@pytest.mark.parametrize(
    "options, complaint",
    [
        ({"latency": "soon"}, "'soon' is not a latency"),
        ({"latency": coroutine_function}, "nothing awaits what it returns"),
        ({"cost": coroutine_function}, "nothing awaits what it returns"),
        ({"effect": coroutine_function}, "nothing awaits what it returns"),
        ({"effect": "row"}, "must be a plain function"),
        ({"capacity": 0}, "capacity=0 must be a whole number, 1 or more"),
        ({"queue": 1}, "queue=1 must be None where capacity is None"),
        ({"on_cancel": "waits"}, "'stops', 'ignores' or a number"),
        ({"on_cancel": float("nan")}, "'stops', 'ignores' or a number"),
        ({"cost": -1}, "cost=-1 must be a number"),
        ({"failures": "hang"}, "is no fault"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(options: Any, complaint: str) -> None:
    with pytest.raises(spectest.UsageError, match=complaint):
        FakeService("llm", **options)


def test_effects_in_a_real_database(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "orders.db", check_same_thread=False)
    database.execute("CREATE TABLE orders (name TEXT)")

    def insert(name: str) -> int:
        with database:
            return database.execute("INSERT INTO orders VALUES (?)", (name,)).rowcount

    async def program() -> None:
        database.execute("DELETE FROM orders")
        db = FakeService("db", latency=(0.010, 0.030), effect=insert, on_cancel="ignores")
        for _ in range(2):
            try:
                await asyncio.wait_for(db("a"), 0.020)
                break
            except TimeoutError:
                pass
        await asyncio.sleep(1)
        rows = database.execute("SELECT count(*) FROM orders").fetchone()
        assert rows == (1,), "ordered twice"

    failure = spectest.explore(program).failure
    database.close()
    assert failure is not None
    assert str(failure.error).startswith("ordered twice")
    assert failure.order_model == "strict"


# Worlds, loops, threads, processes.


def test_one_service_at_module_level_in_many_executions() -> None:
    llm = FakeService("llm", latency=(0.010, 0.030), capacity=1, on_cancel="ignores")
    lengths = []

    async def program() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(llm(), 0.005)
        await llm()
        lengths.append(len(llm.ledger))

    assert spectest.explore(program).failure is None
    assert set(lengths) == {2}


def test_several_loops_of_one_world_share_a_ledger() -> None:
    llm = FakeService("llm", latency=0.010, capacity=1)

    async def ask() -> None:
        await llm()

    def program() -> int:
        threads = [threading.Thread(target=asyncio.run, args=(ask(),)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert time.monotonic() == pytest.approx(0.030)
        return len(llm.ledger)

    assert spectest.run(program) == 3
    assert spectest.explore(program, runs=50).failure is None


def test_a_loop_of_plain_asyncio_has_a_ledger_of_its_own() -> None:
    llm = FakeService("llm", latency=0.001, capacity=1, failures=Hang())

    async def program() -> int:
        await asyncio.gather(llm(), asyncio.to_thread(llm.blocking), llm())
        return len(llm.ledger)

    assert [asyncio.run(program()) for _ in range(2)] == [3, 3]
    assert llm.ledger.calls[0].name == "llm#1"


def test_a_service_does_not_travel() -> None:
    llm = FakeService("llm", latency=0.010)

    def program() -> None:
        with ProcessPoolExecutor(1) as pool:
            pool.submit(llm.blocking).result()

    with pytest.raises(spectest.UsageError, match="cannot be copied or sent to another process"):
        pickle.dumps(llm)
    with pytest.raises(spectest.UsageError, match="cannot be copied"):
        copy.copy(llm)
    with pytest.raises(spectest.UsageError, match="sent to another process"):
        spectest.explore(program)


def test_a_place_that_only_the_blocked_loop_could_give_back() -> None:
    async def program() -> None:
        llm = FakeService("llm", latency=0.010, capacity=1)
        call = asyncio.create_task(llm())
        await asyncio.sleep(0)
        llm.blocking()
        await call

    with pytest.raises(spectest.Deadlock, match="a place in `llm`, which is taken by `llm#1`"):
        spectest.run(program)


# Confirmation.


def confirmed(program: Any, **settings: Any) -> spectest.Confirmation:
    failure = spectest.explore(program, confirm=True, **settings).failure
    assert failure is not None
    assert failure.confirmation is not None
    return failure.confirmation


async def awaited() -> None:
    llm = FakeService("llm", latency=(0.010, 0.030), effect=lambda: 1, on_cancel="ignores")
    try:
        await asyncio.wait_for(llm(), 0.025)
    except TimeoutError:
        await llm()
    assert len(llm.ledger.effects) == 1


def blocking() -> None:
    llm = FakeService("llm", latency=(0.010, 0.030), capacity=1)
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(llm.blocking) for _ in range(2)]
        jobs[1].result(timeout=0.045)


async def mixed() -> None:
    llm = FakeService("llm", latency=(0.010, 0.030), capacity=1)
    await asyncio.wait_for(asyncio.gather(asyncio.to_thread(llm.blocking), llm()), 0.045)


async def delivered_twice() -> None:
    db = FakeService("db", latency=0.010, effect=lambda: 1, failures=Duplicate(0.005))
    await db()
    await asyncio.sleep(0.010)
    assert len(db.ledger.effects) == 1


def delivered_twice_to_a_thread() -> None:
    db = FakeService("db", latency=0.010, effect=lambda: 1, failures=Duplicate(0.005))
    db.blocking()
    time.sleep(0.010)
    assert len(db.ledger.effects) == 1


async def hanging() -> None:
    llm = FakeService("llm", latency=0.010, failures=Hang())
    await llm()


def hanging_in_a_thread() -> None:
    FakeService("llm", latency=0.010, failures=Hang()).blocking()


@pytest.mark.parametrize(
    "program",
    [
        awaited,
        blocking,
        mixed,
        delivered_twice,
        delivered_twice_to_a_thread,
        hanging,
        hanging_in_a_thread,
    ],
)
def test_it_fails_in_real_time_too(program: Any) -> None:
    result = confirmed(program)
    assert result.confirmed, result.reason
