"""A question to a model server, and the same question again if there is no answer after a while.

The server takes ten connections. Three classes do this, the last one as it is meant.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

CONNECTIONS = 10
DELAY = 3.0


class Sleeping:
    """The hedge takes a connection first, and then sleeps through its delay."""

    def __init__(self) -> None:
        self.connections = asyncio.Semaphore(CONNECTIONS)

    async def __call__(self, services: Mapping[str, Any], request: int) -> Any:
        calls = [
            asyncio.create_task(self.ask(services["llm"], request)),
            asyncio.create_task(self.ask(services["again"], request, after=DELAY)),
        ]
        done, _ = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result()

    async def ask(self, service: Any, request: int, after: float = 0.0) -> Any:
        async with self.connections:
            await asyncio.sleep(after)
            return await service(f"Question {request}")


class Forgetful(Sleeping):
    """The hedge is made when it is needed. Whoever comes second is forgotten."""

    async def __call__(self, services: Mapping[str, Any], request: int) -> Any:
        calls = [asyncio.create_task(self.ask(services["llm"], request))]
        done, _ = await asyncio.wait(calls, timeout=DELAY)
        if not done:
            calls.append(asyncio.create_task(self.ask(services["again"], request)))
            done, _ = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result()


class Cured(Sleeping):
    """Whoever comes second is cancelled, and gives its connection back."""

    async def __call__(self, services: Mapping[str, Any], request: int) -> Any:
        calls = [asyncio.create_task(self.ask(services["llm"], request))]
        try:
            done, _ = await asyncio.wait(calls, timeout=DELAY)
            if not done:
                calls.append(asyncio.create_task(self.ask(services["again"], request)))
                done, _ = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for call in calls:
                call.cancel()
