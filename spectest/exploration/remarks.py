"""What a clean search has to say about settings that named something nobody ever met."""

from __future__ import annotations

from collections.abc import Iterable

from spectest.kernel.mentions import FIRED, JOBS, OFFERED, TRUE, Mentions
from spectest.kernel.trace import Trace
from spectest.oracles.base import Oracle
from spectest.strategies.base import Strategy
from spectest.strategies.orders import Orders

__all__ = ["blindness", "of", "of_orders"]

_MOST_JOBS = 5


def of(mentions: Mentions) -> tuple[str, ...]:
    """One sentence for each name that the program never came to."""
    return (
        *(f"lines={name!r}: {_no_line(name)}" for name in mentions.unmet("lines")),
        *(
            f"{setting}={name}: no such job was submitted{_others(mentions.met(JOBS))}"
            for setting in ("hangs", "dies")
            for name in mentions.unmet(setting)
        ),
        *(
            f"the fault `{name}` never fired: {_no_call(mentions, name)}"
            for name in mentions.unmet(FIRED)
        ),
        *(f'`sometimes("{name}")` was never true' for name in mentions.unmet(TRUE)),
    )


def blindness(oracles: Iterable[Oracle], trace: Trace) -> tuple[str, ...]:
    """One sentence for each oracle that cannot have found anything: it was shown nothing."""
    asked = (getattr(oracle, "blind", None) for oracle in oracles)
    return tuple(filter(None, (blind(trace) for blind in asked if blind is not None)))


def of_orders(strategy: Strategy) -> tuple[str, ...]:
    """How many orders of completions are left, if it was to try all."""
    if not isinstance(strategy, Orders) or strategy.exhausted:
        return ()
    return (f"orders of completions were sampled: {strategy.pending} or more are left; see runs",)


def _no_call(mentions: Mentions, name: str) -> str:
    if name in mentions.met(OFFERED):
        return "there were calls that it may hit, and the search tried none"
    return "there was no call that it may hit"


def _no_line(name: str) -> str:
    if name == "*":
        return "no line of a file of your own ran"
    return (
        "no line of such a module ran; modules are named as in sys.modules, and a script that is "
        "run is `__main__`"
    )


def _others(jobs: tuple[str, ...]) -> str:
    if not jobs:
        return ""
    first = ", ".join(sorted(jobs)[:_MOST_JOBS])
    return f"; there were {first}{', ...' if len(jobs) > _MOST_JOBS else ''}"
