"""The engine `live`: the user's real code, on virtual time, at the draws of the other engines.

The code runs in a world of spectest, unchanged; what it asks are services whose latencies, servers
and failures are those of the scenario. It is watched from outside: when it asks whom, when it gives
up, and whose answer it returns. Without a pipeline it is `spectest.patterns.speculate` that runs.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Literal

from simulators import checks
from simulators.chances import checked_count
from simulators.errors import ScenarioError
from simulators.live.calls import Service, Services
from simulators.live.remote import Remote
from simulators.live.running import Run
from simulators.live.speculating import speculating
from simulators.live.visits import CallFailed, Reply
from simulators.results import Requests
from simulators.scenario import Scenario
from simulators.ticks import in_seconds, in_ticks

__all__ = ["CallFailed", "Reply", "ScenarioError", "Service", "Services", "run"]


def run(
    scenario: Scenario,
    n: int,
    seed: int = 0,
    pipeline: Callable[[Services, int], Any] | None = None,
    *,
    form: Literal["coroutines", "threads"] = "coroutines",
    trace: bool = False,
) -> Requests:
    """Run `pipeline(services, request)` for `n` requests, each when it arrives, in one world.

    `pipeline`: a coroutine function, or with `form="threads"` a plain function, which gets a thread
    for each request. `request` is its number, `services` the branches by name. It returns the
    `Reply` of the branch that has won, or None; an exception that says that nobody has answered
    (`CallFailed`, `TimeoutError`, `AllBranchesFailed`) means None, too. None: `speculate` with
    policy, decision, timeouts and limiter of the scenario; a pipeline of one's own has these in it,
    and the scenario's are not looked at.

    Everything is counted in whole nanoseconds: the results equal those of `events` and `fast` with
    `ticks=True`, bit for bit, if the pipeline does what the scenario says. `trace` is that of
    `events`; within one moment code may act in another order than a model.

    `ScenarioError` for what `speculate` cannot do, and for a pipeline that raises, returns what no
    service gave, asks a branch that does not exist, or never answers: with the request's number.
    """
    checked_count(scenario, n)
    checks.one_of("form", form, ("coroutines", "threads"))
    threads = form == "threads"
    remote = Remote(in_ticks(scenario, n, seed), n, seed, threads=threads, trace=trace)
    if pipeline is None:
        chosen, name = speculating(remote, seed, threads=threads), "speculate"
    else:
        chosen, name = pipeline, _checked(pipeline, threads=threads)
    Run(remote, chosen, name).in_world(seed, deaf=pipeline is None)
    return in_seconds(remote.requests(), scenario)


def _checked(pipeline: Any, *, threads: bool) -> str:
    """The name of a pipeline that fits its form."""
    name = getattr(pipeline, "__qualname__", None) or type(pipeline).__name__
    if not callable(pipeline):
        remedy = "use a function of services and the number of a request"
        raise ScenarioError("pipeline", pipeline, "cannot be called", remedy)
    if threads and inspect.iscoroutinefunction(pipeline):
        raise ScenarioError("form", "threads", "runs plain functions", f"pass one, not {name}")
    if not threads and inspect.isfunction(pipeline) and not inspect.iscoroutinefunction(pipeline):
        remedy = "pass 'async def', or use form='threads'"
        raise ScenarioError("form", "coroutines", f"cannot await {name}", remedy)
    return str(name)
