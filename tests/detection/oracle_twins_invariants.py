"""Programs in pairs: one breaks what an oracle promises at some timing, the other at none.

None of the broken ones fails in stock order.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from spectest import oracles, watch
from spectest.oracles import Oracle
from spectest.services import FakeService
from tests.detection import oracle_twins_calls as calls
from tests.detection import oracle_twins_races as races
from tests.detection.oracle_twins_calls import service
from tests.detection.oracle_twins_races import Race

__all__ = ["ALL", "TWINS", "Program", "Twins"]

Program = Callable[[], Any]


@dataclass(frozen=True)
class Twins:
    """`oracle`, `finding`: who finds the broken one, and what.

    `besides`: oracles that rightly say something of it, too.
    """

    broken: Program
    healthy: Program
    oracle: str
    finding: str
    besides: tuple[str, ...] = ()


ALL: list[Oracle] = [
    oracles.determinism(),
    oracles.log_fidelity(),
    oracles.exactly_once(),
    oracles.linearizable(calls.Counter, of="counter"),
    oracles.linearizable(calls.Shelf, of="shelf"),
    oracles.linearizable(calls.Register, of="register"),
    oracles.always("books balance"),
    oracles.never("two leaders"),
    oracles.eventually("answered"),
    oracles.leads_to("requested", "served", within=0.150),
]


# The result depends on who is first.


async def in_order_of_completion() -> list[str]:
    calls = [service("a", 0.010, 0.040)(), service("b", 0.020, 0.060)()]
    return [await one for one in asyncio.as_completed(calls)]


async def in_order_of_calls() -> list[str]:
    return list(await asyncio.gather(service("a", 0.010, 0.040)(), service("b", 0.020, 0.060)()))


def ask(name: str, low: float, high: float) -> str:
    answer: str = service(name, low, high).blocking()
    return answer


def pool_in_order_of_completion() -> list[str]:
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(ask, "a", 0.010, 0.040), pool.submit(ask, "b", 0.020, 0.060)]
        return [job.result() for job in as_completed(jobs)]


def pool_in_order_of_calls() -> list[str]:
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(ask, "a", 0.010, 0.040), pool.submit(ask, "b", 0.020, 0.060)]
        return [job.result() for job in jobs]


async def notes_who_was_first() -> str:
    watch.note("first", (await in_order_of_completion())[0])
    return "done"


async def notes_what_was_asked_first() -> str:
    watch.note("first", (await in_order_of_calls())[0])
    return "done"


# Records and commits.


def race(kind: type[Race]) -> Program:
    async def program() -> str:
        return await kind().run()

    return program


honest_race = race(Race)


async def two_races(run_ids: Callable[[], Any]) -> None:
    async def one(wait: FakeService) -> None:
        await wait()
        await Race(await run_ids()).run()

    await asyncio.gather(one(service("early", 0.0, 0.040)), one(service("late", 0.040, 0.200)))


async def run_ids_that_are_read_and_written() -> None:
    last = 0

    async def next_id() -> str:
        nonlocal last
        number = last + 1
        await service("store", 0.010, 0.080)()
        last = number
        return f"worker/{number}"

    await two_races(next_id)


async def run_ids_under_a_lock() -> None:
    last = 0
    lock = asyncio.Lock()

    async def next_id() -> str:
        nonlocal last
        async with lock:
            number = last + 1
            await service("store", 0.010, 0.080)()
            last = number
            return f"worker/{number}"

    await two_races(next_id)


# Facts.


async def transfer(*, at_once: bool) -> None:
    accounts = {"a": 10, "b": 0}
    watch.fact("books balance", lambda: sum(accounts.values()) == 10)
    ledger = FakeService("ledger", latency=(0.010, 0.020))
    queue = 0

    async def move(low: float, high: float) -> None:
        nonlocal queue
        await service("request", low, high)()
        queue += 1
        accounts["a"] -= 1
        if queue > 1 and not at_once:  # The ledger is only asked when others are waiting.
            await ledger()
        accounts["b"] += 1
        await ledger()
        queue -= 1

    await asyncio.gather(move(0.0, 0.030), move(0.025, 0.090))


async def awaits_between_debit_and_credit() -> None:
    await transfer(at_once=False)


async def debits_and_credits_at_once() -> None:
    await transfer(at_once=True)


def elect(*, at_once: bool) -> None:
    leaders: list[str] = []
    lock = threading.Lock()
    watch.fact("two leaders", lambda: len(leaders) > 1)

    def candidate(name: str) -> None:
        with lock:
            free = not leaders
            if free and at_once:
                leaders.append(name)
        if free and not at_once:
            with lock:
                leaders.append(name)

    threads = [threading.Thread(target=candidate, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def looks_then_leads() -> None:
    elect(at_once=False)


def looks_and_leads_under_one_lock() -> None:
    elect(at_once=True)


async def answer(*, fallback: bool) -> None:
    answers: list[str] = []
    watch.fact("answered", lambda: bool(answers))
    try:
        async with asyncio.timeout(0.050):
            answers.append(await service("llm", 0.010, 0.080)())
    except TimeoutError:
        if fallback:
            answers.append("no answer")


async def gives_up_in_silence() -> None:
    await answer(fallback=False)


async def gives_up_and_says_so() -> None:
    await answer(fallback=True)


def serve(*, patience: float) -> None:
    """A request is served when a slow neighbour lets go of the lock, or after some patience."""
    requested, served = threading.Event(), threading.Event()
    watch.fact("requested", requested.is_set)
    watch.fact("served", served.is_set)
    lock = threading.Lock()

    def neighbour() -> None:
        with lock:
            FakeService("batch", latency=(0.020, 0.240)).blocking()

    other = threading.Thread(target=neighbour)
    other.start()
    time.sleep(0.010)
    requested.set()
    mine = lock.acquire(timeout=patience)
    served.set()
    if mine:
        lock.release()
    other.join()


def waits_for_the_neighbour() -> None:
    serve(patience=1.0)


def waits_with_patience() -> None:
    serve(patience=0.050)


TWINS = {
    "result in order of completion": Twins(
        in_order_of_completion, in_order_of_calls, "determinism", "another result"
    ),
    "result in order of completion of jobs": Twins(
        pool_in_order_of_completion, pool_in_order_of_calls, "determinism", "another result"
    ),
    "note of who was first": Twins(
        notes_who_was_first, notes_what_was_asked_first, "determinism", "another 'first'"
    ),
    "record of another winner": Twins(
        race(races.FirstToEndIsRecorded),
        honest_race,
        "log_fidelity",
        "winning_branch_index is wrong",
    ),
    "record of latencies at other places": Twins(
        race(races.LatenciesInOrderOfCompletion),
        honest_race,
        "log_fidelity",
        "branch_latencies_ms is wrong",
    ),
    "record of an outcome that was meant": Twins(
        race(races.LoserIsRecordedAsCancelled),
        honest_race,
        "log_fidelity",
        "branch_outcomes is wrong",
    ),
    "no record": Twins(
        race(races.NoRecordWithoutCancellation), honest_race, "log_fidelity", "no record"
    ),
    "two records": Twins(
        race(races.RecordAlsoByTheLoser), honest_race, "log_fidelity", "two records"
    ),
    "a run ID twice": Twins(
        run_ids_that_are_read_and_written, run_ids_under_a_lock, "log_fidelity", "a run ID twice"
    ),
    "commit before the decision": Twins(
        race(races.CommitsInTheBranch),
        honest_race,
        "exactly_once",
        "before the decision",
    ),
    "commit of a loser": Twins(
        race(races.CommitsForWhoeverHasAnAnswer), honest_race, "exactly_once", "a loser's effect"
    ),
    "commit once more after a timeout": Twins(
        race(races.CommitsAgainAfterATimeout),
        race(races.CommitsAgainUntilItIsDone),
        "exactly_once",
        "committed twice",
        besides=("log_fidelity",),  # Its record says once, and the trace shows it twice.
    ),
    "lost update": Twins(
        calls.loses_an_update,
        calls.counts_under_a_lock,
        "linearizable(counter)",
        "no order explains it",
    ),
    "check, then act": Twins(
        calls.checks_then_acts,
        calls.checks_and_acts_under_one_lock,
        "linearizable(shelf)",
        "no order explains it",
    ),
    "stale read": Twins(
        calls.keeps_what_was_read_before_a_write,
        calls.keeps_only_what_is_still_true,
        "linearizable(register)",
        "no order explains it",
    ),
    "an await in the middle": Twins(
        awaits_between_debit_and_credit,
        debits_and_credits_at_once,
        "always(books balance)",
        "was false",
    ),
    "two leaders": Twins(
        looks_then_leads, looks_and_leads_under_one_lock, "never(two leaders)", "was true"
    ),
    "never answered": Twins(
        gives_up_in_silence, gives_up_and_says_so, "eventually(answered)", "never true"
    ),
    "served too late": Twins(
        waits_for_the_neighbour,
        waits_with_patience,
        "leads_to(requested, served)",
        "too late",
    ),
}
