"""Scripted jobs on an event loop, stock and virtual."""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

import spectest
from spectest.executors import Job, ScriptedExecutor


def rules() -> str:
    return "approve"


def llm() -> str:
    return "block"


def names(pool: ScriptedExecutor) -> list[str]:
    return [call.name for call in pool.calls]


def virtual(main: Callable[[], Any]) -> tuple[Any, float]:
    """The result of `main()` and the virtual time it took."""
    with asyncio.Runner(loop_factory=spectest.VirtualEventLoop) as runner:
        return runner.run(main()), runner.get_loop().time()


def test_a_stock_loop_awaits_a_job() -> None:
    async def main() -> list[str]:
        pool = ScriptedExecutor()
        loop = asyncio.get_running_loop()
        one = await loop.run_in_executor(pool, rules)
        return [one, *await asyncio.gather(*(loop.run_in_executor(pool, f) for f in (llm, rules)))]

    assert asyncio.run(main(), debug=True) == ["approve", "block", "approve"]


def test_exceptions_arrive_at_the_awaiter() -> None:
    pool = ScriptedExecutor(script={"llm": Job(raises=OSError("down"))})

    async def main() -> None:
        await asyncio.get_running_loop().run_in_executor(pool, llm)

    with pytest.raises(OSError, match="down"):
        asyncio.run(main())


def test_a_loop_that_does_not_run_awaits_a_job_later() -> None:
    pool = ScriptedExecutor()
    with asyncio.Runner() as runner:
        awaited = runner.get_loop().run_in_executor(pool, rules)

        async def main() -> str:
            return await awaited

        assert pool.calls == []
        assert runner.run(main()) == "approve"


def test_delays_are_of_the_clock_of_the_loop() -> None:
    pool = ScriptedExecutor(script={"llm": Job(delay=0.2), "rules": Job(delay=0.03)})

    async def main() -> str:
        slow, fast = (asyncio.wrap_future(pool.submit(f)) for f in (llm, rules))
        done, pending = await asyncio.wait([slow, fast], return_when=asyncio.FIRST_COMPLETED)
        assert (done, pending) == ({fast}, {slow})
        assert asyncio.get_running_loop().time() == 0.03
        return await slow

    assert virtual(main) == ("block", 0.2)
    assert (names(pool), pool.now) == (["rules#1", "llm#1"], 0.2)


def test_a_hedge_made_later_finishes_earlier() -> None:
    pool = ScriptedExecutor(script={"llm#1": Job(delay=0.2), "llm#2": Job(delay=0.05)})

    async def main() -> bool:
        first = asyncio.wrap_future(pool.submit(llm))
        await asyncio.wait([first], timeout=0.1)
        second = asyncio.wrap_future(pool.submit(llm))
        await asyncio.wait([first, second], return_when=asyncio.FIRST_COMPLETED)
        assert asyncio.get_running_loop().time() == pytest.approx(0.15)
        return second.done() and not first.done()

    assert virtual(main)[0] is True


@pytest.mark.parametrize("job", [Job(delay=0.2), Job(never=True)])
def test_wait_for_times_out(job: Job) -> None:
    pool = ScriptedExecutor(script={"llm": job})

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.wrap_future(pool.submit(llm)), 0.1)
        await asyncio.sleep(0.3)

    assert virtual(main)[1] == pytest.approx(0.4)
    assert names(pool) == []


def test_wait_for_times_out_on_a_stock_loop() -> None:
    pool = ScriptedExecutor(script={"llm": Job(delay=60)})

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(pool, llm), 0.01)

    asyncio.run(main())
    assert names(pool) == []


def test_equal_delays_keep_the_order_of_submission() -> None:
    pool = ScriptedExecutor(script={"rules": Job(delay=0.1)})

    async def main() -> None:
        await asyncio.gather(*(asyncio.wrap_future(pool.submit(rules)) for _ in range(8)))

    assert virtual(main)[1] == 0.1
    assert names(pool) == [f"rules#{number}" for number in range(1, 9)]


def test_workers_and_orders_hold_on_a_loop() -> None:
    queue = ScriptedExecutor(max_workers=1, script={"rules": Job(delay=0.1)})
    ordered = ScriptedExecutor(order=["rules", "llm"], script={"rules": Job(delay=0.1)})

    async def main(pool: ScriptedExecutor) -> None:
        waiting = [asyncio.wrap_future(pool.submit(llm))]
        waiting += [asyncio.wrap_future(pool.submit(rules)) for _ in range(3)]
        await asyncio.gather(*waiting)

    assert virtual(lambda: main(queue))[1] == pytest.approx(0.3)
    assert names(queue) == ["llm#1", "rules#1", "rules#2", "rules#3"]
    assert virtual(lambda: main(ordered))[1] == pytest.approx(0.1)
    assert names(ordered) == ["rules#1", "rules#2", "rules#3", "llm#1"]


@pytest.mark.parametrize("by", ["cancelling", "submitting", "waiting"])
def test_a_job_that_comes_after_another_goes_on_when_that_one_is_gone(by: str) -> None:
    pool = ScriptedExecutor(order=["llm", "rules"])

    async def main() -> str:
        first = pool.submit(llm) if by != "submitting" else None
        second = asyncio.wrap_future(pool.submit(rules))
        for _ in range(3 if by == "submitting" else 0):
            await asyncio.sleep(0)
            assert not second.done()
        if by == "cancelling" and first is not None:
            first.cancel()
        elif by == "submitting":
            pool.submit(llm)
        elif first is not None:
            await asyncio.get_running_loop().run_in_executor(None, first.result)
        return await asyncio.wait_for(second, 10)

    assert asyncio.run(main()) == "approve"
    assert names(pool) == (["rules#1"] if by == "cancelling" else ["llm#1", "rules#1"])


def test_any_callback_left_on_a_running_loop_is_served() -> None:
    pool = ScriptedExecutor()

    async def main() -> None:
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def tell(future: Future[str]) -> None:
            loop.call_soon_threadsafe(done.set)

        pool.submit(rules).add_done_callback(tell)
        assert pool.calls == []
        await done.wait()

    asyncio.run(main())


def test_blocking_code_on_a_loop_is_served_at_once() -> None:
    pool = ScriptedExecutor(script={"llm": Job(delay=3600)})

    async def main() -> str:
        awaited = asyncio.wrap_future(pool.submit(llm))
        assert pool.submit(llm).result() == "block"
        return await awaited

    assert asyncio.run(main()) == "block"
    assert names(pool) == ["llm#1", "llm#2"]


def test_a_job_that_blocking_code_has_run_is_not_run_again_when_it_is_due() -> None:
    pool = ScriptedExecutor(script={"llm": Job(delay=0.1)})

    async def main() -> str:
        submitted = pool.submit(llm)
        awaited = asyncio.wrap_future(submitted)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        submitted.result()
        await asyncio.sleep(0.2)
        return await awaited

    assert virtual(main)[0] == "block"
    assert names(pool) == ["llm#1"]


def test_an_executor_may_outlive_its_loop() -> None:
    pool = ScriptedExecutor(script={"llm": Job(delay=60)})

    async def leaves() -> None:
        pool.submit(llm).add_done_callback(lambda future: None)
        await asyncio.sleep(0)

    async def main() -> str:
        return await asyncio.get_running_loop().run_in_executor(pool, rules)

    asyncio.run(leaves())
    assert asyncio.run(main()) == "approve"
    pool.shutdown()
    assert names(pool) == ["rules#1", "llm#1"]


def test_without_asyncio_a_callback_is_a_callback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "asyncio")
    pool = ScriptedExecutor()
    seen: list[str] = []
    future = pool.submit(rules)
    future.add_done_callback(lambda future: seen.append(future.result()))
    assert seen == []
    pool.shutdown()
    assert seen == ["approve"]


def test_an_explored_program_may_use_one() -> None:
    pool = ScriptedExecutor(script={"llm": Job(delay=0.2)})

    async def main() -> str:
        return await asyncio.get_running_loop().run_in_executor(pool, llm)

    assert spectest.run(main) == "block"
    assert pool.now == 0.2
