"""What may go wrong, as data: kinds of faults, and plans of them with budgets and windows.

A fault that fires is a choice of the search like any other: it stands in the plan, in the token and
on the page. May import the kernel and the errors.
"""

from spectest.faults.kinds import (
    Duplicate,
    Fault,
    Hang,
    Raise,
    RateLimit,
    RateLimited,
    Reset,
    SlowStart,
    WrongAnswer,
)
from spectest.faults.plan import NO_FAULTS, FaultPlan, Firing

__all__ = [
    "NO_FAULTS",
    "Duplicate",
    "Fault",
    "FaultPlan",
    "Firing",
    "Hang",
    "Raise",
    "RateLimit",
    "RateLimited",
    "Reset",
    "SlowStart",
    "WrongAnswer",
]
