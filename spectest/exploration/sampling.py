"""The other question about the same program: what are its latency, its cost, its failures?

A search asks what can happen. Here the latencies of services are drawn from their distributions,
and a program is run once for each of many requests, every one alone in a world of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from spectest import ambient
from spectest.errors import UsageError
from spectest.exploration.estimates import Estimate, mean_of, percentile_of, proportion_of
from spectest.exploration.execution import (
    Outcome,
    Program,
    check_program,
    execute,
    signature_of,
)
from spectest.exploration.results import Failure
from spectest.exploration.search import name_of
from spectest.exploration.settings import Settings
from spectest.kernel.clock import NANOSECONDS
from spectest.kernel.plan import Plan
from spectest.latency import Dependence, Draws, Independent, Latency
from spectest.threads.patching import installed
from spectest.watch.steps import steps_logged

__all__ = ["FailedRequest", "Sample", "ServiceUse", "sample"]


@dataclass(frozen=True, slots=True)
class FailedRequest:
    """A request in which the program failed. `error`: the kind, `message`: its first line."""

    request: int
    error: str
    message: str
    signature: tuple[object, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ServiceUse:
    """What one service did for all requests together.

    `calls`: how many; `dead`: of these, on how many it worked on after the caller had left;
    `refused`: how many it did not take. `busy_s`: how long it worked. `cost`, `wasted`: what it
    bills, and what of that for calls that nobody got an answer from.
    """

    name: str
    calls: int = 0
    dead: int = 0
    refused: int = 0
    busy_s: float = 0.0
    cost: float = 0.0
    wasted: float = 0.0


@dataclass(frozen=True, slots=True)
class Sample:
    """The answer of `sample`.

    `program`: its name. `requests`: how many. `seed`, `dependence`: of the draws. `latencies`:
    seconds from the beginning of a request to the return of the program, of those that did not
    fail, in their order. `failures`: the others. `costs`, `wasted`: of each request. `services`: in
    the order of their first calls.
    """

    program: str
    requests: int
    seed: int
    dependence: Dependence
    latencies: tuple[float, ...] = field(repr=False)
    failures: tuple[FailedRequest, ...] = field(repr=False)
    costs: tuple[float, ...] = field(repr=False)
    wasted: tuple[float, ...] = field(repr=False)
    services: tuple[ServiceUse, ...]

    def percentile(self, p: float) -> Estimate:
        """Of the latency, in seconds; p=0.99 is p99. `UsageError` unless 0 < p < 1."""
        return percentile_of(sorted(self.latencies), p)

    @property
    def mean(self) -> Estimate:
        """The mean latency, in seconds."""
        return mean_of(self.latencies)

    @property
    def cost(self) -> Estimate:
        """What a request is billed, on average."""
        return mean_of(self.costs)

    @property
    def waste(self) -> Estimate:
        """What of that is for calls that nobody got an answer from."""
        return mean_of(self.wasted)

    def probability(self, failure: Failure | None = None) -> Estimate:
        """How probable it is that a request fails: in the same way as `failure`, or in any way."""
        same = self.failures
        if failure is not None:
            signature = signature_of(failure.error)
            same = tuple(one for one in same if one.signature == signature)
        return proportion_of(len(same), self.requests)


def sample(
    program: Program,
    *,
    requests: int | Iterable[int] = 10_000,
    seed: int = 0,
    dependence: Dependence | None = None,
    **settings: Any,
) -> Sample:
    """Run `program` once for each request, at latencies drawn from their distributions.

    Each call of a `FakeService` takes a draw of its latency; faults hit it with their `rate`.
    Nothing else varies: sleeps take the time they say, and the order is that of stock asyncio. The
    draws are those of `spectest.latency.Draws(seed)`, by request, service and attempt, so that two
    programs meet the same numbers.

    `requests`: how many, or their numbers. `dependence`: between the services of a request; they
    are independent by default. `settings`: those of `explore` that a single run has a use for.
    """
    numbers = _numbers(requests)
    chosen = Settings.of({"seed": seed, **settings})
    program = check_program(program)
    dependence = Independent() if dependence is None else dependence
    tally = _Tally()
    with ambient.lent(), installed(), steps_logged():
        for number in numbers:
            plan = Plan(order="strict", seed=seed + number)
            sampler = _Request(Draws(seed), dependence, number)
            tally.add(number, execute(program, plan, chosen.limits, sampler=sampler))
    return tally.sample(name_of(program), len(numbers), seed, dependence)


class _Request:
    """The draws of one request; a `Sampler`."""

    def __init__(self, draws: Draws, dependence: Dependence, number: int) -> None:
        self._draws = draws
        self._number = number
        self._draw = functools.partial(dependence.draw, draws, number)

    def uniform(self, branch: str, attempt: int, kind: str) -> float:
        return self._draws.uniform(self._number, branch, attempt, kind)

    def seconds(self, branch: str, attempt: int, latency: Latency) -> float:
        return self._draw(branch, latency, attempt)


class _Tally:
    def __init__(self) -> None:
        self._latencies: list[float] = []
        self._failures: list[FailedRequest] = []
        self._costs: list[float] = []
        self._wasted: list[float] = []
        self._services: dict[str, ServiceUse] = {}

    def add(self, number: int, outcome: Outcome) -> None:
        error = outcome.error
        if error is None:
            self._latencies.append(outcome.returned_ns / NANOSECONDS)
        else:
            message = str(error).partition("\n")[0]
            name = type(error).__name__
            self._failures.append(FailedRequest(number, name, message, outcome.signature))
        self._costs.append(sum(ledger.cost for ledger in outcome.ledgers))
        self._wasted.append(sum(ledger.wasted for ledger in outcome.ledgers))
        for ledger in outcome.ledgers:
            before = self._services.get(ledger.service, ServiceUse(ledger.service))
            self._services[ledger.service] = _with(before, ledger)

    def sample(self, program: str, requests: int, seed: int, dependence: Dependence) -> Sample:
        return Sample(
            program,
            requests,
            seed,
            dependence,
            tuple(self._latencies),
            tuple(self._failures),
            tuple(self._costs),
            tuple(self._wasted),
            tuple(self._services.values()),
        )


def _with(use: ServiceUse, ledger: Any) -> ServiceUse:
    worked = [call for call in ledger if call.worked_from is not None]
    ends = [(call.worked_until, call.worked_from) for call in worked]
    return ServiceUse(
        use.name,
        use.calls + len(ledger),
        use.dead + len(ledger.dead),
        use.refused + ledger.refused,
        use.busy_s + sum(until - since for until, since in ends if until is not None),
        use.cost + ledger.cost,
        use.wasted + ledger.wasted,
    )


def _numbers(requests: int | Iterable[int]) -> list[int]:
    numbers = range(requests) if type(requests) is int else requests
    found = list(numbers) if isinstance(numbers, Iterable) else []
    if not found or not all(type(number) is int and number >= 0 for number in found):
        raise UsageError(
            f"requests={requests!r} must be how many, 1 or more, or their numbers, from 0"
        )
    return found
