"""Speculation for production: several branches, one answer, nothing left behind.

    answer = await patterns.speculate(branches, inputs, Hedge(0.05), run_id=run_ids.next())

The same with plain functions on pools: `patterns.threads.speculate` and
`patterns.processes.speculate`. Standard library only, and nothing of the harness. Everything here
is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spectest.patterns import policies, processes, threads
    from spectest.patterns.advice import Advice, AdviceError, advise
    from spectest.patterns.branches import Branch, branch
    from spectest.patterns.canonical import CanonicalError, canonical_json
    from spectest.patterns.coroutines import settled, speculate
    from spectest.patterns.failures import (
        AllBranchesFailed,
        BranchCancelled,
        BranchDropped,
        BranchFailure,
        BranchNotLaunched,
        BranchTimeout,
        InvalidAnswer,
    )
    from spectest.patterns.freezing import UnfreezableInput, freeze
    from spectest.patterns.invocations import Answer
    from spectest.patterns.limiting import Limiter, Usage
    from spectest.patterns.policies import (
        AfterFirst,
        Cascade,
        EagerRace,
        FirstValid,
        FirstValidOf,
        Hedge,
        Ranked,
        Sequential,
        Tied,
        WaitForAll,
        quantile,
        timeout_from_p99,
    )
    from spectest.patterns.record_checks import RecordError
    from spectest.patterns.record_files import read_records
    from spectest.patterns.records import Record, record_schema, write_record
    from spectest.patterns.run_ids import RunId, RunIds, RunIdsError
    from spectest.patterns.seeds import digest_of, input_hash, literal, ranking, sampled, seed_of
    from spectest.patterns.serving import began, cancelled
    from spectest.patterns.shields import FrozenDict, FrozenInputError, FrozenList, FrozenSet
    from spectest.patterns.staging import CommitFailed, Effect, Stage, UnpicklableEffect, stage

_ROOMS = {
    "advice": (
        "Advice",
        "AdviceError",
        "advise",
    ),
    "branches": (
        "Branch",
        "branch",
    ),
    "canonical": (
        "CanonicalError",
        "canonical_json",
    ),
    "coroutines": (
        "settled",
        "speculate",
    ),
    "failures": (
        "AllBranchesFailed",
        "BranchCancelled",
        "BranchDropped",
        "BranchFailure",
        "BranchNotLaunched",
        "BranchTimeout",
        "InvalidAnswer",
    ),
    "freezing": (
        "UnfreezableInput",
        "freeze",
    ),
    "invocations": ("Answer",),
    "limiting": (
        "Limiter",
        "Usage",
    ),
    "policies": (
        "AfterFirst",
        "Cascade",
        "EagerRace",
        "FirstValid",
        "FirstValidOf",
        "Hedge",
        "Ranked",
        "Sequential",
        "Tied",
        "WaitForAll",
        "quantile",
        "timeout_from_p99",
    ),
    "record_checks": ("RecordError",),
    "record_files": ("read_records",),
    "records": (
        "Record",
        "record_schema",
        "write_record",
    ),
    "run_ids": (
        "RunId",
        "RunIds",
        "RunIdsError",
    ),
    "seeds": (
        "digest_of",
        "input_hash",
        "literal",
        "ranking",
        "sampled",
        "seed_of",
    ),
    "serving": (
        "began",
        "cancelled",
    ),
    "shields": (
        "FrozenDict",
        "FrozenInputError",
        "FrozenList",
        "FrozenSet",
    ),
    "staging": (
        "CommitFailed",
        "Effect",
        "Stage",
        "UnpicklableEffect",
        "stage",
    ),
}
_HOMES = {name: room for room, names in _ROOMS.items() for name in names}
_MODULES = {"policies", "processes", "threads"}

__all__ = [
    "Advice",
    "AdviceError",
    "AfterFirst",
    "AllBranchesFailed",
    "Answer",
    "Branch",
    "BranchCancelled",
    "BranchDropped",
    "BranchFailure",
    "BranchNotLaunched",
    "BranchTimeout",
    "CanonicalError",
    "Cascade",
    "CommitFailed",
    "EagerRace",
    "Effect",
    "FirstValid",
    "FirstValidOf",
    "FrozenDict",
    "FrozenInputError",
    "FrozenList",
    "FrozenSet",
    "Hedge",
    "InvalidAnswer",
    "Limiter",
    "Ranked",
    "Record",
    "RecordError",
    "RunId",
    "RunIds",
    "RunIdsError",
    "Sequential",
    "Stage",
    "Tied",
    "UnfreezableInput",
    "UnpicklableEffect",
    "Usage",
    "WaitForAll",
    "advise",
    "began",
    "branch",
    "cancelled",
    "canonical_json",
    "digest_of",
    "freeze",
    "input_hash",
    "literal",
    "policies",
    "processes",
    "quantile",
    "ranking",
    "read_records",
    "record_schema",
    "sampled",
    "seed_of",
    "settled",
    "speculate",
    "stage",
    "threads",
    "timeout_from_p99",
    "write_record",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"spectest.patterns.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'spectest.patterns' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"spectest.patterns.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
