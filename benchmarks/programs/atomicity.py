"""Two or three tasks between whose steps an await leaves a gap."""

import asyncio
import contextlib
from collections.abc import Callable


async def _deposit(
    account: dict[str, int], amount: int, guard: contextlib.AbstractAsyncContextManager[None]
) -> None:
    async with guard:
        balance = account["balance"]
        for _ in range(4):  # fraud check, limits, exchange rate, audit
            await asyncio.sleep(0.005)
        account["balance"] = balance + amount


async def _deposit_twice(
    apart: float, guard: contextlib.AbstractAsyncContextManager[None]
) -> dict[str, int]:
    account = {"balance": 0}

    async def second() -> None:
        if apart:
            await asyncio.sleep(apart)
        await _deposit(account, 20, guard)

    await asyncio.gather(_deposit(account, 10, guard), second())
    return account


async def lost_update() -> None:
    """Two deposits at the same moment both start from the same balance."""
    account = await _deposit_twice(0.0, contextlib.nullcontext())
    assert account == {"balance": 30}, f"a deposit is lost: {account}"


async def lost_update_fixed() -> None:
    """A lock holds read and write together."""
    account = await _deposit_twice(0.0, asyncio.Lock())
    assert account == {"balance": 30}, f"a deposit is lost: {account}"


async def lost_update_far_apart() -> None:
    """The second deposit comes three times later than the first one usually takes."""
    account = await _deposit_twice(0.060, contextlib.nullcontext())
    assert account == {"balance": 30}, f"a deposit is lost: {account}"


async def lost_update_far_apart_fixed() -> None:
    """A lock holds read and write together."""
    account = await _deposit_twice(0.060, asyncio.Lock())
    assert account == {"balance": 30}, f"a deposit is lost: {account}"


async def _log_in_twice(
    guard: contextlib.AbstractAsyncContextManager[None],
) -> tuple[object, object]:
    """Two requests of one user, while four tasks do something else."""
    sessions: dict[str, object] = {}

    async def session_of(user: str) -> object:
        async with guard:
            if user not in sessions:
                await asyncio.sleep(0.010)
                sessions[user] = object()
            return sessions[user]

    async def second() -> object:
        await asyncio.sleep(0.015)
        return await session_of("ada")

    async def noise() -> None:
        for _ in range(3):
            await asyncio.sleep(0.004)

    one, two, *_ = await asyncio.gather(session_of("ada"), second(), *[noise() for _ in range(4)])
    return one, two


async def two_sessions_for_one_user() -> None:
    """Check, then act: both callers miss the cache, and each makes a session of its own."""
    one, two = await _log_in_twice(contextlib.nullcontext())
    assert one is two, "one user has two sessions"


async def two_sessions_for_one_user_fixed() -> None:
    """A lock holds check and act together."""
    one, two = await _log_in_twice(asyncio.Lock())
    assert one is two, "one user has two sessions"


async def _share_buffers(*, counts_changes: bool) -> tuple[list[str], list[str]]:
    """One task pops a buffer in two steps, one takes all there are, one gives a buffer back."""
    free = ["a", "b"]
    taken: list[str] = []
    changes = 0

    async def pop() -> None:
        await asyncio.sleep(0.005)
        top, rest, seen = free[:1], free[1:], changes
        await asyncio.sleep(0.004)
        unchanged = changes == seen if counts_changes else free[:1] == top
        if top and unchanged:
            free[:] = rest

    async def take_all() -> None:
        nonlocal changes
        await asyncio.sleep(0.020)
        changes += 1
        taken.extend(free)
        free.clear()

    async def give_back() -> None:
        nonlocal changes
        await asyncio.sleep(0.025)
        if "a" in taken:
            changes += 1
            taken.remove("a")
            free.insert(0, "a")

    await asyncio.gather(pop(), take_all(), give_back())
    return free, taken


async def free_list_aba() -> None:
    """The head of a free list is the same before and after, and yet the list is another one."""
    free, taken = await _share_buffers(counts_changes=False)
    assert not set(free) & set(taken), f"a buffer in use is on the free list: {free}"


async def free_list_aba_fixed() -> None:
    """A count of changes is compared instead of the head."""
    free, taken = await _share_buffers(counts_changes=True)
    assert not set(free) & set(taken), f"a buffer in use is on the free list: {free}"


async def _send_four(admits: Callable[[float], bool]) -> list[float]:
    """Two clients send early, two send late; the times of what the limiter let through."""
    clock = asyncio.get_running_loop().time
    sent: list[float] = []

    async def client(arrives: float) -> None:
        await asyncio.sleep(arrives)
        now = clock()
        if admits(now):
            sent.append(now)

    await asyncio.gather(client(0.030), client(0.030), client(0.140), client(0.140))
    return sent


def _widest_burst(sent: list[float]) -> int:
    return max(sum(0 <= late - early < 0.1 for late in sent) for early in sent)


async def rate_limit_windows_overlap() -> None:
    """Two calls per 100 ms: one window is used up at its end, the next one at its beginning."""
    used = 0

    def reset() -> None:
        nonlocal used
        used = 0

    def admits(_: float) -> bool:
        nonlocal used
        used += 1
        return used <= 2

    loop = asyncio.get_running_loop()
    windows = [loop.call_later(0.100 * number, reset) for number in range(1, 6)]
    sent = await _send_four(admits)
    for window in windows:
        window.cancel()
    assert _widest_burst(sent) <= 2, "three calls within 0.1 s, where the server allows two"


async def rate_limit_windows_overlap_fixed() -> None:
    """The limiter remembers when it let the last two through."""
    admitted: list[float] = []

    def admits(now: float) -> bool:
        if len(admitted) >= 2 and now - admitted[-2] < 0.1:
            return False
        admitted.append(now)
        return True

    sent = await _send_four(admits)
    assert _widest_burst(sent) <= 2, "three calls within 0.1 s, where the server allows two"
