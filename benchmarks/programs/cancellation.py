"""Cancellations that hit the wrong task, arrive at the wrong moment, or do not arrive at all."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any


async def _bounded_and_deaf(call: Coroutine[Any, Any, str], timeout: float) -> str:
    """Await a call for so long: asyncio.wait_for as it was up to Python 3.11."""
    task = asyncio.create_task(call)
    try:
        await asyncio.wait({task}, timeout=timeout)
    except asyncio.CancelledError:
        if task.done():
            return task.result()  # a pity to waste it, but the caller was to be cancelled
        task.cancel()
        raise
    if task.done():
        return task.result()
    task.cancel()
    raise TimeoutError


async def _bounded(call: Coroutine[Any, Any, str], timeout: float) -> str:
    """Await a call for so long: asyncio.wait_for as it is since Python 3.12."""
    async with asyncio.timeout(timeout):
        return await call


async def _stop_while_polling(
    bounded: Callable[[Coroutine[Any, Any, str], float], Awaitable[str]],
) -> None:
    async def read() -> str:
        await asyncio.sleep(0.020)
        return "frame"

    async def poll() -> None:
        for _ in range(5):
            await bounded(read(), 1.0)

    polling = asyncio.create_task(poll())
    await asyncio.sleep(0.050)
    if polling.cancel():
        await asyncio.wait({polling})
        assert polling.cancelled(), "the poller was cancelled, did not notice, and went on"


async def cancellation_swallowed() -> None:
    """A poller is cancelled in the moment its read completes: it keeps the frame and goes on.

    https://github.com/python/cpython/issues/86296 (bpo-42130)
    """
    await _stop_while_polling(_bounded_and_deaf)


async def cancellation_swallowed_fixed() -> None:
    """Whatever the call has brought, a cancellation is passed on."""
    await _stop_while_polling(_bounded)


class _FollowTheLeader:
    """Single flight: the first caller fetches, the others wait for its future."""

    def __init__(self) -> None:
        self.flights: dict[str, asyncio.Future[str]] = {}

    async def get(self, key: str) -> str:
        if key in self.flights:
            return await self.flights[key]
        flight = self.flights[key] = asyncio.get_running_loop().create_future()
        try:
            await asyncio.sleep(0.010)
            flight.set_result("page")
            return "page"
        finally:
            flight.cancel()  # has no effect on a future with a result
            del self.flights[key]


class _NobodyLeads:
    """Single flight: the fetch is a task of its own, and all callers only wait for it."""

    def __init__(self) -> None:
        self.flights: dict[str, asyncio.Task[str]] = {}

    async def get(self, key: str) -> str:
        if key not in self.flights:
            self.flights[key] = asyncio.create_task(self._fetch(key))
        return await asyncio.shield(self.flights[key])

    async def _fetch(self, key: str) -> str:
        await asyncio.sleep(0.010)
        del self.flights[key]
        return "page"


async def _leader_disconnects(get: Callable[[str], Awaitable[str]]) -> None:
    async def request(arrives: float) -> str:
        await asyncio.sleep(arrives)
        return await get("/")

    leader = asyncio.create_task(request(0.001))
    follower = asyncio.create_task(request(0.006))
    await asyncio.sleep(0.030)
    leader.cancel()
    await asyncio.wait({leader, follower})
    assert not follower.cancelled(), "one client hung up, and another one's request was cancelled"


async def cancelled_leader_takes_followers_along() -> None:
    """The client on whose behalf a shared fetch runs hangs up while others wait for it."""
    await _leader_disconnects(_FollowTheLeader().get)


async def cancelled_leader_takes_followers_along_fixed() -> None:
    """The fetch belongs to no client."""
    await _leader_disconnects(_NobodyLeads().get)


async def _stop_while_retrying(*, looks_again: bool) -> None:
    stopped = False
    calls_after_stop = 0

    async def fetch() -> None:
        nonlocal calls_after_stop
        calls_after_stop += stopped
        await asyncio.sleep(0.010)
        raise OSError("try again")

    async def retry() -> None:
        for _ in range(3):
            try:
                await fetch()
            except OSError:
                if stopped:
                    return
                await asyncio.sleep(0.002)  # the failure is written to a log
                if stopped and looks_again:
                    return

    async def stop() -> None:
        nonlocal stopped
        await asyncio.sleep(0.050)
        stopped = True

    await asyncio.gather(retry(), stop())
    assert not calls_after_stop, "a call was started after stop()"


async def call_retried_after_stop() -> None:
    """stop() comes between the decision to retry and the retry."""
    await _stop_while_retrying(looks_again=False)


async def call_retried_after_stop_fixed() -> None:
    """The last look is taken after the last await."""
    await _stop_while_retrying(looks_again=True)


async def _book(*, refunds: bool) -> None:
    charged: list[str] = []

    async def reserve() -> None:
        await asyncio.sleep(0.010)
        raise OSError("sold out")

    async def charge() -> None:
        await asyncio.sleep(0.030)
        charged.append("card")

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(reserve())
            group.create_task(charge())
    except* OSError:
        if refunds:
            charged.clear()
    assert not charged, "the booking failed and the card was charged"


async def sibling_effect_survives_failure() -> None:
    """A task group cancels the sibling of a failed task, but the sibling has already acted."""
    await _book(refunds=False)


async def sibling_effect_survives_failure_fixed() -> None:
    """What a cancelled sibling may have done is undone."""
    await _book(refunds=True)
