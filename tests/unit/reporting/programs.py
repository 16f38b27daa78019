"""Small programs whose pages are compared word by word; their line numbers are part of that."""

import asyncio


async def answer(seconds: float, name: str) -> str:
    await asyncio.sleep(seconds)
    return name


async def hedge() -> None:
    """Wrong when the slower answer arrives just as the deadline passes."""
    ledger: list[str] = []

    async def model() -> None:
        ledger.append(await answer(0.140, "model"))

    scorer = asyncio.create_task(model(), name="scorer")
    done, _ = await asyncio.wait({scorer}, timeout=0.150)
    if not done:
        ledger.append("fallback")
    await asyncio.sleep(0.010)
    assert len(ledger) == 1, f"decided twice: {ledger}"


async def first_of_two() -> None:
    """Wrong when the set of finished tasks is walked in another order."""
    llm = asyncio.create_task(answer(0.030, "llm"), name="llm")
    rules = asyncio.create_task(answer(0.030, "rules"), name="rules")
    done, _ = await asyncio.wait({llm, rules}, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.wait({llm, rules})
    winner = done.pop().result()
    assert winner == "llm", f"the winner was {winner}"


async def crossing() -> None:
    """Deadlocks when `forth` is late."""
    left, right = asyncio.Lock(), asyncio.Lock()

    async def forth() -> None:
        async with left:
            await asyncio.sleep(0.010)
            async with right:
                pass

    async def back() -> None:
        await asyncio.sleep(0.011)
        async with right:
            async with left:
                await asyncio.sleep(0.001)

    await asyncio.gather(forth(), back())


async def group() -> None:
    """Fails always."""

    async def failing() -> None:
        await asyncio.sleep(0.100)
        raise ValueError("no answer\nfrom the model")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(failing())
        tasks.create_task(asyncio.sleep(3))


async def crowd() -> None:
    """Many tasks, many steps; wrong when eight of them are late."""
    late = []

    async def member(number: int) -> None:
        for _ in range(10):
            await asyncio.sleep(0.010)
        started = asyncio.get_running_loop().time()
        await asyncio.sleep(0.010)
        if asyncio.get_running_loop().time() - started > 0.0105:
            late.append(number)

    await asyncio.gather(*(member(number) for number in range(40)))
    assert len(late) < 8, "\n".join(f"member {number} was late" for number in late)


async def spinning() -> None:
    """Never ends."""
    while True:
        await asyncio.sleep(0)
