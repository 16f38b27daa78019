"""The failing durations, once more: in real time, on stock asyncio and real threads.

A counterexample from virtual time is a claim: at these latencies, asyncio brings this program to
fail. This module puts the claim to CPython itself. The plan is replayed on virtual time first,
which says when each operation completes and what shares a poll of the selector. Then the same
program runs on the interpreter's own `SelectorEventLoop` (see `spectest.eventloop.stock` for the
short list of what differs), where real milliseconds pass between the same instants in the same
order, and the loop's own heap, ready queue and C tasks decide what follows. Only the same failure
counts: the same type at the same line with the same message up to values, or the same broken
promise, judged by the same judge.

It can fail to confirm. A try in which the machine was too busy to keep the times proves nothing and
is repeated with wider gaps. And it does not invent: the loop is stock, so a program that behaves on
stock asyncio at every duration behaves here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spectest import ambient
from spectest.ambient import REAL
from spectest.errors import Livelock, NondeterminismError, RealWorldError, UsageError
from spectest.exploration.execution import Program, signature_of
from spectest.exploration.performances import StockRehearsal, ThreadedRehearsal
from spectest.exploration.references import limits_for
from spectest.exploration.results import Confirmation
from spectest.exploration.settings import Settings
from spectest.kernel.choices import concerns_order
from spectest.kernel.plan import Plan
from spectest.world import World

__all__ = ["confirm_plan"]

_GAP_S, _TRIES = 0.008, 4
_LONGEST_S = 10.0


def confirm_plan(
    program: Program, plan: Plan, settings: Settings, *, expected: BaseException | None
) -> Confirmation:
    """Whether stock asyncio, in real time, fails as `plan` makes `program` fail on virtual time.

    `expected`: the failure that was found; None for whatever the plan shows. Up to four tries with
    growing gaps, and more of them while the machine is too late for the gaps, some ten seconds of
    real time in all; inside a running loop, that loop waits.
    """
    with ambient.lent():
        return _confirm(program, plan, settings, expected)


def _confirm(
    program: Program, plan: Plan, settings: Settings, expected: BaseException | None
) -> Confirmation:
    reason = _unfit(expected)
    if reason:
        return Confirmation(False, 0, reason)
    limits = limits_for(program, plan, settings)
    rehearsal = StockRehearsal(plan, limits)
    error = _error_of(rehearsal, program)
    if rehearsal.threads is not None and (rehearsal.threads.started or rehearsal.threads.waited):
        rehearsal = ThreadedRehearsal(plan, limits)
        error = _error_of(rehearsal, program)
    reason = _unlike(error, expected) or _needs_any(rehearsal.order_model)
    if reason:
        return Confirmation(False, 0, reason)
    assert error is not None
    tries, spent, late, last = 0, 0.0, "", None
    while tries < _TRIES or late:
        gap_s = _GAP_S * 2**tries
        length_s = rehearsal.length_s(gap_s)
        if spent + length_s > _LONGEST_S:
            if not tries:
                return Confirmation(False, 0, f"it would take {length_s:.0f} s of real time")
            break
        world = rehearsal.performance(gap_s)
        began = REAL.monotonic()
        last = _error_of(world, program)
        tries += 1
        spent += REAL.monotonic() - began
        if last is not None and signature_of(last) == signature_of(error):
            return Confirmation(True, tries, _how(plan))
        lag = world.lagged_s
        late = f"; this machine was up to {lag * 1e3:.0f} ms late" if lag > gap_s / 2 else ""
    beyond = rehearsal.score.beyond_latency()
    if beyond:
        return Confirmation(False, tries, f"no latency produces it: {beyond}")
    ended = "no failure" if last is None else f"{type(last).__name__} instead"
    return Confirmation(False, tries, f"{rehearsal.stage} showed {ended} at these durations{late}")


def _error_of(world: World, program: Callable[[], Any]) -> BaseException | None:
    try:
        world.run(program)
    except (KeyboardInterrupt, GeneratorExit, UsageError):
        raise
    except BaseException as error:
        return error
    return None


def _unfit(error: BaseException | None) -> str:
    """Why this failure is nothing that real time could show, or ""."""
    if isinstance(error, NondeterminismError):
        return "the program is not the same program twice"
    if isinstance(error, Livelock):
        return "in real time a livelock only looks like a long run"
    if isinstance(error, RealWorldError):
        return "the call is only refused on virtual time"
    return ""


def _unlike(error: BaseException | None, expected: BaseException | None) -> str:
    """Why what the plan shows now is not worth a try, or ""."""
    if error is None:
        return "the program does not fail under this plan, not even on virtual time"
    if expected is not None and type(expected) is not type(error):
        return (
            f"the plan shows {type(error).__name__} now, "
            f"and {type(expected).__name__} when it was found"
        )
    return _unfit(error)


def _needs_any(order_model: str) -> str:
    return "it needs an order that asyncio does not produce" if order_model == "any" else ""


def _how(plan: Plan) -> str:
    of_set = any(map(concerns_order, plan.picks))
    return "it fails in the same way" + (", with this order of the set" if of_set else "")
