"""Hedged calls as people write them on asyncio, and the mistakes that people make in them.

Each class is what its base does, but for one method. A pipeline is made anew for each run, and
serves all requests of it.
"""

import asyncio
from collections import deque

from simulators.live import CallFailed, Reply, Service, Services

Calls = set[asyncio.Task[Reply]]
DELAY, TIMEOUT, LATE = 2.0, 6.0, 0.3


class Hedged:
    """A backup after two seconds, or as soon as the primary has failed; the first valid answer."""

    async def __call__(self, services: Services, request: int) -> Reply | None:
        names, running = list(services), Calls()
        try:
            while names or running:
                if names:
                    self.launch(services[names.pop(0)], running)
                hedge = DELAY if names else None
                running, reply = await self.answer(running, hedge)
                if reply is not None:
                    return reply
        finally:
            self.stop(running)
        return None

    def launch(self, service: Service, running: Calls) -> None:
        running.add(asyncio.create_task(self.ask(service)))

    async def answer(self, running: Calls, hedge: float | None) -> tuple[Calls, Reply | None]:
        """Who runs when it is time to launch somebody, or the answer."""
        while running:
            done, running = await asyncio.wait(
                running, timeout=hedge, return_when=asyncio.FIRST_COMPLETED
            )
            replies = [call.result() for call in done if self.answers(call)]
            if replies:
                return running, replies[0]
            if hedge is not None:
                break
        return running, None

    def answers(self, call: asyncio.Task[Reply]) -> bool:
        return call.exception() is None and self.good(call.result())

    def good(self, reply: Reply) -> bool:
        return reply.valid

    async def ask(self, service: Service) -> Reply:
        return await asyncio.wait_for(self.call(service), TIMEOUT)

    async def call(self, service: Service) -> Reply:
        return await service()

    def stop(self, running: Calls) -> None:
        for call in running:
            call.cancel()


class NeverCancels(Hedged):
    def stop(self, running: Calls) -> None:
        """They will end by themselves."""


class CancelsLate(Hedged):
    def stop(self, running: Calls) -> None:
        for call in running:
            asyncio.get_running_loop().call_later(LATE, call.cancel)


class Retries(Hedged):
    async def call(self, service: Service) -> Reply:
        try:
            return await service()
        except CallFailed:
            return await service()


class TakesAnything(Hedged):
    def good(self, reply: Reply) -> bool:
        return True


class FirstDone(Hedged):
    def answers(self, call: asyncio.Task[Reply]) -> bool:
        return call.result().valid


class NoTimeout(Hedged):
    async def ask(self, service: Service) -> Reply:
        return await self.call(service)


class ForgetsTheLate(Hedged):
    """The time is up, and the call goes on."""

    async def ask(self, service: Service) -> Reply:
        call = asyncio.create_task(self.call(service))
        try:
            return await asyncio.wait_for(asyncio.shield(call), TIMEOUT)
        except asyncio.CancelledError:
            call.cancel()
            raise


class WithSemaphore(Hedged):
    """The servers of the pool are counted by the client."""

    def __init__(self, servers: int) -> None:
        self.gpu = asyncio.Semaphore(servers)

    async def call(self, service: Service) -> Reply:
        async with self.gpu:
            return await service()


class Sleeps(WithSemaphore):
    """The backup has a server before it waits for its time."""

    async def __call__(self, services: Services, request: int) -> Reply | None:
        running = Calls()
        for service in services.values():
            running.add(asyncio.create_task(self.after(DELAY * len(running), service)))
        try:
            running, reply = await self.answer(running, None)
        finally:
            self.stop(running)
        return reply

    async def after(self, seconds: float, service: Service) -> Reply:
        async with asyncio.timeout(TIMEOUT), self.gpu:
            await asyncio.sleep(seconds)
            return await service()


class SleepsAndNeverCancels(Sleeps, NeverCancels):
    pass


class LeaksOnCancel(WithSemaphore):
    async def call(self, service: Service) -> Reply:
        await self.gpu.acquire()
        try:
            reply = await service()
        except CallFailed:
            self.gpu.release()
            raise
        self.gpu.release()
        return reply


class LeaksUntilNothingIsLeft(LeaksOnCancel):
    """Nobody gives up, and so nobody comes to an end when all servers are gone."""

    async def ask(self, service: Service) -> Reply:
        return await self.call(service)


class LeaksOnFailure(WithSemaphore):
    async def call(self, service: Service) -> Reply:
        await self.gpu.acquire()
        try:
            reply = await service()
        except asyncio.CancelledError:
            self.gpu.release()
            raise
        self.gpu.release()
        return reply


class TimerAtService(WithSemaphore):
    """Patience begins when there is a server, and so does the timeout."""

    def launch(self, service: Service, running: Calls) -> None:
        self.began = asyncio.Event()
        running.add(asyncio.create_task(self.served(service, self.began)))

    async def served(self, service: Service, began: asyncio.Event) -> Reply:
        async with self.gpu:
            began.set()
            return await asyncio.wait_for(service(), TIMEOUT)

    async def answer(self, running: Calls, hedge: float | None) -> tuple[Calls, Reply | None]:
        if hedge is not None:
            await self.began.wait()
        return await super().answer(running, hedge)


class WithLimiter(Hedged):
    """No backup while too many calls are under way."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.under_way = 0
        self.line = deque[asyncio.Event]()

    def launch(self, service: Service, running: Calls) -> None:
        if not running or self.under_way < self.most:
            self.under_way += 1
            super().launch(service, running)

    async def call(self, service: Service) -> Reply:
        try:
            return await service()
        finally:
            self.leave()

    def leave(self) -> None:
        self.under_way -= 1
        if self.line and self.under_way < self.most:
            self.under_way += 1
            self.line.popleft().set()


class LeaksPermits(WithLimiter):
    async def call(self, service: Service) -> Reply:
        try:
            reply = await service()
        except CallFailed:
            self.leave()
            raise
        self.leave()
        return reply


class NoLimiter(WithLimiter):
    def launch(self, service: Service, running: Calls) -> None:
        Hedged.launch(self, service, running)


class QueuesAtLimiter(WithLimiter):
    """A backup waits for its turn."""

    def launch(self, service: Service, running: Calls) -> None:
        if not running or self.under_way < self.most:
            super().launch(service, running)
        else:
            running.add(asyncio.create_task(self.in_turn(service)))

    async def in_turn(self, service: Service) -> Reply:
        turn = asyncio.Event()
        self.line.append(turn)
        async with asyncio.timeout(TIMEOUT):
            try:
                await turn.wait()
            except asyncio.CancelledError:
                if turn.is_set():
                    self.leave()
                else:
                    self.line.remove(turn)
                raise
            return await self.call(service)
