"""Where numbers come from: what every output of the simulators carries."""

from __future__ import annotations

import functools
import platform
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from simulators.results import Requests
from simulators.scenario import Scenario

__all__ = ["Provenance", "of", "of_requests", "versions"]


@dataclass(frozen=True, slots=True)
class Provenance:
    """`n` requests of a scenario, named by its hash, simulated by an engine from a seed.

    `versions`: of Python and of the packages that numbers depend on, in the order of their names.
    Whoever has the scenario and the same versions gets the same numbers from the same seed.
    """

    scenario: str
    engine: str
    seed: int
    n: int
    versions: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        made = ", ".join(f"{name} {number}" for name, number in self.versions)
        return (
            f"scenario {self.scenario[:12]}, engine {self.engine}, seed {self.seed}, "
            f"n {self.n}; {made}"
        )

    def to_data(self) -> dict[str, Any]:
        """What JSON can say."""
        return {
            "scenario_hash": self.scenario,
            "engine": self.engine,
            "seed": self.seed,
            "n": self.n,
            "versions": dict(self.versions),
        }


def of(scenario: Scenario, engine: str, seed: int, n: int) -> Provenance:
    """The provenance of numbers that this process computes."""
    return Provenance(scenario.hash, engine, seed, n, versions())


def of_requests(requests: Requests) -> Provenance:
    """The provenance of simulated requests."""
    return of(requests.scenario, requests.engine, requests.seed, len(requests))


@functools.cache
def versions() -> tuple[tuple[str, str], ...]:
    """Versions of Python and of the packages that numbers depend on."""
    packages = tuple((name, version(name)) for name in ("numpy", "simpy", "spectest"))
    return (*packages[:1], ("python", platform.python_version()), *packages[1:])
