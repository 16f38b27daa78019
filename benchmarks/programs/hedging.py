"""Hedged requests whose loser does harm.

The technique is that of Dean and Barroso, "The Tail at Scale", Communications of the ACM 56(2),
2013.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def _hedged(call: Callable[[str], Coroutine[Any, Any, T]], *, cancels: bool = True) -> T:
    """Start a backup if the primary has no answer after 20 ms; the first answer wins."""
    primary = asyncio.create_task(call("primary"))
    await asyncio.wait({primary}, timeout=0.020)
    if primary.done():
        return primary.result()
    backup = asyncio.create_task(call("backup"))
    _, losers = await asyncio.wait({primary, backup}, return_when=asyncio.FIRST_COMPLETED)
    if cancels:
        for loser in losers:
            loser.cancel()
    return primary.result() if primary.done() else backup.result()


async def both_commit_before_cancel() -> None:
    """The loser has committed before the winner's acknowledgement is through."""
    ledger: list[str] = []

    async def pay(server: str) -> None:
        await asyncio.sleep(0.010)
        ledger.append(server)
        await asyncio.sleep(0.004)  # the acknowledgement on its way back

    await _hedged(pay)
    assert len(ledger) == 1, f"one payment, booked by {' and '.join(ledger)}"


async def both_commit_before_cancel_fixed() -> None:
    """Both requests carry the same key, and the ledger takes a key once."""
    ledger: dict[str, str] = {}

    async def pay(server: str) -> None:
        await asyncio.sleep(0.010)
        ledger.setdefault("payment 7", server)
        await asyncio.sleep(0.004)

    await _hedged(pay)
    assert len(ledger) == 1, f"one payment, booked by {' and '.join(ledger.values())}"


async def effect_lands_after_return() -> None:
    """The loser's write is shielded from cancellation and lands when all seems to be over."""
    written: list[str] = []

    async def write(server: str) -> None:
        await asyncio.sleep(0.002)
        written.append(server)

    async def store(server: str) -> None:
        await asyncio.sleep(0.010)
        await asyncio.shield(asyncio.create_task(write(server)))  # not to tear the file

    await _hedged(store)
    at_return = list(written)
    await asyncio.sleep(0.050)
    assert written == at_return, f"{written[-1]} wrote after the request had returned"


async def effect_lands_after_return_fixed() -> None:
    """The write can be cancelled up to the moment it takes effect."""
    written: list[str] = []

    async def write(server: str) -> None:
        await asyncio.sleep(0.002)
        written.append(server)

    async def store(server: str) -> None:
        await asyncio.sleep(0.010)
        await write(server)

    await _hedged(store)
    at_return = list(written)
    await asyncio.sleep(0.050)
    assert written == at_return, f"{written[-1]} wrote after the request had returned"


async def loser_overwrites_winner() -> None:
    """The loser is left to run, and its older answer replaces the winner's in the cache."""
    cache: dict[str, int] = {}
    versions = {"primary": 2, "backup": 1}

    async def load(server: str) -> int:
        await asyncio.sleep(0.010)
        cache["price"] = versions[server]
        return versions[server]

    answer = await _hedged(load, cancels=False)
    await asyncio.sleep(0.100)
    assert cache["price"] >= answer, f"version {answer} was seen, version {cache['price']} is kept"


async def loser_overwrites_winner_fixed() -> None:
    """Only the winner's answer is kept."""
    cache: dict[str, int] = {}
    versions = {"primary": 2, "backup": 1}

    async def load(server: str) -> int:
        await asyncio.sleep(0.010)
        return versions[server]

    answer = await _hedged(load, cancels=False)
    cache["price"] = answer
    await asyncio.sleep(0.100)
    assert cache["price"] >= answer, f"version {answer} was seen, version {cache['price']} is kept"


async def _ask(seconds: float, answer: str | None) -> str | None:
    await asyncio.sleep(seconds)
    return answer


async def valid_answer_dropped() -> None:
    """Two answers come together, and done.pop() takes the one that is of no use."""
    model = asyncio.create_task(_ask(0.030, "Paris"))
    cache = asyncio.create_task(_ask(0.010, None))
    waiting = {model, cache}
    answer = None
    while waiting and answer is None:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        answer = done.pop().result()
    assert answer == "Paris", "there was a valid answer, and the caller got none"


async def valid_answer_dropped_fixed() -> None:
    """Every answer that has come is looked at."""
    model = asyncio.create_task(_ask(0.030, "Paris"))
    cache = asyncio.create_task(_ask(0.010, None))
    waiting = {model, cache}
    answer = None
    while waiting and answer is None:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        answer = next((task.result() for task in done if task.result()), None)
    assert answer == "Paris", "there was a valid answer, and the caller got none"
