"""The requests of a log, once each and in their order, under another policy.

What a benchmark with paired rounds publishes. A scenario draws rows by chance, and more of them
than there are; this takes each as it was measured.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulators import events
from simulators.errors import ScenarioError
from simulators.fit.fitting import Fitted
from simulators.results import Requests
from spectest.latency import Draws, Latency, PairedRows

__all__ = ["InOrder", "replay"]


@dataclass(frozen=True, slots=True)
class InOrder:
    """A dependence: request r takes row r, and begins anew after the last."""

    rows: Sequence[Mapping[str, float]]

    def draw(
        self,
        draws: Draws,  # noqa: ARG002
        request: int,
        branch: str,
        latency: Latency,  # noqa: ARG002
        attempt: int = 1,  # noqa: ARG002
    ) -> float:
        """The seconds that this attempt takes."""
        return self.rows[request % len(self.rows)][branch]


def replay(fitted: Fitted, seed: int = 0) -> Requests:
    """Every row of a fitted log, simulated once.

    Whether an answer is valid or an attempt fails is still a matter of chance, as the scenario
    says; the engine is "replay". `ScenarioError` if the scenario has no paired rows.
    """
    scenario = fitted.scenario
    if not isinstance(scenario.dependence, PairedRows):
        remedy = "use a log in which the branches of a request all ended"
        raise ScenarioError("dependence", scenario.dependence, "has no rows to replay", remedy)
    paired: Any = scenario.dependence.rows
    rows = InOrder([dict(row) for row in paired])
    replayed = events.run(dataclasses.replace(scenario, dependence=rows), len(rows.rows), seed)
    return dataclasses.replace(replayed, scenario=scenario, engine="replay")
