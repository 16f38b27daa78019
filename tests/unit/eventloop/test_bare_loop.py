"""A bare `VirtualEventLoop` is a loop factory like any other."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
import weakref
from typing import Any

import pytest

from spectest.errors import Deadlock, Livelock
from spectest.eventloop.handles import VirtualHandle
from spectest.eventloop.loop import VirtualEventLoop


def run(main: Any, **options: Any) -> Any:
    with asyncio.Runner(loop_factory=VirtualEventLoop, **options) as runner:
        return runner.run(main())


def test_hours_pass_at_once() -> None:
    async def main() -> float:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    assert run(main) == 3600


def test_one_loop_runs_several_programs_and_its_clock_goes_on() -> None:
    loop = VirtualEventLoop()
    try:
        for hours in (1, 2, 3):
            loop.run_until_complete(asyncio.sleep(3600))
            assert loop.time() == hours * 3600
    finally:
        loop.close()


def test_what_is_left_of_one_program_goes_on_in_the_next() -> None:
    loop = VirtualEventLoop()
    try:
        later = loop.create_task(asyncio.sleep(2, "later"))
        loop.run_until_complete(asyncio.sleep(1))
        assert not later.done()
        assert loop.run_until_complete(later) == "later"
        assert loop.time() == 2
    finally:
        loop.close()


def test_stop_ends_the_iteration() -> None:
    loop = VirtualEventLoop()
    log: list[str] = []

    def first() -> None:
        loop.stop()
        loop.call_soon(log.append, "next iteration")
        log.append("first")

    loop.call_soon(first)
    loop.call_soon(log.append, "second")
    loop.run_forever()
    assert log == ["first", "second"]
    loop.run_until_complete(asyncio.sleep(0))
    assert log == ["first", "second", "next iteration"]
    loop.close()


def test_call_soon_threadsafe_from_a_real_thread_wakes_the_loop() -> None:
    async def main() -> str:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        thread = threading.Thread(
            target=lambda: loop.call_soon_threadsafe(future.set_result, "woken")
        )
        thread.start()
        answer: str = await future
        thread.join()
        return answer

    assert run(main) == "woken"


def test_a_loop_with_nothing_to_do_waits_for_a_thread_of_the_program() -> None:
    async def main() -> str:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        idle = threading.Event()

        def answer() -> None:
            idle.wait()
            loop.call_soon_threadsafe(future.set_result, "at last")

        thread = threading.Thread(target=answer)
        thread.start()
        loop.call_soon(loop.call_soon, idle.set)
        received: str = await future
        thread.join()
        return received

    assert run(main) == "at last"


def test_run_coroutine_threadsafe_from_a_real_thread() -> None:
    async def double(number: int) -> int:
        await asyncio.sleep(1)
        return 2 * number

    async def main() -> int:
        loop = asyncio.get_running_loop()
        done = asyncio.Event()
        answers: list[int] = []

        def ask() -> None:
            answers.append(asyncio.run_coroutine_threadsafe(double(21), loop).result())
            loop.call_soon_threadsafe(done.set)

        thread = threading.Thread(target=ask)
        thread.start()
        await done.wait()
        thread.join()
        return answers[0]

    assert run(main) == 42


def test_a_deadlock_is_an_error_and_names_the_task() -> None:
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Deadlock) as caught:
        run(main)
    assert "main" in caught.value.blocked[0]


def test_a_program_that_spins_is_a_livelock() -> None:
    async def main() -> None:
        while True:
            await asyncio.sleep(0)

    with pytest.raises(Livelock, match="main"):
        loop = VirtualEventLoop(max_steps_at_once=1000)
        try:
            loop.run_until_complete(main())
        finally:
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
            loop.close()


def test_the_exception_handler_is_told_and_can_be_replaced(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: list[str] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, context: told.append(context["message"]))
        loop.call_soon(lambda: 1 / 0)
        await asyncio.sleep(0)
        loop.set_exception_handler(None)
        loop.call_soon(lambda: 1 / 0)
        await asyncio.sleep(0)

    with caplog.at_level(logging.ERROR, "asyncio"):
        run(main)
    assert len(told) == 1
    assert len(caplog.records) == 1
    assert "Exception in callback" in told[0]


def test_a_failed_task_that_nobody_awaits_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise KeyError("nobody asks")

    async def main() -> None:
        asyncio.create_task(fail())
        await asyncio.sleep(1)
        gc.collect()

    with caplog.at_level(logging.ERROR, "asyncio"):
        run(main)
    assert "Task exception was never retrieved" in caplog.text


def test_debug_mode_complains_about_slow_and_foreign_calls() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert loop.get_debug()
        with pytest.raises(TypeError, match="coroutines cannot be used"):
            loop.call_soon(main)
        with pytest.raises(TypeError, match="coroutines cannot be used"):
            loop.call_later(1, main)
        errors: list[RuntimeError] = []

        def foreign() -> None:
            try:
                loop.call_soon(print)
            except RuntimeError as error:
                errors.append(error)

        thread = threading.Thread(target=foreign)
        thread.start()
        thread.join()
        assert "Non-thread-safe" in str(errors[0])

    run(main, debug=True)


def test_done_tasks_are_not_kept() -> None:
    async def main() -> None:
        task = asyncio.create_task(asyncio.sleep(1))
        reference = weakref.ref(task)
        await task
        await asyncio.sleep(1)
        del task
        gc.collect()
        assert reference() is None

    run(main)


def test_a_closed_loop_refuses_work() -> None:
    loop = VirtualEventLoop()
    loop.close()
    assert loop.is_closed()
    for use in (
        loop.call_soon,
        lambda call: loop.call_later(1, call),
        lambda call: loop.call_at(1, call),
    ):
        with pytest.raises(RuntimeError, match="closed"):
            use(print)


def test_deadlines_that_are_no_instants_are_refused() -> None:
    loop = VirtualEventLoop()
    with pytest.raises(ValueError, match="NaN"):
        loop.call_later(float("nan"), print)
    with pytest.raises(TypeError):
        loop.call_later(None, print)  # type: ignore[arg-type,unused-ignore]
    with pytest.raises(TypeError):
        loop.call_at(None, print)  # type: ignore[arg-type]
    loop.call_later(float("inf"), print).cancel()
    loop.close()


def test_tasks_of_a_foreign_factory_are_named_by_creation() -> None:
    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(lambda loop, coro, **kwargs: asyncio.Task(coro, loop=loop, **kwargs))
        tasks = [asyncio.create_task(asyncio.sleep(0)) for _ in range(2)]
        tasks.append(asyncio.create_task(asyncio.sleep(0), name="named"))
        await asyncio.gather(*tasks)
        return [task.get_name() for task in tasks]

    assert run(main) == run(main) == ["Task-2", "Task-3", "named"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
def test_an_eager_task_has_its_name_in_its_first_step() -> None:
    async def who() -> str:
        task = asyncio.current_task()
        assert task is not None
        return task.get_name()

    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        factory = vars(asyncio)["eager_task_factory"]
        loop.set_task_factory(factory)
        assert loop.get_task_factory() is factory
        tasks = [asyncio.create_task(who()), asyncio.create_task(who(), name="named")]
        assert all(task.done() for task in tasks)
        loop.set_task_factory(None)
        return [await task for task in tasks] + [task.get_name() for task in tasks]

    assert run(main)[0] == run(main)[2] == "Task-2"


def test_a_handle_of_call_soon_threadsafe_is_of_the_loops_own_kind() -> None:
    loop = VirtualEventLoop()
    kinds = {type(loop.call_soon(print)), type(loop.call_soon_threadsafe(print))}
    loop.set_debug(True)
    handle = loop.call_soon(print)
    assert {*kinds, type(handle)} == {VirtualHandle}
    line = handle._source_traceback[-1]  # type: ignore[attr-defined]
    assert line.filename == __file__
    loop.close()
