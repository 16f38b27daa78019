"""Start full: does it drain? Averages of a run that started empty say nothing of that.

A pipeline is metastable if it works well until something fills its lines, and then keeps them full
by itself: whoever waits is hedged, which makes everybody wait. N. Bronson, A. Aghayev, A.
Charapko, T. Zhu, Metastable Failures in Distributed Systems, HotOS 2021.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from simulators.fast.draws import Bulk
from simulators.results import Requests
from simulators.scenario import Closed, Scenario, Trace
from simulators.verdict.findings import Finding, seconds
from simulators.verdict.lines import drained, full_at_the_end, last_tenth
from simulators.verdict.trials import Trial

__all__ = ["RUNS", "metastability", "started_full"]

RUNS = 3
"""How many runs start full: with the seed of the verdict, and the next ones."""

_TIMES = 10
"""How many times the hedge delay, or a service, the last request of the burst would wait."""

_SHORTEST = 10_000
"""How many requests such a run has, or ten times as many as control needs to drain."""


def metastability(trial: Trial) -> Finding:
    """After a burst that fills every line, is there ever a moment at which nobody waits?

    The first requests come at once, the others when they would come anyway, so that the run that
    started empty has the same requests. Lines that never empty, or are full again at the end, speak
    against speculation; unless there were too few requests for those of control to empty.
    """
    name, scenario, control = "metastability", trial.scenario, trial.control.scenario
    if not any(branch.pool for branch in scenario.racing):
        return Finding(name, "not applicable", "no branch has a pool, so that no line can fill")
    if scenario.arrivals is None or isinstance(scenario.arrivals, Closed):
        why = "users wait for their answers, so that no line is longer than there are users"
        return Finding(name, "not applicable", why)
    burst = _burst(scenario)
    enough = _enough(control, burst)
    n = min(trial.n, enough)
    if n < 2 * burst:
        why = f"{n:,} requests are too few to begin with {burst:,} at once and see them drain"
        return Finding(name, "open", why, needed=enough)
    runs = [_started_full(trial, scenario, n, burst, run) for run in range(RUNS)]
    drains = [drained(requests, burst) for requests in runs]
    stuck = [run for run, drain in enumerate(drains) if drain is None]
    begin = f"{burst:,} requests at once: the lines "
    end = _last_tenth(trial, runs[0])
    if stuck:
        begin += f"did not drain within {n - burst:,} requests in {len(stuck)} of {RUNS} runs"
        usual = [drained(_started_full(trial, control, n, burst, run), burst) for run in stuck]
        known = [drain for drain in usual if drain is not None]
        if known:
            sentence = f"{begin}, those of control did within {max(known):,}{end}"
            return Finding(name, "against", sentence)
        if trial.n < enough:
            sentence = f"{begin}, nor did those of control{end}"
            return Finding(name, "open", sentence, needed=enough)
        sentence = f"{begin}, nor did those of control: it is not speculation alone{end}"
        return Finding(name, "against", sentence)
    longest = max(drain for drain in drains if drain is not None)
    sentence = f"{begin}drained within {longest:,} requests in {RUNS} of {RUNS} runs{end}"
    if full_at_the_end(trial.whole) and not full_at_the_end(trial.control):
        sentence += "; but a run that started empty was full at its end, and that of control not"
        return Finding(name, "against", sentence)
    return Finding(name, "for", sentence)


def started_full(scenario: Scenario, n: int, burst: int, seed: int) -> Scenario:
    """The same requests, but the first `burst` arrive together, when the last of them would."""
    times = Bulk(scenario, seed).arrivals(n)
    times[:burst] = times[burst - 1]
    arrivals = Trace(times.tolist())
    return dataclasses.replace(scenario, arrivals=arrivals, overload="allowed")


def _started_full(trial: Trial, scenario: Scenario, n: int, burst: int, run: int) -> Requests:
    seed = trial.whole.seed + run
    return trial.simulate(started_full(scenario, n, burst, seed), n, seed)


def _burst(scenario: Scenario) -> int:
    """So many requests that the last one waits for several hedge delays, or several services."""
    policy: Any = scenario.policy
    delays = [getattr(policy, field, None) or 0.0 for field in ("delay", "patience")]
    most = 1
    for pool in scenario.pools:
        services = [branch.service.mean for branch in scenario.racing if branch.pool == pool.name]
        mean = min(filter(None, services), default=0.0)
        if mean:
            most = max(most, math.ceil(_TIMES * max(*delays, mean) * pool.capacity / mean))
    return most


def _enough(control: Scenario, burst: int) -> int:
    """Ten times the requests that arrive while control drains, if it does."""
    load = max(control.offered().values(), default=0.0)
    drain = burst * load / (1 - load) if load < 1 else 0.0
    return max(_SHORTEST, burst + math.ceil(10 * drain))


def _last_tenth(trial: Trial, full: Requests) -> str:
    """How long the last requests of the first run took, and the same ones of an empty start."""
    last = last_tenth(len(full))
    means = [float(one.latency[last].mean()) for one in (full, trial.whole)]
    return (
        f"; the last tenth took {seconds(means[0])} on average, and {seconds(means[1])} in the "
        "run that started empty"
    )
