"""The programs of the suite, each with its healthy twin and with what it takes to see the bug."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.programs import (
    atomicity,
    cancellation,
    hedging,
    ordering,
    resources,
    starvation,
    waiting,
)

Main = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Program:
    """A broken program: it raises AssertionError when its bug shows.

    Every `asyncio.sleep(d)` in it stands for a remote call that may take from d to four times d;
    all other timers are exact. `witness` are durations in seconds that show the bug: the k-th
    sleep started takes `witness[k]`, or its own d where that is 0.0 or missing.
    """

    program: Main
    fixed: Main
    depth: int
    """How many constraints on the order of completions a run must meet; a coincidence is one."""
    witness: tuple[float, ...]
    needs: Literal["order", "coincidence", "set order"] = "order"
    """What besides durations must be right: nothing, the order in which two simultaneous
    completions arrive, or the order in which a set of two finished tasks is walked."""
    fails_in_stock_order: bool = False

    @property
    def name(self) -> str:
        """The function's own name."""
        return self.program.__name__

    @property
    def family(self) -> str:
        """The module the program lives in."""
        return self.program.__module__.rpartition(".")[2]

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return (self.program.__doc__ or "").partition("\n")[0]


PROGRAMS: tuple[Program, ...] = (
    Program(
        ordering.long_before_short,
        ordering.long_before_short_fixed,
        depth=1,
        witness=(0.020,),
    ),
    Program(
        ordering.sentinel_overtakes_relays,
        ordering.sentinel_overtakes_relays_fixed,
        depth=3,
        witness=(0.040, 0.040, 0.040),
    ),
    Program(
        ordering.fan_out_looks_reversed,
        ordering.fan_out_looks_reversed_fixed,
        depth=2,
        witness=(0.040, 0.020, 0.021, 0.022, 0.023, 0.024, 0.025),
    ),
    Program(
        ordering.closed_account_reopened,
        ordering.closed_account_reopened_fixed,
        depth=3,
        witness=(0.0, 0.020, 0.025, 0.030),
    ),
    Program(
        ordering.stale_read_after_reconnect,
        ordering.stale_read_after_reconnect_fixed,
        depth=2,
        witness=(0.035,),
    ),
    Program(
        starvation.one_against_twenty_five,
        starvation.one_against_twenty_five_fixed,
        depth=1,
        witness=(0.030,),
    ),
    Program(
        starvation.optimistic_writer_starves,
        starvation.optimistic_writer_starves_fixed,
        depth=4,
        witness=(0.0, 0.016, 0.0, 0.016, 0.0, 0.0, 0.016, 0.0, 0.016),
    ),
    Program(
        atomicity.lost_update,
        atomicity.lost_update_fixed,
        depth=1,
        witness=(),
        fails_in_stock_order=True,
    ),
    Program(
        atomicity.lost_update_far_apart,
        atomicity.lost_update_far_apart_fixed,
        depth=1,
        witness=(0.018, 0.0, 0.018, 0.018, 0.018),
    ),
    Program(
        atomicity.two_sessions_for_one_user,
        atomicity.two_sessions_for_one_user_fixed,
        depth=1,
        witness=(0.020,),
    ),
    Program(
        atomicity.free_list_aba,
        atomicity.free_list_aba_fixed,
        depth=3,
        witness=(0.015, 0.0, 0.0, 0.016),
    ),
    Program(
        atomicity.rate_limit_windows_overlap,
        atomicity.rate_limit_windows_overlap_fixed,
        depth=2,
        witness=(0.095, 0.095),
    ),
    Program(
        waiting.ab_ba_deadlock,
        waiting.ab_ba_deadlock_fixed,
        depth=2,
        witness=(0.0, 0.0, 0.040),
    ),
    Program(
        waiting.pulse_lost,
        waiting.pulse_lost_fixed,
        depth=1,
        witness=(0.030,),
    ),
    Program(
        cancellation.cancellation_swallowed,
        cancellation.cancellation_swallowed_fixed,
        depth=1,
        witness=(0.060,),
        needs="coincidence",
    ),
    Program(
        cancellation.cancelled_leader_takes_followers_along,
        cancellation.cancelled_leader_takes_followers_along_fixed,
        depth=2,
        witness=(0.0, 0.0, 0.0, 0.040),
    ),
    Program(
        cancellation.call_retried_after_stop,
        cancellation.call_retried_after_stop_fixed,
        depth=2,
        witness=(0.024, 0.0, 0.0, 0.023),
    ),
    Program(
        cancellation.sibling_effect_survives_failure,
        cancellation.sibling_effect_survives_failure_fixed,
        depth=1,
        witness=(0.035,),
    ),
    Program(
        resources.lease_lost_at_timeout,
        resources.lease_lost_at_timeout_fixed,
        depth=1,
        witness=(0.030,),
        needs="coincidence",
    ),
    Program(
        resources.permit_lost_with_cancelled_waiter,
        resources.permit_lost_with_cancelled_waiter_fixed,
        depth=1,
        witness=(0.0, 0.020),
        needs="coincidence",
    ),
    Program(
        resources.item_lost_at_shutdown,
        resources.item_lost_at_shutdown_fixed,
        depth=1,
        witness=(0.0, 0.0, 0.040),
        needs="coincidence",
    ),
    Program(
        resources.connection_returned_twice,
        resources.connection_returned_twice_fixed,
        depth=3,
        witness=(0.0, 0.0, 0.0, 0.040),
    ),
    Program(
        hedging.both_commit_before_cancel,
        hedging.both_commit_before_cancel_fixed,
        depth=2,
        witness=(0.030, 0.012),
    ),
    Program(
        hedging.effect_lands_after_return,
        hedging.effect_lands_after_return_fixed,
        depth=2,
        witness=(0.034, 0.0, 0.008),
    ),
    Program(
        hedging.loser_overwrites_winner,
        hedging.loser_overwrites_winner_fixed,
        depth=2,
        witness=(0.025,),
    ),
    Program(
        hedging.valid_answer_dropped,
        hedging.valid_answer_dropped_fixed,
        depth=2,
        witness=(0.0, 0.030),
        needs="set order",
    ),
)
