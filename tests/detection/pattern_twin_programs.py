"""Programs around our patterns, one for each clause that somebody may break."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any

from spectest import FakeService, watch
from spectest.patterns import (
    AllBranchesFailed,
    Branch,
    EagerRace,
    FirstValid,
    Hedge,
    Limiter,
    RunIds,
    cancelled,
    processes,
    settled,
    speculate,
    stage,
    threads,
)
from tests.detection.broken_clauses import HOME

AT_ONCE = Hedge(0.0)
"""All at once, ranked as declared."""

LATENCY = (0.010, 0.050)
NAMES = ("llm", "rules", "cache")
request: ContextVar[str] = ContextVar("request", default="nobody's")


def service(name: str, **options: Any) -> FakeService:
    return FakeService(name, **{"latency": LATENCY, "answer": name.upper(), **options})


def branch(
    name: str,
    before: Callable[[str, Any], object] | None = None,
    latency: tuple[float, float] = LATENCY,
    **options: Any,
) -> Any:
    """A branch that does something, and asks a service of its name."""
    asked = service(name, latency=latency)

    async def call(inputs: Any, *client: Any) -> str:
        if before is not None:
            before(name, inputs)
        return str(await asked())

    return Branch(name, call, **options)


async def value(branches: list[Any], inputs: Any = None, *terms: Any, **more: Any) -> str:
    """What the program has to say of the call."""
    try:
        answer: Any = await speculate(branches, inputs, *terms, **{"run_id": "w/1", **more})
    except AllBranchesFailed:
        return "all have failed"
    return "half an answer" if answer is None else str(answer.value)


async def ranked() -> str:
    return await value([branch(name) for name in NAMES], {"q": 1})


async def in_declared_order() -> str:
    return await value([branch("rules"), branch("llm")], {"q": 1}, AT_ONCE)


# Isolation.


async def appends_to_its_inputs() -> str:
    inputs = {"seen": ["a"]}
    watch.objects(inputs=inputs)

    def append(name: str, mine: Any) -> None:
        with suppress(TypeError):
            mine["seen"].append(name)

    return await value([branch(name, append) for name in NAMES], inputs)


async def sets_a_variable() -> str:
    context = copy_context()
    context.run(HOME.set, context)

    async def pipeline() -> str:
        request.set("the caller's")
        watch.context(request)
        return await value([branch(name, lambda it, _: request.set(it)) for name in NAMES])

    return await asyncio.create_task(pipeline(), context=context)


async def stages() -> str:
    """The effect is a call that takes its time."""
    written: list[str] = []
    watch.objects(written=written)
    database = service("database", latency=(0.001, 0.030))

    async def insert(name: str) -> None:
        await database()
        written.append(name)

    answer = await value([branch(name, lambda it, _: stage(insert, it)) for name in NAMES])
    await asyncio.sleep(0.050)
    return answer


# Who wins.


async def gathers_its_inputs() -> str:
    inputs: dict[str, Any] = {}

    async def gather(name: str) -> None:
        inputs[name] = await service(name)()

    await asyncio.gather(*map(gather, ("user", "basket", "prices")))
    return await value([branch(name) for name in NAMES], inputs)


async def asks_before() -> str:
    await service("user")()
    return await ranked()


async def one_answer_is_invalid() -> str:
    bad = branch("llm", valid=lambda answer: answer != "LLM")
    return await value([bad, branch("rules")], 1, AT_ONCE)


async def one_branch_fails() -> str:
    asked = service("llm")

    async def fails(inputs: Any) -> str:
        await asked()
        raise OSError("no answer")

    return await value([Branch("llm", fails), branch("rules")], 1, AT_ONCE)


def in_threads() -> str:
    services = {name: service(name) for name in NAMES}

    def call(name: str, inputs: Any) -> str:
        return str(services[name].blocking())

    branches = [Branch(name, partial(call, name)) for name in NAMES]
    return pooled(threads, ThreadPoolExecutor, branches)


def pooled(pattern: Any, pool: Any, branches: list[Any], **terms: Any) -> str:
    executor = pool(len(branches))
    try:
        answer = pattern.speculate(
            branches, 1, AT_ONCE, executor=executor, run_id="w/1", **terms
        ).value
    except AllBranchesFailed:
        answer = "all have failed"
    pattern.settled()
    executor.shutdown()
    return str(answer)


def mutates_in_threads() -> str:
    inputs = {"seen": ["a"]}
    watch.objects(inputs=inputs)
    services = {name: service(name) for name in NAMES}

    def call(name: str, mine: Any) -> str:
        with suppress(TypeError):
            mine["seen"].append(name)
        return str(services[name].blocking())

    branches = [Branch(name, partial(call, name)) for name in NAMES]
    with ThreadPoolExecutor(3) as executor:
        answer = threads.speculate(branches, inputs, AT_ONCE, executor=executor, run_id="w/1")
        threads.settled()
    return answer.value


remote: dict[str, FakeService] = {}


def works(name: str, inputs: Any) -> str:
    return str(remote[name].blocking())


def in_processes() -> str:
    remote.update({name: service(name) for name in NAMES})
    branches = [Branch(name, partial(works, name)) for name in NAMES]
    return pooled(processes, ProcessPoolExecutor, branches)


def fails_at_its_timeout() -> str:
    services = {name: service(name) for name in ("llm", "rules")}

    def call(name: str, inputs: Any) -> str:
        answer = services[name].blocking()
        if name == "llm":
            raise OSError("no answer")
        return str(answer)

    timeouts = {"llm": 0.030, "rules": None}
    branches = [Branch(name, partial(call, name), timeout=timeouts[name]) for name in timeouts]
    return pooled(threads, ThreadPoolExecutor, branches)


# Run IDs.


async def restarts() -> list[str]:
    with tempfile.TemporaryDirectory() as directory:
        return [await value([branch("llm")], 1, run_id=RunIds(directory).next()) for _ in range(2)]


# Timeouts, cancellation and clients.


async def has_timeouts() -> str:
    answers: list[str] = []
    watch.fact("answered", lambda: bool(answers))
    slow = service("llm", latency=(0.010, 0.200))

    async def call(inputs: Any) -> str:
        return str(await slow())

    answers.append(await value([Branch("llm", call, timeout=0.060), branch("rules")], 1, AT_ONCE))
    return answers[0]


class Client:
    """Its requests go on in a task of its own until it is closed."""

    open = 0

    def __init__(self, name: str, closes_in: float = 0.0, **options: Any) -> None:
        self.service = service(name, **options)
        self.closes_in = closes_in
        self.requests: list[asyncio.Task[Any]] = []
        Client.open += 1

    async def ask(self) -> str:
        self.requests.append(asyncio.create_task(self.service()))
        return str(await asyncio.shield(self.requests[-1]))

    async def aclose(self) -> None:
        for one in self.requests:
            one.cancel()
        await asyncio.sleep(self.closes_in)
        Client.open -= 1


def with_client(name: str, **options: Any) -> Any:
    async def call(inputs: Any, client: Client) -> str:
        return await client.ask()

    return Branch(name, call, client=partial(Client, name, **options))


async def asks_by_a_client() -> str:
    return await value([with_client(name) for name in NAMES], 1)


async def closes_slowly() -> str:
    return await value([with_client(name, closes_in=0.004) for name in NAMES], 1)


async def cleans_up_slowly() -> str:
    asked = {name: service(name) for name in NAMES}

    async def call(name: str, inputs: Any) -> str:
        try:
            return str(await asked[name]())
        finally:
            await asyncio.sleep(0.004)

    return await value([Branch(name, partial(call, name)) for name in NAMES], 1)


async def races_in_a_branch() -> str:
    async def nested(inputs: Any) -> str:
        return await value([branch("rules"), branch("cache")], 1, run_id="w/2")

    return await value([Branch("nested", nested), branch("llm")], 1, decision=FirstValid())


async def has_a_deadline(
    policy: Any = AT_ONCE, latency: tuple[float, float] = (0.020, 0.080)
) -> str:
    try:
        async with asyncio.timeout(0.030):
            branches = [branch(name, latency=latency) for name in ("llm", "rules")]
            return await value(branches, 1, policy)
    except TimeoutError:
        await asyncio.sleep(0.100)
        return "too late"


hedges_with_a_deadline = partial(has_a_deadline, Hedge(0.060), (0.040, 0.080))


async def hedges() -> str:
    branches = [branch("llm"), branch("rules")]
    answer = await value(branches, 1, Hedge(0.030), decision=FirstValid())
    await asyncio.sleep(0.100)
    return answer


def looks_whether_it_has_lost() -> str:
    def call(name: str, inputs: Any) -> str:
        asked = service(name, latency=(0.004, 0.010))
        for _ in range(5 if name == "rules" else 10):
            asked.blocking()
            if cancelled():
                break
        return name.upper()

    branches = [Branch(name, partial(call, name)) for name in ("llm", "rules")]
    return pooled(threads, ThreadPoolExecutor, branches, decision=FirstValid())


# The limiter.


async def shares_a_limiter() -> list[str]:
    limiter = Limiter(1)

    async def serve(number: int) -> str:
        await service(f"user {number}")()
        return await value([branch("llm")], number, run_id=f"w/{number}", limiter=limiter)

    return await asyncio.gather(*map(serve, range(2)))


async def counts_permits() -> list[str]:
    """The second call begins while losers of the first one still close their clients."""
    limiter = Limiter(4)
    Client.open = 0
    watch.fact("permits are out", lambda: limiter.in_use > 0)
    watch.fact("permits are back", lambda: limiter.in_use == 0)
    watch.fact("over capacity", lambda: Client.open > limiter.capacity)
    answers = []
    for run_id in ("w/1", "w/2"):
        branches = [with_client(name, closes_in=0.004) for name in NAMES]
        answers.append(await value(branches, 1, limiter=limiter, run_id=run_id))
    await settled()
    return answers


# The record.


async def asks_twice() -> list[str]:
    first = await value([branch(name) for name in NAMES], 1, EagerRace())
    second = ""
    with suppress(TimeoutError):
        async with asyncio.timeout(0.030):
            second = await value([branch(name) for name in NAMES], 1, run_id="w/2")
    await settled()
    return [first, second]
