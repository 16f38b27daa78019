"""Programs about timers, cancellation and what asyncio says of itself; see `programs`."""

from __future__ import annotations

import asyncio
import sys

from tests.conformance.programs import MS, Log, now, program, work


@program
async def callbacks(log: Log) -> None:
    loop = asyncio.get_running_loop()
    start = loop.time()
    for number in range(3):
        loop.call_later(2 * MS, log.append, ("later", number))
        loop.call_at(start + 2 * MS, log.append, ("at", number))
        loop.call_soon(log.append, ("soon", number))
        loop.call_later(0, log.append, ("now", number))
        loop.call_later(-1, log.append, ("overdue", number))
    loop.call_soon(lambda: loop.call_soon(log.append, "soon after soon"))
    loop.call_later(1 * MS, loop.call_later, 1 * MS, log.append, "1 + 1")
    dropped = loop.call_later(1 * MS, log.append, "never")
    future = loop.create_future()
    future.add_done_callback(lambda done: log.append(("done", done.result())))
    loop.call_later(2 * MS, future.set_result, 1)
    dropped.cancel()
    log.append((await future, dropped.cancelled(), round(dropped.when() - start, 3)))
    await asyncio.sleep(3 * MS)


@program
async def many_timers_cancelled(log: Log) -> None:
    """Beyond a hundred timers, half of them cancelled, CPython rebuilds its heap."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 4 * MS
    handles = [loop.call_at(deadline, log.append, number) for number in range(150)]
    for handle in handles[::3] + handles[1::3]:
        handle.cancel()
    await asyncio.sleep(1 * MS)
    loop.call_at(deadline, log.append, "later one")
    await asyncio.sleep(5 * MS)


@program
async def cancellation_storm(log: Log) -> None:
    async def stubborn(number: int) -> int:
        refused = 0
        while refused < number:
            try:
                await asyncio.sleep(20 * MS)
            except asyncio.CancelledError as error:
                refused += 1
                log.append((now(), number, refused, str(error)))
        await asyncio.sleep(20 * MS)
        return refused

    tasks = [asyncio.create_task(stubborn(number)) for number in range(5)]
    for ms in range(8):
        log.append([task.cancel(f"at {ms}") for task in tasks])
        if ms % 2:
            log.append([task.cancelling() for task in tasks])
        await asyncio.sleep(1 * MS if ms % 3 else 0)
    log.append([task.uncancel() for task in tasks])
    log.append([repr(a) for a in await asyncio.gather(*tasks, return_exceptions=True)])


@program
async def cancelled_at_the_moment_of_waking(log: Log) -> None:
    for delay in (2, 3, 4):
        future = asyncio.get_running_loop().create_future()

        async def waiter(future: asyncio.Future[str] = future) -> str:
            try:
                return await asyncio.wait_for(future, 3 * MS)
            except asyncio.CancelledError:
                log.append((now(), "cancelled", future.cancelled()))
                raise

        def answer(future: asyncio.Future[str]) -> None:
            if not future.done():
                future.set_result("answer")

        task = asyncio.create_task(waiter())
        loop = asyncio.get_running_loop()
        loop.call_later(delay * MS, answer, future)
        loop.call_later(delay * MS, task.cancel)
        log.append([repr(a) for a in await asyncio.gather(task, return_exceptions=True)])


@program
async def printed(log: Log) -> None:
    """What a task and a future look like is the same, too."""
    task = asyncio.create_task(work([], "a", 500), name="named")
    future = asyncio.get_running_loop().create_future()
    await asyncio.sleep(1 * MS)
    log.append((repr(task), repr(future), type(task).__name__, type(future).__name__))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    log.append(repr(task))


@program
async def exceptions_nobody_retrieves(log: Log) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(
        lambda loop, context: log.append((now(), sorted(context), context["message"]))
    )
    loop.call_soon(lambda: 1 / 0)
    task = asyncio.create_task(work(log, "a", 1, KeyError))
    await asyncio.sleep(2 * MS)
    del task
    future = loop.create_future()
    future.set_exception(KeyError("nobody asks"))
    del future
    await asyncio.sleep(1 * MS)
    loop.set_exception_handler(None)


if sys.version_info >= (3, 12):

    @program
    async def eager_tasks(log: Log) -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(asyncio.eager_task_factory)
        task = asyncio.create_task(work(log, "a", 2), name="a")
        log.append("created")
        ready = asyncio.create_task(asyncio.sleep(0, "at once"))
        log.append((task.get_name(), ready.done()))
        log.append(await asyncio.gather(task, ready, work(log, "b", 1), work(log, "c", 0)))
        async with asyncio.TaskGroup() as group:
            for number in range(3):
                group.create_task(work(log, str(number), number))
        loop.set_task_factory(None)
