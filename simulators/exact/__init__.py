"""What needs no simulation: closed forms of queueing theory, and races by their survival function.

    answer = exact.solve(scenario)

The answer says by which formula it was found, or why none applies. The formulas themselves are in
`queues`, `order_statistics`, `races` and `redundancy`, each with its source. No NumPy, no chance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulators.exact.solution import NotApplicable, Solution

if TYPE_CHECKING:
    from simulators.scenario import Scenario

__all__ = ["NotApplicable", "Solution", "solve"]


def solve(scenario: Scenario) -> Solution | NotApplicable:
    """The exact answer to a scenario, or the reason why there is none.

    Requests that share nothing: every policy, by survival functions. Poisson arrivals at a pool:
    Erlang B and C, M/M/c with patience, Pollaczek-Khinchine, M/D/1, and copies of a request.
    """
    from simulators.exact import shared, unshared
    from simulators.scenario import Closed, checked_scenario

    checked_scenario(scenario)
    if isinstance(scenario.arrivals, Closed):
        return NotApplicable("closed arrivals have no formula here: users wait for their answers")
    if not scenario.shares:
        return unshared.solved(scenario)
    pooled = [branch.name for branch in scenario.racing if branch.pool is not None]
    if not pooled:
        kind = scenario.limiter.kind
        if len(scenario.racing) == 1:
            return unshared.solved(scenario)
        return NotApplicable(f"a limiter of kind {kind!r} without a pool has no formula")
    return shared.solved(scenario)
