"""One provider of a language model, and a second one when the first is slow or has failed."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

DELAY = 2.0
TIMEOUTS = {"first": 8.0, "second": 7.0}

Call = asyncio.Task[Any]


async def answer(providers: Mapping[str, Callable[..., Any]], request: int) -> Any:
    """The first answer, or None if neither has one."""
    prompt = f"Summarise ticket {request}."
    calls = [asyncio.create_task(ask(providers, "first", prompt))]
    try:
        done, _ = await asyncio.wait(calls, timeout=DELAY)
        if not any(map(has_answered, done)):
            calls.append(asyncio.create_task(ask(providers, "second", prompt)))
        return await first_of(calls)
    finally:
        for call in calls:
            call.cancel()


async def ask(providers: Mapping[str, Callable[..., Any]], name: str, prompt: str) -> Any:
    async with asyncio.timeout(TIMEOUTS[name]):
        return await providers[name](prompt)


async def first_of(calls: list[Call]) -> Any:
    pending = set(calls)
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for call in done:
            if has_answered(call):
                return call.result()
    return None


def has_answered(call: Call) -> bool:
    return call.exception() is None
