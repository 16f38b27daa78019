"""A plan says in which respects an execution deviates from stock CPython, and nothing else.

The empty plan is the stock order. A deviation is a `Hold` (this operation completes so much later,
or lets others of the same instant go first) or a *pick* (a labelled choice other than 0). Holds are
what a person reads, what shrinking removes one by one, and what a replay token carries: a schedule
deviation and a latency injection are the same thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from spectest.errors import UsageError

__all__ = ["ORDER_MODELS", "Hold", "OrderModel", "Plan", "check_order"]

OrderModel = Literal["strict", "ties", "any"]
"""What may vary, weakest first: only durations; also ties and sets; any runnable step."""

ORDER_MODELS: tuple[OrderModel, ...] = get_args(OrderModel)


def check_order(order: str) -> OrderModel:
    """`order` itself, or a `UsageError` that lists the models."""
    for model in ORDER_MODELS:
        if model == order:
            return model
    raise UsageError(f"order={order!r} is not an order model; use one of {', '.join(ORDER_MODELS)}")


@dataclass(frozen=True, slots=True, order=True)
class Hold:
    """How one named completion (or, under `any`, one step) deviates.

    `by_ns`: it completes that many nanoseconds after the nominal moment (negative: before).
    `polls`: of the polls of the selector at that instant it misses so many, each at least one
    iteration of the ready queue long.
    `behind`: so many completions of the same poll that stock order puts after it go first; for a
    step, so many steps that became ready later.
    """

    by_ns: int = 0
    polls: int = 0
    behind: int = 0

    def __bool__(self) -> bool:
        return bool(self.by_ns or self.polls or self.behind)


NO_HOLD = Hold()


@dataclass(frozen=True, slots=True)
class Plan:
    """The deviations of one execution, by the names of what deviates.

    `holds`: by the name of the operation, timer or step ("llm#2": the second operation called llm).
    `picks`: by the label of the choice point.
    `order`: the order model under which the plan was found.
    `seed`: feeds the world's random numbers.
    """

    holds: Mapping[str, Hold] = field(default_factory=dict)
    picks: Mapping[str, int] = field(default_factory=dict)
    order: OrderModel = "ties"
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", check_order(self.order))
        holds = {name: hold for name, hold in sorted(self.holds.items()) if hold}
        picks = {label: pick for label, pick in sorted(self.picks.items()) if pick}
        for name, hold in holds.items():
            if hold.polls < 0 or hold.behind < 0:
                raise UsageError(f"the hold of {name!r} counts polls or places below zero: {hold}")
        for label, pick in picks.items():
            if pick < 0:
                raise UsageError(f"the pick at {label!r} is {pick}; choices count from 0")
        object.__setattr__(self, "holds", holds)
        object.__setattr__(self, "picks", picks)

    def __len__(self) -> int:
        """The number of deviations."""
        return len(self.holds) + len(self.picks)

    def __hash__(self) -> int:
        return hash((tuple(self.holds.items()), tuple(self.picks.items()), self.order, self.seed))
