"""The pipeline that runs if there is no other: `spectest.patterns.speculate`, as the scenario says.

Its limiter is the one of `spectest.patterns`, or asks the pool or a budget in the same place. What
production code cannot say is refused.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from simulators.branches import Branch
from simulators.errors import ScenarioError
from simulators.live.calls import ASKING, Service, Services
from simulators.live.remote import Remote
from simulators.live.visits import Call, Reply
from simulators.scenario import Scenario
from simulators.servers import Permits, Servers
from simulators.ticks import TICKS, with_durations
from spectest import patterns
from spectest.patterns.policies import Decision, Situation

__all__ = ["speculating"]

_PATIENT = 1e6
"""Seconds for which a loser may hold on before there is a warning."""


def speculating(remote: Remote, seed: int, *, threads: bool) -> Callable[[Services, int], Any]:
    """The scenario's policy, decision, timeouts and limiter, as a pipeline."""
    scenario = remote.scenario
    _check(scenario)
    terms: dict[str, Any] = {
        "policy": with_durations(scenario.policy, _seconds),
        "run_id": str(seed),
        "decision": _Watched(with_durations(scenario.decision, _seconds)),
        "limiter": _limiter(remote),
        "grace": _PATIENT,
        "sample": 0.0,
    }
    if threads:
        return _in_threads([_blocking(branch) for branch in remote.branches], terms, remote)
    branches = [_awaited(branch) for branch in remote.branches]

    async def speculate(_: Services, request: int) -> Any:
        return await patterns.speculate(branches, {"request": request}, **terms)

    return speculate


def _in_threads(
    branches: list[patterns.Branch[Reply]], terms: dict[str, Any], remote: Remote
) -> Callable[[Services, int], Any]:
    pools: list[ThreadPoolExecutor] = []

    def speculate(_: Services, request: int) -> Any:
        if not pools:
            pools.append(ThreadPoolExecutor(remote.n * len(branches)))
        given = {"request": request}
        return patterns.threads.speculate(branches, given, executor=pools[0], **terms)

    return speculate


def _awaited(branch: Branch) -> patterns.Branch[Awaitable[Reply]]:
    """A client that, when it is cancelled, waits for the server: its permit is taken until then."""
    service = Service(branch.name)
    return patterns.Branch(branch.name, lambda _: service.held(), _valid, _timeout(branch))


def _blocking(branch: Branch) -> patterns.Branch[Reply]:
    service = Service(branch.name)
    return patterns.Branch(
        branch.name, lambda _, client: client.ask(), _valid, _timeout(branch), client=service.open
    )


def _valid(reply: Reply) -> bool:
    return reply.valid


def _timeout(branch: Branch) -> float | None:
    return None if branch.timeout is None else _seconds(branch.timeout)


def _seconds(ticks: float) -> float:
    return ticks / TICKS


def _check(scenario: Scenario) -> None:
    if scenario.timer != "arrival":
        why = "is nothing that speculate does: its timers begin at the launch"
        raise ScenarioError("timer", scenario.timer, why, "use timer='arrival', or a pipeline")
    if scenario.limiter.kind == "queue":
        why = "is nothing that spectest.patterns.Limiter does: nobody waits for a permit"
        raise ScenarioError("limiter.kind", "queue", why, "use kind='drop', or a pipeline")


def _limiter(remote: Remote) -> patterns.Limiter | None:
    limiter = remote.scenario.limiter
    if limiter.kind == "none":
        return None
    if limiter.kind == "drop" and limiter.capacity is not None:
        return patterns.Limiter(limiter.capacity)
    if limiter.kind == "drop" and len({branch.pool for branch in remote.branches}) > 1:
        why = "asks the pool of each branch, which a limiter of spectest.patterns does not know"
        remedy = "use capacity=..., one pool for all branches, or a pipeline"
        raise ScenarioError("limiter.capacity", None, why, remedy)
    return _Asking(remote, remote.pools[0])


class _Asking(patterns.Limiter):
    """A limiter that asks a pool whether it is full, or a budget."""

    def __init__(self, remote: Remote, pool: Servers[Call] | None) -> None:
        super().__init__(remote.n * len(remote.branches))
        self._remote = remote
        self._pool = pool
        if remote.scenario.limiter.kind == "budget":
            remote.budget = Permits(remote.scenario.limiter, bool)

    def acquire(self, *, speculative: bool) -> bool:
        if speculative and self._drops():
            return False
        self._remote.coming += 1
        return super().acquire(speculative=False)

    def _drops(self) -> bool:
        if self._remote.budget is not None:
            return self._remote.budget.drops(None)
        return self._pool is not None and self._pool.full_after(self._remote.coming)


class _Watched:
    """A decision that tells whom the limiter has dropped: nothing of that is seen from outside."""

    def __init__(self, decision: Decision) -> None:
        self._decision = decision
        self.deterministic = decision.deterministic

    def winner(self, situation: Situation) -> int | None:
        asking = ASKING.get()
        if asking is not None:
            for index, attempt in enumerate(situation.attempts):
                if attempt.state == "dropped":
                    asking.remote.dropped(asking.visit, index)
        return self._decision.winner(situation)

    def wakes(self, situation: Situation) -> float | None:
        return self._decision.wakes(situation)
