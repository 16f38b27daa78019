"""What an exploration found, as plain facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from spectest.exploration.settings import Settings
from spectest.kernel import token
from spectest.kernel.plan import OrderModel, Plan
from spectest.kernel.trace import Trace
from spectest.threads.endings import DeadThread

__all__ = ["Confirmation", "Failure", "Margin", "Report"]


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Whether stock asyncio shows the failure too, at the same durations, in real time.

    `confirmed`; `tries`: real runs made; `reason`: why not, in a sentence, or what was done.
    """

    confirmed: bool
    tries: int
    reason: str


@dataclass(frozen=True, slots=True)
class Margin:
    """How far undeclared sleeps may stretch before the program fails.

    `holds_up_to`: the largest factor at which no failure was found (1.31: every sleep may take up
    to 1.31 times its length). `failure`: at the next larger one, None if none was found at all.
    """

    holds_up_to: float
    failure: Failure | None


@dataclass(frozen=True, slots=True)
class Failure:
    """The counterexample, shrunk.

    `error`: what was raised. `plan`: few and short holds that show it. `order_model`: the
    weakest that allows them. `trace`: the failing execution. `stock_trace`: the same program in
    stock order. `found_at`: number of the execution that found it, from 1. `strategy`: who found
    it. `shrunk_in`: executions that shrinking took. `confirmation`: None if it was not asked for.
    `dead_threads`: those that had ended with an exception of their own before.
    """

    error: BaseException
    plan: Plan
    order_model: OrderModel
    trace: Trace
    stock_trace: Trace
    found_at: int
    strategy: str
    shrunk_in: int
    confirmation: Confirmation | None = None
    dead_threads: tuple[DeadThread, ...] = ()

    @property
    def token(self) -> str:
        """The replay token."""
        return token.encode(self.plan)


@dataclass(frozen=True, slots=True)
class Report:
    """The answer of `explore`.

    `program`: its name. `executions`: how many were made, shrinking not included. `complete`: the
    search was exhaustive: no other execution exists under these settings. `confidence`: what this
    many clean runs are worth, one line for each depth. `stock_trace`: the program in stock order,
    if it was kept. `sometimes`: the names that the program asked `spectest.sometimes` for, and
    whether they were ever true.
    """

    program: str
    settings: Settings
    executions: int
    complete: bool
    failure: Failure | None
    confidence: tuple[str, ...] = ()
    margin: Margin | None = None
    notes: tuple[str, ...] = field(default=())
    stock_trace: Trace | None = field(default=None, repr=False)
    sometimes: Mapping[str, bool] = field(default_factory=dict)
