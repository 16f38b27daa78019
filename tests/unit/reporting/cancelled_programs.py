"""Programs of which the pages of a sweep tell."""

import asyncio
from contextlib import suppress
from typing import Any


async def fetch(connections: list[int]) -> None:
    connection = connections.pop()
    await asyncio.sleep(0.010)
    connections.append(connection)


def loses_a_connection() -> Any:
    connections = [1, 2]

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fetch(connections))
            group.create_task(log())

    def all_are_there() -> None:
        assert len(connections) == 2, "a connection is lost"

    return main(), all_are_there


async def log() -> None:
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(0.020)
    await asyncio.sleep(0)


async def many_awaits() -> None:
    for _ in range(40):
        await asyncio.sleep(0.001)


async def no_awaits() -> None: ...


async def fails() -> None:
    raise LookupError
