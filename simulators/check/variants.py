"""A variant of what a scenario says: which fields are other than said, as data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulators.check.semantics import AS_SAID, Semantics
from simulators.scenario import Branch, Scenario, ScenarioError

__all__ = ["Variant", "combined"]


@dataclass(frozen=True, eq=False)
class Variant:
    """`name` completes "your code behaves as: ". The mappings say which fields are other than said.

    `branch`: of the branches, or `only` of the one with that name.
    """

    name: str
    scenario: Mapping[str, Any] = field(default_factory=dict)
    branch: Mapping[str, Any] = field(default_factory=dict)
    semantics: Mapping[str, Any] = field(default_factory=dict)
    only: str | None = None

    def applied(self, scenario: Scenario, semantics: Semantics) -> tuple[Scenario, Semantics]:
        """The scenario and the semantics that this variant makes of these."""
        fields = {"overload": "allowed", **self.scenario}
        if self.branch:
            fields["branches"] = [self._branch(branch) for branch in scenario.branches]
        changed = dataclasses.replace(scenario, **fields)
        return changed, dataclasses.replace(semantics, **self.semantics)

    def excludes(self, other: Variant) -> bool:
        """Whether the two speak of the same field, so that they cannot both be so."""
        apart = self.only != other.only and None not in (self.only, other.only)
        same_branches = not apart and self.branch.keys() & other.branch.keys()
        return bool(
            self.scenario.keys() & other.scenario.keys()
            or self.semantics.keys() & other.semantics.keys()
            or same_branches
        )

    def _branch(self, branch: Branch) -> Branch:
        if self.only not in (None, branch.name):
            return branch
        return dataclasses.replace(branch, **self.branch)


def combined(
    variants: tuple[Variant, ...], scenario: Scenario, semantics: Semantics = AS_SAID
) -> tuple[Scenario, Semantics] | None:
    """What several variants together make of a scenario; None if that is no scenario."""
    try:
        for variant in variants:
            scenario, semantics = variant.applied(scenario, semantics)
    except ScenarioError:
        return None
    return scenario, semantics
