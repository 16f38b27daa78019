"""Programs that use every primitive of asyncio, and log what they see. Units: milliseconds."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

Log = list[Any]

MS = 0.001
ALL: dict[str, Callable[[Log], Awaitable[Any]]] = {}


def program(function: Callable[[Log], Awaitable[Any]]) -> Callable[[Log], Awaitable[Any]]:
    ALL[function.__name__] = function
    return function


def now() -> int:
    return round(asyncio.get_running_loop().time() / MS)


async def work(log: Log, name: str, ms: float, error: type[Exception] | None = None) -> str:
    log.append((now(), name, "begins"))
    try:
        await asyncio.sleep(ms * MS)
        if error is not None:
            raise error(name)
    except asyncio.CancelledError as cancelled:
        log.append((now(), name, "cancelled", str(cancelled)))
        raise
    log.append((now(), name, "ends"))
    return name


@program
async def gathers(log: Log) -> None:
    log.append(await asyncio.gather(work(log, "a", 6), work(log, "b", 3), work(log, "c", 3)))
    try:
        await asyncio.gather(work(log, "d", 6), work(log, "e", 3, KeyError), work(log, "f", 9))
    except KeyError as error:
        log.append(("caught", str(error)))
    await asyncio.sleep(9 * MS)
    answers = await asyncio.gather(
        work(log, "g", 3, KeyError), work(log, "h", 0), return_exceptions=True
    )
    log.append([repr(answer) for answer in answers])
    both = asyncio.gather(work(log, "i", 6), work(log, "j", 6))
    asyncio.get_running_loop().call_later(3 * MS, both.cancel)
    try:
        await both
    except asyncio.CancelledError:
        log.append((now(), both.cancelled()))


@program
async def waits(log: Log) -> None:
    for mode in (asyncio.FIRST_COMPLETED, asyncio.FIRST_EXCEPTION, asyncio.ALL_COMPLETED):
        for limit in (None, 0, 3 * MS, 6 * MS):
            tasks = [
                asyncio.create_task(work(log, "a", 3)),
                asyncio.create_task(work(log, "b", 3, KeyError)),
                asyncio.create_task(work(log, "c", 6)),
                asyncio.create_task(work(log, "d", 0)),
            ]
            done, pending = await asyncio.wait(tasks, timeout=limit, return_when=mode)
            log.append((now(), mode, limit))
            log.append(([tasks.index(t) for t in done], [tasks.index(t) for t in pending]))
            await asyncio.gather(*tasks, return_exceptions=True)


@program
async def waits_with_a_limit(log: Log) -> None:
    for ms in (0, 2, 4, 6, None):
        try:
            limit = None if ms is None else ms * MS
            log.append(await asyncio.wait_for(work(log, f"within {ms}", 4), limit))
        except TimeoutError:
            log.append((now(), ms, "timed out"))


@program
async def timeouts(log: Log) -> None:
    loop = asyncio.get_running_loop()
    for outer, inner in ((2, 4), (4, 2), (4, 4), (0, 4), (-1, 2)):
        try:
            async with asyncio.timeout(outer * MS) as first:
                try:
                    async with asyncio.timeout(inner * MS) as second:
                        await work(log, f"{outer} around {inner}", 6)
                except TimeoutError:
                    log.append((now(), "inner", second.expired()))
                await asyncio.sleep(1 * MS)
        except TimeoutError:
            log.append((now(), "outer", first.expired()))
    async with asyncio.timeout(None) as late:
        await asyncio.sleep(2 * MS)
        late.reschedule(loop.time() + 4 * MS)
        await asyncio.sleep(2 * MS)
    log.append((now(), late.expired()))


@program
async def eight_with_one_deadline(log: Log) -> None:
    """Stock asyncio's heap wakes them in an order of its own: 0, 1, 3, 7, 6, 2, 5, 4."""
    deadline = asyncio.get_running_loop().time() + 100 * MS

    async def one(number: int) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                await asyncio.sleep(1)
        except TimeoutError:
            log.append(number)

    await asyncio.gather(*map(one, range(8)))


@program
async def eight_with_equal_lengths(log: Log) -> None:
    async def one(number: int) -> None:
        await asyncio.sleep(20 * MS)
        log.append(number)

    await asyncio.gather(*map(one, range(8)))


@program
async def task_groups(log: Log) -> None:
    async with asyncio.TaskGroup() as group:
        for name, ms in (("a", 4), ("b", 2), ("c", 2)):
            group.create_task(work(log, name, ms), name=name)
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(6):
                group.create_task(work(log, f"{number}", 4 + number))
            group.create_task(work(log, "bad", 3, KeyError))
            group.create_task(work(log, "worse", 3, ValueError))
            await work(log, "body", 9)
    except* KeyError as errors:
        log.append((now(), [str(error) for error in errors.exceptions]))
    except* ValueError as errors:
        log.append((now(), [str(error) for error in errors.exceptions]))


@program
async def shields(log: Log) -> None:
    inner = asyncio.create_task(work(log, "inner", 6))
    try:
        await asyncio.wait_for(asyncio.shield(inner), 3 * MS)
    except TimeoutError:
        log.append((now(), inner.done()))
    log.append(await inner)


@program
async def as_completed(log: Log) -> None:
    tasks = [asyncio.create_task(work(log, f"task {ms}", ms)) for ms in (6, 2, 4, 2)]
    for first in asyncio.as_completed(tasks):
        log.append((now(), await first))
    for first in asyncio.as_completed([work(log, f"bare {n}", 6 - n) for n in range(4)]):
        log.append((now(), await first))
    for first in asyncio.as_completed(
        [work(log, f"same {n}", 3) for n in range(4)], timeout=2 * MS
    ):
        try:
            log.append((now(), await first))
        except TimeoutError:
            log.append((now(), "timed out"))
    await asyncio.sleep(5 * MS)


@program
async def locks(log: Log) -> None:
    lock, semaphore, bounded = asyncio.Lock(), asyncio.Semaphore(2), asyncio.BoundedSemaphore(2)

    async def user(number: int, what: Any) -> None:
        async with what:
            log.append((now(), number, "in"))
            await asyncio.sleep((number % 3) * MS)
        log.append((now(), number, "out"))

    for what in (lock, semaphore, bounded):
        users = [asyncio.create_task(user(number, what)) for number in range(6)]
        await asyncio.sleep(2 * MS)
        log.append([users[3].cancel(), users[0].cancel()])
        await asyncio.gather(*users, return_exceptions=True)
    try:
        bounded.release()
    except ValueError as error:
        log.append(str(error))


@program
async def events_and_conditions(log: Log) -> None:
    event, condition = asyncio.Event(), asyncio.Condition()

    async def waiter(number: int) -> None:
        await event.wait()
        log.append((now(), number, "event"))
        async with condition:
            await condition.wait()
            log.append((now(), number, "notified"))

    waiters = [asyncio.create_task(waiter(number)) for number in range(5)]
    await asyncio.sleep(2 * MS)
    event.set()
    await asyncio.sleep(0)
    waiters[1].cancel()
    await asyncio.sleep(2 * MS)
    async with condition:
        condition.notify(2)
    waiters[4].cancel()
    await asyncio.sleep(2 * MS)
    async with condition:
        condition.notify_all()
    log.append([repr(a) for a in await asyncio.gather(*waiters, return_exceptions=True)])


@program
async def barriers(log: Log) -> None:
    barrier = asyncio.Barrier(3)

    async def party(number: int) -> None:
        await asyncio.sleep(number * MS)
        try:
            log.append((now(), number, await barrier.wait()))
        except asyncio.BrokenBarrierError:
            log.append((now(), number, "broken"))

    await asyncio.gather(*map(party, range(6)))
    parties = [asyncio.create_task(party(number)) for number in range(2)]
    await asyncio.sleep(3 * MS)
    await barrier.abort()
    await asyncio.gather(*parties)


@program
async def queues(log: Log) -> None:
    for kind in (asyncio.Queue, asyncio.PriorityQueue, asyncio.LifoQueue):
        queue: asyncio.Queue[int] = kind(2)

        async def produce(first: int, queue: asyncio.Queue[int] = queue) -> None:
            for number in (3, 1, 2):
                await queue.put(first + number)
                log.append((now(), "put", first + number))

        async def consume(name: str, queue: asyncio.Queue[int] = queue) -> None:
            while True:
                log.append((now(), name, await queue.get()))
                await asyncio.sleep(2 * MS)
                queue.task_done()

        consumers = [asyncio.create_task(consume(name)) for name in "ab"]
        await asyncio.gather(produce(0), produce(10))
        await queue.join()
        for consumer in consumers:
            consumer.cancel()
        await asyncio.gather(*consumers, return_exceptions=True)
        log.append((now(), queue.qsize()))


@program
async def async_generators(log: Log) -> None:
    async def numbers(name: str) -> AsyncIterator[int]:
        try:
            for number in range(3):
                await asyncio.sleep(1 * MS)
                yield number
        finally:
            log.append((now(), name, "closing"))
            await asyncio.sleep(1 * MS)
            log.append((now(), name, "closed"))

    async for number in numbers("whole"):
        log.append(number)
    async for number in numbers("broken off"):
        log.append(number)
        break
    await asyncio.sleep(3 * MS)
    explicit = numbers("explicit")
    log.append(await anext(explicit))
    await explicit.aclose()  # type: ignore[attr-defined]
    kept = numbers("closed at the end of the loop")
    log.append(await anext(kept))
    log.append(kept is not None)
    globals()["_kept"] = kept


@program
async def context_variables(log: Log) -> None:
    variable = contextvars.ContextVar("variable", default=0)

    async def child(number: int) -> None:
        log.append((number, variable.get()))
        variable.set(number)
        await asyncio.sleep((3 - number) * MS)
        asyncio.get_running_loop().call_soon(lambda: log.append((number, variable.get())))
        asyncio.get_running_loop().call_later(1 * MS, lambda: log.append((number, variable.get())))

    variable.set(7)
    await asyncio.gather(*map(child, (1, 2, 3)))
    context = contextvars.copy_context()
    await asyncio.create_task(child(1), context=context)
    await asyncio.sleep(3 * MS)
    log.append((variable.get(), context[variable]))
