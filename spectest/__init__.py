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
    from spectest.errors import (
        CallbackFailure,
        Deadlock,
        InternalError,
        Livelock,
        NondeterminismError,
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
    from spectest.exploration.results import Confirmation, Failure, Margin, Report
    from spectest.exploration.search import confirm, explore, replay, run
    from spectest.faults.plan import FaultPlan
    from spectest.kernel.plan import Hold, Plan
    from spectest.reporting.text import render
    from spectest.services.service import FakeService
    from spectest.services.sometimes import sometimes
    from spectest.services.wrapping import patch
    from spectest.testing import explored

__version__ = "0.1.0"

_ROOMS = {
    "spectest.errors": (
        "CallbackFailure",
        "Deadlock",
        "InternalError",
        "Livelock",
        "NondeterminismError",
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
    "spectest.exploration.results": ("Confirmation", "Failure", "Margin", "Report"),
    "spectest.exploration.search": ("confirm", "explore", "replay", "run"),
    "spectest.faults.plan": ("FaultPlan",),
    "spectest.kernel.plan": ("Hold", "Plan"),
    "spectest.reporting.text": ("render",),
    "spectest.services.service": ("FakeService",),
    "spectest.services.sometimes": ("sometimes",),
    "spectest.services.wrapping": ("patch",),
    "spectest.testing": ("explored",),
}
_HOMES = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "CallbackFailure",
    "Confirmation",
    "Deadlock",
    "Failure",
    "FakeService",
    "FaultPlan",
    "Hold",
    "InternalError",
    "Livelock",
    "Margin",
    "NondeterminismError",
    "Plan",
    "RealWorldError",
    "Report",
    "SpectestError",
    "TaskLeaked",
    "ThreadFailure",
    "ThreadLeaked",
    "TokenError",
    "UnretrievedException",
    "UsageError",
    "Violation",
    "VirtualEventLoop",
    "confirm",
    "explore",
    "explored",
    "patch",
    "render",
    "replay",
    "run",
    "sometimes",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'spectest' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
