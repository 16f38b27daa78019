"""Our own patterns in the dock: one pipeline in three forms, with everything that may go wrong.

Three branches ask a service each, with a client of their own, look at their inputs and stage
effects. In a steady pipeline a call may fail or answer invalidly; in a rough one branches time out,
a limiter drops some, and clients take their time to close.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

from spectest import FakeService, oracles, watch
from spectest.faults import FaultPlan, Raise, WrongAnswer
from spectest.patterns import (
    AfterFirst,
    AllBranchesFailed,
    Branch,
    Cascade,
    EagerRace,
    FirstValid,
    FirstValidOf,
    Hedge,
    Limiter,
    Ranked,
    Sequential,
    Tied,
    WaitForAll,
    began,
    cancelled,
    policies,
    processes,
    settled,
    speculate,
    stage,
    threads,
)

__all__ = ["DECISIONS", "FORMS", "POLICIES", "Pipeline", "oracles_for"]

Form = Literal["coroutines", "threads", "processes"]
FORMS: tuple[Form, ...] = ("coroutines", "threads", "processes")
POLICIES: tuple[policies.Policy, ...] = (
    EagerRace(),
    Hedge(0.02),
    Tied(0.005),
    FirstValidOf(2),
    Sequential(),
    Cascade(patience=0.03),
)
DECISIONS: tuple[policies.Decision, ...] = (
    Ranked(),
    WaitForAll(),
    WaitForAll("literal"),
    AfterFirst(0.005),
    FirstValid(),
)

NAMES = ("llm", "rules", "cache")
SLOWEST = 0.050
TIMEOUT = 0.030
CLOSES_IN = 0.004
STALL = 0.010
"""For how long the machine may hold a thread up."""
GRACE = 0.100
request: ContextVar[str] = ContextVar("request", default="nobody's")
written: list[str] = []
called: list[str] = []
services: dict[str, FakeService] = {}


def good(answer: Any) -> bool:
    return bool(answer != "nonsense")


@dataclass(frozen=True)
class Pipeline:
    """One invocation, to be explored. `rough`: with timeouts, a limiter and slow clients."""

    form: Form
    policy: policies.Policy
    decision: policies.Decision
    rough: bool = False

    @property
    def program(self) -> Callable[[], Any]:
        """To be given to a search."""
        program: Callable[[], Any] = getattr(self, f"_in_{self.form}")
        return program

    @property
    def may_be_tied(self) -> bool:
        """Its branches say that they are served, so that time decides who goes on."""
        return self.rough and isinstance(self.policy, Tied)

    def __str__(self) -> str:
        kind = "rough" if self.rough else "steady"
        return f"{kind} {self.form}, {self.policy!r}, {self.decision!r}"

    def arranged(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Fresh services, what is watched, the inputs, and the terms of the call."""
        written.clear()
        called.clear()
        for name in NAMES:
            faults = FaultPlan(Raise(ConnectionError), WrongAnswer("nonsense"), budget=1)
            services[name] = FakeService(
                name, latency=(0.010, SLOWEST), answer=name.upper(), failures=faults
            )
        request.set("the caller's")
        inputs = {"user": {"name": "ada", "seen": [1, 2]}}
        watch.objects(inputs=inputs, written=written)
        watch.context(request)
        limiter = Limiter(2) if self.rough else None
        return inputs, {
            "policy": self.policy,
            "decision": self.decision,
            "run_id": "w/1",
            "limiter": limiter,
            "grace": GRACE,
        }

    def branches(self, call: Any, client: Any) -> list[Branch[Any]]:
        """Three branches that ask what `call` asks."""
        timeout = TIMEOUT if self.rough else None
        tied = self.may_be_tied
        return [
            Branch(name, functools.partial(call, name, tied), good, timeout, client)
            for name in NAMES
        ]

    def _told(self, answer: Any, terms: dict[str, Any]) -> str:
        """What the program returns; nothing may be left of the call by now."""
        limiter = terms["limiter"]
        assert limiter is None or limiter.in_use == 0, "a permit was not given back"
        assert answer is None or written == [answer.value, f"{answer.value} again"], written
        assert answer is not None or not written, written
        return "all have failed" if answer is None else str(answer.value)

    async def _in_coroutines(self) -> str:
        inputs, terms = self.arranged()
        branches = self.branches(asks, AsyncClient)

        async def invocation() -> Any:
            try:
                return await speculate(branches, inputs, **terms)
            except AllBranchesFailed:
                return None

        answer = await asyncio.create_task(invocation())
        await settled()
        return self._told(answer, terms)

    def _in_threads(self) -> str:
        return self._in_pool(ThreadPoolExecutor, threads, Client)

    def _in_processes(self) -> str:
        return self._in_pool(ProcessPoolExecutor, processes, Client)

    def _in_pool(self, pool: Any, pattern: Any, client: Any) -> str:
        inputs, terms = self.arranged()
        branches = self.branches(works, client)
        executor = pool(len(NAMES))
        try:
            answer = pattern.speculate(branches, inputs, executor=executor, **terms)
        except AllBranchesFailed:
            answer = None
        pattern.settled()
        executor.shutdown()
        return self._told(answer, terms)


async def asks(name: str, tied: bool, inputs: Any, client: AsyncClient) -> str:
    request.set(name)
    stage(write_later, name.upper())
    if tied:
        await asyncio.sleep(0.001)
        began()
    answer = str(await client.ask(name, inputs["user"]["name"]))
    stage(write, f"{name.upper()} again")
    return answer


def works(name: str, tied: bool, inputs: Any, client: Client) -> str:
    request.set(name)
    stage(write, name.upper())
    if tied:
        began()
    if cancelled():
        return "nonsense"
    answer = str(client.ask(name, inputs["user"]["name"]))
    stage(write, f"{name.upper()} again")
    return answer


async def write_later(what: str) -> None:
    await asyncio.sleep(0.001)
    written.append(what)


def write(what: str) -> None:
    written.append(what)


class AsyncClient:
    """Of one attempt; it is of no use once it is closed."""

    closed = False

    async def ask(self, service: str, about: str) -> Any:
        assert not self.closed
        return await services[service](about)

    async def aclose(self) -> None:
        assert not self.closed, "closed twice"
        self.closed = True
        await asyncio.sleep(CLOSES_IN)


class Client:
    """The same for threads."""

    closed = False

    def ask(self, service: str, about: str) -> Any:
        return services[service].blocking(about)

    def close(self) -> None:
        assert not self.closed, "closed twice"
        self.closed = True
        time.sleep(CLOSES_IN)


def oracles_for(pipeline: Pipeline) -> list[oracles.Oracle]:
    """All that judge this pipeline, as strict as the promises of its policy and decision allow."""
    steady = pipeline.decision.deterministic and not pipeline.rough
    compared = ("winner", "value", "record") if _is_deterministic(pipeline) else ()
    return [
        oracles.tie_breaking(compare=compared),
        oracles.cancellation(grace=0.0 if pipeline.form == "coroutines" else SLOWEST + STALL),
        oracles.isolation(),
        oracles.exactly_once(),
        oracles.log_fidelity(),
        *([oracles.determinism()] if steady else []),
    ]


def _is_deterministic(pipeline: Pipeline) -> bool:
    if pipeline.decision == WaitForAll("literal"):
        return isinstance(pipeline.policy, EagerRace) and not pipeline.rough
    return pipeline.decision.deterministic and not pipeline.may_be_tied
