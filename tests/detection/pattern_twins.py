"""Our patterns with one clause broken each, and who has to find it.

The program is the same for both twins: the healthy one runs with our patterns as they are, the
broken one while one method of theirs is replaced by what somebody else might have written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from spectest import oracles
from spectest.patterns import Ranked, invocations, run_ids, seeds
from spectest.patterns.coroutines import _InLoop
from spectest.patterns.invocations import Invocation
from spectest.patterns.pools import InPool
from spectest.patterns.racing import Race
from tests.detection import broken_clauses as broken
from tests.detection import pattern_twin_programs as programs
from tests.detection.broken_clauses import Breach, replaced

__all__ = ["TWINS", "Twin"]

ALWAYS = (oracles.isolation(), oracles.exactly_once(), oracles.log_fidelity())
BY_TIME = (oracles.tie_breaking(compare=()), oracles.cancellation(0.005), *ALWAYS)
"""For programs whose answer depends on time, by a timeout or by what they decide."""
ALL = (oracles.determinism(), oracles.tie_breaking(), oracles.cancellation(0.005), *ALWAYS)
THREADS = (oracles.determinism(), oracles.tie_breaking(), oracles.cancellation(0.060), *ALWAYS)
"""A thread goes when its call has ended."""

SAME = "the answer is another one because the winner is"
BOTH = "what was committed stands in the record, which is compared with that of stock order"


@dataclass(frozen=True)
class Twin:
    """`breach`: in which the program is broken. `oracle`: who says so, and what it may say,
    `findings`. `others`: who says something, too, and why.
    """

    breach: Breach
    program: Callable[[], Any]
    oracle: str
    findings: tuple[str, ...]
    judges: tuple[Any, ...] = ALL
    others: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=lambda: {"stall_s": 0.001})


LOST = ("a loser wrote",)
WINNER = ("another winner",)
OUTLIVED = ("a loser outlived the grace",)
ORPHAN = ("a branch outlived its caller",)
WAITED = ("the answer waited for a loser",)
TWICE = ("a run ID twice",)
TOO = {"determinism": SAME}
PERMITS = (oracles.leads_to("permits are out", "permits are back", within=0.5),)
CAPACITY = (oracles.never("over capacity"),)

TWINS = {
    # The shield.
    "inputs are shared": Twin(
        replaced(invocations, "freeze", broken.unfrozen),
        programs.appends_to_its_inputs,
        "isolation",
        LOST,
    ),
    "inputs are copied at the top only": Twin(
        replaced(invocations, "freeze", broken.shallow),
        programs.appends_to_its_inputs,
        "isolation",
        LOST,
    ),
    "threads share inputs": Twin(
        replaced(invocations, "freeze", broken.unfrozen),
        programs.mutates_in_threads,
        "isolation",
        LOST,
        THREADS,
    ),
    "branches run in the caller's context": Twin(
        broken.in_the_callers_context, programs.sets_a_variable, "isolation", LOST
    ),
    # The stage.
    "losers' effects are committed": Twin(
        broken.commits_for_everybody,
        programs.stages,
        "exactly_once",
        ("a loser's effect",),
        others={"tie_breaking": BOTH},
    ),
    "a slow commit is tried again": Twin(
        replaced(_InLoop, "_commit", broken.commits_again_when_it_takes_long),
        programs.stages,
        "exactly_once",
        ("committed twice",),
        others={"tie_breaking": BOTH},
    ),
    "commits before the decision": Twin(
        broken.commits_at_the_end_of_the_branch,
        programs.stages,
        "exactly_once",
        ("before the decision", "a loser's effect"),
        others={"tie_breaking": BOTH, "isolation": "what a loser commits stays"},
    ),
    "commits after the answer": Twin(
        replaced(_InLoop, "_commit", broken.commits_when_it_has_gone),
        programs.stages,
        "exactly_once",
        ("committed twice",),
    ),
    # The seed chain and the winner.
    "JSON in order of completion": Twin(
        replaced(seeds, "canonical_json", broken.unsorted_json),
        programs.gathers_its_inputs,
        "tie_breaking",
        ("another winner", "another record"),
        others=TOO,
    ),
    "the seed is the clock's": Twin(
        replaced(invocations, "ranking", broken.ranking_of_the_clock),
        programs.asks_before,
        "tie_breaking",
        WINNER,
        others=TOO,
    ),
    "ranked by completion": Twin(
        replaced(Ranked, "winner", broken.ranking_by_completion),
        programs.ranked,
        "tie_breaking",
        WINNER,
        others=TOO,
    ),
    "ranked by completion, threads": Twin(
        replaced(Ranked, "winner", broken.ranking_by_completion),
        programs.in_threads,
        "tie_breaking",
        WINNER,
        THREADS,
        others=TOO,
    ),
    "ranked by completion, processes": Twin(
        replaced(Ranked, "winner", broken.ranking_by_completion),
        programs.in_processes,
        "tie_breaking",
        WINNER,
        THREADS,
        others=TOO,
    ),
    "literal rule under early return": Twin(
        replaced(Ranked, "winner", broken.literal_under_early_return),
        programs.ranked,
        "tie_breaking",
        WINNER,
        others=TOO,
    ),
    "literal rule over two of three": Twin(
        replaced(Ranked, "winner", broken.literal_of_two),
        programs.ranked,
        "tie_breaking",
        WINNER,
        others=TOO,
    ),
    "an invalid answer wins": Twin(
        replaced(Race, "ended", broken.every_answer_is_valid),
        programs.one_answer_is_invalid,
        "tie_breaking",
        ("an invalid answer won",),
    ),
    "an error wins": Twin(
        replaced(Race, "ended", broken.an_error_is_an_answer),
        programs.one_branch_fails,
        "tie_breaking",
        ("an error won",),
    ),
    # Run IDs.
    "run IDs begin again at a restart": Twin(
        replaced(run_ids, "_reserve", broken.starts_at_zero),
        programs.restarts,
        "log_fidelity",
        TWICE,
    ),
    # Timeouts, cancellation and clients.
    "no timeout for one branch": Twin(
        broken.no_timeout_for_the_first,
        programs.has_timeouts,
        "eventually(answered)",
        ("too late", "never true"),
        (*BY_TIME, oracles.eventually("answered", within=0.070)),
    ),
    "the client stays open": Twin(
        replaced(_InLoop, "_close_client", broken.leaves_the_client_open),
        programs.asks_by_a_client,
        "cancellation",
        ORPHAN,
        settings={"leaks": "ignore"},
    ),
    "the answer waits for losers": Twin(
        replaced(_InLoop, "run", broken.waits_for_losers),
        programs.cleans_up_slowly,
        "cancellation",
        WAITED,
    ),
    "the answer waits for losers, threads": Twin(
        replaced(InPool, "_leave", broken.joins_the_watcher),
        programs.in_threads,
        "cancellation",
        WAITED,
        THREADS,
    ),
    "a cancellation is swallowed": Twin(
        replaced(_InLoop, "run", broken.swallows_the_cancellation),
        programs.races_in_a_branch,
        "cancellation",
        ("a loser swallowed its cancellation",),
        BY_TIME,
    ),
    "a cancellation reaches no branch": Twin(
        replaced(Invocation, "abandon", broken.lets_branches_run),
        programs.has_a_deadline,
        "cancellation",
        ORPHAN,
        BY_TIME,
    ),
    "a cancellation reaches all but one": Twin(
        replaced(Invocation, "abandon", broken.asks_all_but_the_last),
        programs.has_a_deadline,
        "cancellation",
        ORPHAN,
        BY_TIME,
    ),
    "a backup is launched after the decision": Twin(
        replaced(_InLoop, "abandon", broken.launches_one_more),
        programs.hedges,
        "cancellation",
        OUTLIVED,
        BY_TIME,
    ),
    "a backup is launched after the cancellation": Twin(
        replaced(_InLoop, "abandon", broken.launches_one_more),
        programs.hedges_with_a_deadline,
        "cancellation",
        ORPHAN,
        BY_TIME,
    ),
    "cancels the future alone": Twin(
        broken.cancels_the_future_alone,
        programs.looks_whether_it_has_lost,
        "cancellation",
        OUTLIVED,
        (oracles.cancellation(0.015), oracles.tie_breaking(compare=()), *ALWAYS),
    ),
    # The limiter.
    "the primary is dropped": Twin(
        broken.everybody_is_speculative,
        programs.shares_a_limiter,
        "determinism",
        ("another result",),
    ),
    "a cancelled branch keeps its permit": Twin(
        replaced(Invocation, "left", broken.keeps_permits_of_the_cancelled),
        programs.counts_permits,
        f"{PERMITS[0].name}",
        ("never followed",),
        (*ALL, *PERMITS, *CAPACITY),
    ),
    "a permit is given back before the end": Twin(
        broken.gives_the_permit_back_when_it_asks,
        programs.counts_permits,
        f"{CAPACITY[0].name}",
        ("was true",),
        (*ALL, *PERMITS, *CAPACITY),
    ),
    # The record.
    "the record says what was meant": Twin(
        replaced(_InLoop, "_leave", broken.records_at_once),
        programs.closes_slowly,
        "log_fidelity",
        ("branch_outcomes is wrong", "branch_latencies_ms is wrong"),
    ),
    "the record takes losers for invalid": Twin(
        replaced(Invocation, "record", broken.records_losers_as_invalid),
        programs.ranked,
        "log_fidelity",
        ("branch_validities is wrong",),
    ),
    "no record of a cancelled call": Twin(
        replaced(_InLoop, "_leave", broken.records_only_answers),
        programs.asks_twice,
        "log_fidelity",
        ("no record",),
        BY_TIME,
    ),
    "late is who is asked to go": Twin(
        broken.notes_who_is_late_when_it_asks,
        programs.fails_at_its_timeout,
        "log_fidelity",
        ("branch_outcomes is wrong",),
        (oracles.tie_breaking(), oracles.cancellation(0.060), *ALWAYS),
    ),
}
