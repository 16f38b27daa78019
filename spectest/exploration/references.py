"""What oracles compare an execution with: the same program in stock order."""

from __future__ import annotations

from dataclasses import replace

from spectest.exploration.execution import Outcome, Program, execute
from spectest.exploration.settings import Settings
from spectest.kernel.plan import Plan
from spectest.world import Limits

__all__ = ["compared_with", "limits_for"]


def compared_with(stock: Outcome | None, limits: Limits) -> Limits:
    """`limits` with `stock` as the reference of their oracles, if it can be one."""
    if not limits.oracles or stock is None or stock.failed:
        return limits
    return replace(limits, reference=stock.trace)


def limits_for(program: Program, plan: Plan, settings: Settings) -> Limits:
    """The limits of a single execution under `plan`; runs stock order first if oracles judge it."""
    limits = settings.limits
    if not limits.oracles:
        return limits
    stock = execute(program, Plan(order=plan.order, seed=plan.seed), limits, record=True)
    return compared_with(stock, limits)
