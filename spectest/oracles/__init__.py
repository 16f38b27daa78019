"""Oracles judge a pipeline, anybody's, by the trace of an execution and nothing else.

    spectest.explore(program, oracles=[spectest.oracles.tie_breaking(), ...])

They know branches, attempts, winners and losers from what `spectest.patterns`, `FakeService` and
the decorator `spectest.patterns.branch` tell.
"""

from __future__ import annotations

from spectest.oracles.base import Oracle, Verdict, judge
from spectest.oracles.cancellation import cancellation
from spectest.oracles.determinism import determinism
from spectest.oracles.exactly_once import exactly_once
from spectest.oracles.invariants import always, eventually, leads_to, never
from spectest.oracles.isolation import Isolation, isolation
from spectest.oracles.linearizable import linearizable
from spectest.oracles.log_fidelity import log_fidelity
from spectest.oracles.names import NAMES, by_name
from spectest.oracles.story import Attempt, Speculation, Story
from spectest.oracles.tie_breaking import tie_breaking

__all__ = [
    "NAMES",
    "Attempt",
    "Isolation",
    "Oracle",
    "Speculation",
    "Story",
    "Verdict",
    "always",
    "by_name",
    "cancellation",
    "determinism",
    "eventually",
    "exactly_once",
    "isolation",
    "judge",
    "leads_to",
    "linearizable",
    "log_fidelity",
    "never",
    "tie_breaking",
]
