"""spectest proves things about concurrent Python pipelines that race, hedge, time out and cancel.

It runs your own, unmodified code on a virtual clock, decides when every remote call, sleep and job
completes, and searches the timings for one that breaks a promise.

    report = spectest.explore(program)      # search
    print(spectest.render(report))          # the page to read
    spectest.replay(program, token)         # that failure again
    spectest.confirm(program, token)        # the same durations once more, in real time

Everything here is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spectest import latency, oracles, patterns, watch
    from spectest.errors import (
        CallbackFailure,
        CancellationSwallowed,
        Deadlock,
        InternalError,
        Livelock,
        NondeterminismError,
        OracleViolation,
        RealWorldError,
        SpectestError,
        TaskLeaked,
        ThreadFailure,
        ThreadLeaked,
        TokenError,
        UnretrievedException,
        UsageError,
        Violation,
    )
    from spectest.eventloop.loop import VirtualEventLoop
    from spectest.exploration.results import (
        Confirmation,
        Coverage,
        CoveredFile,
        Failure,
        Margin,
        Report,
        Sweep,
        UnusualLine,
    )
    from spectest.exploration.sampling import Sample, sample
    from spectest.exploration.search import confirm, explore, replay, run
    from spectest.exploration.sweep import sweep
    from spectest.faults.plan import FaultPlan
    from spectest.kernel.plan import Hold, Plan
    from spectest.reporting.matrix import render
    from spectest.services.service import FakeService
    from spectest.services.sometimes import sometimes
    from spectest.services.wrapping import patch
    from spectest.testing import explored

__version__ = "0.1.0"

_ROOMS = {
    "spectest.errors": (
        "CallbackFailure",
        "CancellationSwallowed",
        "Deadlock",
        "InternalError",
        "Livelock",
        "NondeterminismError",
        "OracleViolation",
        "RealWorldError",
        "SpectestError",
        "TaskLeaked",
        "ThreadFailure",
        "ThreadLeaked",
        "TokenError",
        "UnretrievedException",
        "UsageError",
        "Violation",
    ),
    "spectest.eventloop.loop": ("VirtualEventLoop",),
    "spectest.exploration.results": (
        "Confirmation",
        "Coverage",
        "CoveredFile",
        "Failure",
        "Margin",
        "Report",
        "Sweep",
        "UnusualLine",
    ),
    "spectest.exploration.sampling": ("Sample", "sample"),
    "spectest.exploration.search": ("confirm", "explore", "replay", "run"),
    "spectest.exploration.sweep": ("sweep",),
    "spectest.faults.plan": ("FaultPlan",),
    "spectest.kernel.plan": ("Hold", "Plan"),
    "spectest.reporting.matrix": ("render",),
    "spectest.services.service": ("FakeService",),
    "spectest.services.sometimes": ("sometimes",),
    "spectest.services.wrapping": ("patch",),
    "spectest.testing": ("explored",),
}
_PACKAGES = {"latency", "oracles", "patterns", "watch"}
_HOMES = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "CallbackFailure",
    "CancellationSwallowed",
    "Confirmation",
    "Coverage",
    "CoveredFile",
    "Deadlock",
    "Failure",
    "FakeService",
    "FaultPlan",
    "Hold",
    "InternalError",
    "Livelock",
    "Margin",
    "NondeterminismError",
    "OracleViolation",
    "Plan",
    "RealWorldError",
    "Report",
    "Sample",
    "SpectestError",
    "Sweep",
    "TaskLeaked",
    "ThreadFailure",
    "ThreadLeaked",
    "TokenError",
    "UnretrievedException",
    "UnusualLine",
    "UsageError",
    "Violation",
    "VirtualEventLoop",
    "confirm",
    "explore",
    "explored",
    "latency",
    "oracles",
    "patch",
    "patterns",
    "render",
    "replay",
    "run",
    "sample",
    "sometimes",
    "sweep",
    "watch",
]


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return importlib.import_module(f"spectest.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'spectest' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
