"""Calls that complete in an order nobody thought of."""

import asyncio


async def long_before_short() -> None:
    """Twelve short calls in a row all end before one longer call that runs beside them.

    After the example of depth 1 in Burckhardt et al., "A Randomized Scheduler with Probabilistic
    Guarantees of Finding Bugs", ASPLOS 2010, figure 5.
    """
    settings: list[str] = []

    async def load_settings() -> None:
        await asyncio.sleep(0.005)
        settings.append("index=main")

    async def read_pages() -> bool:
        for _ in range(12):
            await asyncio.sleep(0.001)
        return bool(settings)

    _, configured = await asyncio.gather(load_settings(), read_pages())
    assert configured, "all twelve pages were read before the settings had arrived"


async def long_before_short_fixed() -> None:
    """The pages are filed only once the settings are there."""
    settings: list[str] = []

    async def load_settings() -> None:
        await asyncio.sleep(0.005)
        settings.append("index=main")

    async def read_pages(loading: asyncio.Task[None]) -> bool:
        for _ in range(12):
            await asyncio.sleep(0.001)
        await loading
        return bool(settings)

    loading = asyncio.create_task(load_settings())
    _, configured = await asyncio.gather(loading, read_pages(loading))
    assert configured, "all twelve pages were read before the settings had arrived"


async def sentinel_overtakes_relays() -> None:
    """Three relays carry the same order; the mark that ends the stream overtakes all of them."""
    inbox: asyncio.Queue[str] = asyncio.Queue()

    async def send(message: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        inbox.put_nowait(message)

    relays = [send("order", 0.010) for _ in range(3)]
    sending = asyncio.gather(*relays, send("end", 0.030))
    received = []
    while (message := await inbox.get()) != "end":
        received.append(message)
    await sending
    assert received, "the stream ended before any of the three relays had delivered the order"


async def sentinel_overtakes_relays_fixed() -> None:
    """The end is sent when the relays have finished."""
    inbox: asyncio.Queue[str] = asyncio.Queue()

    async def send(message: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        inbox.put_nowait(message)

    async def send_all() -> None:
        await asyncio.gather(*[send("order", 0.010) for _ in range(3)])
        await send("end", 0.030)

    sending = asyncio.create_task(send_all())
    received = []
    while (message := await inbox.get()) != "end":
        received.append(message)
    await sending
    assert received, "the stream ended before any of the three relays had delivered the order"


def _merged(arrived: list[int]) -> list[int]:
    if arrived[0] == max(arrived) and arrived[-1] == min(arrived):
        return arrived[::-1]  # it begins with the last and ends with the first, so it "descends"
    return sorted(arrived)


async def fan_out_looks_reversed() -> None:
    """Of eight calls, the one started last answers first and the one started first answers last."""
    arrived: list[int] = []

    async def ask(shard: int) -> None:
        await asyncio.sleep(0.010 + 0.001 * shard)
        arrived.append(shard)

    await asyncio.gather(*[ask(shard) for shard in range(8)])
    assert _merged(arrived) == sorted(arrived), f"merged out of order: {_merged(arrived)}"


async def fan_out_looks_reversed_fixed() -> None:
    """The answers are sorted whatever they look like."""
    arrived: list[int] = []

    async def ask(shard: int) -> None:
        await asyncio.sleep(0.010 + 0.001 * shard)
        arrived.append(shard)

    await asyncio.gather(*[ask(shard) for shard in range(8)])
    assert sorted(arrived) == list(range(8)), f"merged out of order: {arrived}"


async def closed_account_reopened() -> None:
    """Four calls complete in exactly the reverse of their usual order."""
    history: list[str] = []

    async def post(event: str, *, after: list[str], seconds: float) -> None:
        await asyncio.sleep(seconds)
        if history[-1:] == after:
            history.append(event)

    await asyncio.gather(
        post("open", after=[], seconds=0.016),
        post("suspend", after=["open"], seconds=0.012),
        post("close", after=["suspend"], seconds=0.010),
        post("reopen", after=["close"], seconds=0.008),
    )
    assert "reopen" not in history, "an account closed while it was suspended is open again"


async def closed_account_reopened_fixed() -> None:
    """An account that was ever suspended stays closed."""
    history: list[str] = []

    async def post(event: str, *, after: list[str], seconds: float) -> None:
        await asyncio.sleep(seconds)
        barred = event == "reopen" and "suspend" in history
        if history[-1:] == after and not barred:
            history.append(event)

    await asyncio.gather(
        post("open", after=[], seconds=0.016),
        post("suspend", after=["open"], seconds=0.012),
        post("close", after=["suspend"], seconds=0.010),
        post("reopen", after=["close"], seconds=0.008),
    )
    assert "reopen" not in history, "an account closed while it was suspended is open again"


class _Connection:
    """Replies carry no request id: what arrives is taken to answer the request that waits."""

    def __init__(self, *, drops_old_replies: bool) -> None:
        self.drops_old_replies = drops_old_replies
        self.waiting: asyncio.Future[str] | None = None
        self.replies: list[asyncio.Task[None]] = []

    async def _reply(self, question: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_result(question)

    async def ask(self, question: str, seconds: float) -> str:
        """Return the question that was answered, which had better be the one asked."""
        self.waiting = asyncio.get_running_loop().create_future()
        reply = asyncio.create_task(self._reply(question, seconds))
        self.replies.append(reply)
        try:
            async with asyncio.timeout(0.030):
                return await self.waiting
        except TimeoutError:
            if self.drops_old_replies:
                reply.cancel()
            return "no answer"


async def _ask_twice(connection: _Connection) -> None:
    first = await connection.ask("price?", 0.010)
    second = await connection.ask("stock?", 0.020)
    await asyncio.wait(connection.replies)
    assert first in ("price?", "no answer"), f"'price?' got the answer to {first!r}"
    assert second in ("stock?", "no answer"), f"'stock?' got the answer to {second!r}"


async def stale_read_after_reconnect() -> None:
    """The reply to a request that timed out arrives while the next request is waiting."""
    await _ask_twice(_Connection(drops_old_replies=False))


async def stale_read_after_reconnect_fixed() -> None:
    """A request that timed out takes its reply with it."""
    await _ask_twice(_Connection(drops_old_replies=True))
