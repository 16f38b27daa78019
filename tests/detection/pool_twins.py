"""Programs around pools, in pairs: one breaks at some timings, the other at none.

None of the broken ones fails in stock order.
"""

import multiprocessing
import sys
import time
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from typing import Any

from spectest.executors import VirtualProcessPool, VirtualThreadPool

FORK = multiprocessing.get_context("fork")


def rules() -> str:
    return "approve"


def llm() -> str:
    return "block"


def double(number: int) -> int:
    return 2 * number


def poison() -> None:
    pass


# A worker hangs, and somebody waits for it.


def answer(patience: float | None) -> str:
    pool = VirtualThreadPool(
        2, hangs=llm, latency=lambda job: (0.1, 0.2, 0.4) if job.name == "rules" else None
    )
    quick, good = pool.submit(rules), pool.submit(llm)
    try:
        return quick.result(timeout=0.3)
    except TimeoutError:
        pass
    try:
        return good.result(timeout=patience)
    except TimeoutError:
        return "ask a person"


falls_back_without_a_timeout = partial(answer, None)
falls_back_with_a_timeout = partial(answer, 1.0)


def leaves_the_block(patience: float) -> str:
    """The pool is left in time only if nobody was asked who hangs."""
    latency = {"rules": (0.1, 0.2, 0.4)}
    with VirtualThreadPool(2, hangs="llm", latency=lambda job: latency.get(job.name)) as pool:
        quick = pool.submit(rules)
        try:
            return quick.result(timeout=patience)
        except TimeoutError:
            pool.submit(llm)
            return "ask a person"


asks_another_and_leaves_the_block = partial(leaves_the_block, 0.3)
is_patient_and_leaves_the_block = partial(leaves_the_block, 0.6)


# A cancellation comes too late.


def order_and_cancel(believe: bool) -> None:
    """The customer cancels after 300 ms; the check takes 350 ms, and then the card is charged."""
    charged: list[int] = []
    refunded: list[int] = []
    with VirtualThreadPool(
        1, latency=lambda job: (0.2, 0.35, 0.5) if job.name == "rules" else 0.05
    ) as pool:
        pool.submit(rules)
        payment: Future[Any] = pool.submit(charged.append, 30)
        time.sleep(0.3)
        if not payment.cancel() and not believe:
            payment.result()
            refunded.append(30)
    assert charged == refunded, "charged for an order that was cancelled"


believes_that_it_was_in_time = partial(order_and_cancel, believe=True)
looks_whether_it_was_in_time = partial(order_and_cancel, believe=False)


def cancel_at_once(believe: bool) -> None:
    """A free worker may take up the job before it is cancelled."""
    called: list[int] = []
    with VirtualThreadPool(1, latency=0.1) as pool:
        pool.submit(rules).result()
        job = pool.submit(called.append, 1)
        if not job.cancel() and not believe:
            job.result()
            called.clear()
    assert not called, "what was cancelled has been done"


believes_that_nothing_happened = partial(cancel_at_once, believe=True)
cleans_up_what_happened = partial(cancel_at_once, believe=False)


# A child dies, and the pool with it.


def double_all(careful: bool) -> list[int]:
    """A job dies after about 350 ms, when everything has usually been submitted."""
    numbers = range(4)
    latency = {"poison": (0.1, 0.35, 0.6)}
    with VirtualProcessPool(
        2, FORK, dies="poison", latency=lambda job: latency.get(job.name, 0.01)
    ) as pool:
        pool.submit(poison)
        futures: list[Future[int]] = []
        with suppress(BrokenProcessPool if careful else LookupError):
            for number in numbers:
                time.sleep(0.05)
                futures.append(pool.submit(double, number))
        done: list[int] = []
        with suppress(BrokenProcessPool):
            done.extend(future.result(timeout=5) for future in futures)
    return done + [double(number) for number in numbers[len(done) :]]


def expects_death_only_of_results() -> None:
    assert double_all(careful=False) == [0, 2, 4, 6]


def expects_death_everywhere() -> None:
    assert double_all(careful=True) == [0, 2, 4, 6]


def count_answers(careful: bool) -> None:
    """Whatever has no result when the pool breaks is lost, and must be asked again."""
    with VirtualProcessPool(
        2,
        FORK,
        dies="poison",
        latency=lambda job: 0.3 if job.name == "poison" else (0.1, 0.2, 0.5),
    ) as pool:
        deadly, useful = pool.submit(poison), pool.submit(double, 21)
        assert isinstance(deadly.exception(), BrokenProcessPool)
        try:
            result = useful.result()
        except BrokenProcessPool:
            if not careful:
                raise
            result = double(21)
    assert result == 42


thinks_only_one_job_dies = partial(count_answers, careful=False)
asks_again_after_a_death = partial(count_answers, careful=True)

BROKEN = [
    (falls_back_without_a_timeout, "Deadlock"),
    (asks_another_and_leaves_the_block, "Deadlock"),
    (believes_that_it_was_in_time, "AssertionError"),
    (believes_that_nothing_happened, "AssertionError"),
    (expects_death_only_of_results, "BrokenProcessPool|TimeoutError|ThreadFailure"),
    (thinks_only_one_job_dies, "BrokenProcessPool"),
]
HEALTHY = [
    falls_back_with_a_timeout,
    is_patient_and_leaves_the_block,
    looks_whether_it_was_in_time,
    cleans_up_what_happened,
    asks_again_after_a_death,
]

# Before 3.12.1 CPython's pool does not lock itself while it breaks. A job that is submitted in that
# moment is forgotten, or makes the thread fail that manages the pool (python/cpython#110126).
if sys.version_info < (3, 12, 1):
    BROKEN.append((expects_death_everywhere, "TimeoutError|ThreadFailure"))
else:
    HEALTHY.append(expects_death_everywhere)
