"""The clauses of our patterns, each as somebody else would write it, and wrong.

Each function takes the place of one method while a twin is judged; everything else of the pattern
stays as it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import time
from collections.abc import Callable, Iterator
from contextvars import Context, ContextVar
from types import SimpleNamespace
from typing import Any
from unittest import mock

from spectest.patterns import (
    FirstValid,
    coroutines,
    threads,
)
from spectest.patterns.accounts import Account
from spectest.patterns.coroutines import _InLoop
from spectest.patterns.decisions import picked
from spectest.patterns.invocations import Invocation, ServedAttempt
from spectest.patterns.pools import InPool
from spectest.patterns.racing import Race
from spectest.patterns.telling import tell_cancel
from spectest.patterns.threads import _InThreads

__all__ = ["Breach", "replaced"]

Breach = Callable[[], contextlib.AbstractContextManager[object]]


def replaced(owner: Any, name: str, broken: Any) -> Breach:
    """While it lasts, `broken` stands where `owner.name` stood."""
    return lambda: mock.patch.object(owner, name, broken)


# The shield.


def unfrozen(value: Any, owner: str) -> Any:
    return value


def shallow(value: Any, owner: str) -> Any:
    return dict(value)


HOME: ContextVar[Context] = ContextVar("home")


def in_the_callers_context() -> contextlib.AbstractContextManager[object]:
    return mock.patch.object(
        coroutines, "contextvars", SimpleNamespace(copy_context=lambda: HOME.get())
    )


# The stage.


@contextlib.contextmanager
def commits_for_everybody() -> Iterator[None]:
    """Nothing is dropped, and all of it is called."""

    async def commits(self: Any, winner: Account) -> None:
        for account in (winner, *(it for it in self.accounts if it is not winner)):
            for effect in account.stage.effects if account.stage is not None else ():
                self.committing(account, effect)
                await effect.call()

    with (
        mock.patch.object(_InLoop, "_commit", commits),
        mock.patch.object(Invocation, "_drop_stages", return_value=None),
    ):
        yield


async def commits_again_when_it_takes_long(self: Any, winner: Account) -> None:
    for effect in winner.kept.effects:
        for patience in (0.020, None):
            self.committing(winner, effect)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(effect.call(), patience)
                break


async def commits_nothing(self: Any, winner: Account) -> None:
    """It is done already, by `commits_at_the_end_of_the_branch`."""


async def commits_when_it_has_gone(self: Any, winner: Account) -> None:
    """The effects are called by a task of their own, and the answer does not wait for them."""
    self._later = [asyncio.create_task(effect.call()) for effect in winner.kept.effects]
    for effect in winner.kept.effects:
        self.loop.call_later(0.005, self.committing, winner, effect)


@contextlib.contextmanager
def commits_at_the_end_of_the_branch() -> Iterator[None]:
    called = _InLoop._called

    async def calls_and_commits(self: Any, account: Account) -> Any:
        answer = await called(self, account)
        for effect in account.stage.effects if account.stage is not None else ():
            self.committing(account, effect)
            await effect.call()
        return answer

    with (
        mock.patch.object(_InLoop, "_called", calls_and_commits),
        mock.patch.object(_InLoop, "_commit", commits_nothing),
    ):
        yield


# The seed chain and the winner.


def unsorted_json(inputs: Any) -> bytes:
    return json.dumps(inputs).encode()


def seed_of_the_clock(digest: bytes) -> int:
    return time.time_ns() // 10_000_000


def ranking_of_the_clock(digest: bytes, count: int) -> tuple[int, ...]:
    first = seed_of_the_clock(digest) % count
    return tuple((first + place) % count for place in range(count))


def ranking_by_completion(self: Any, situation: Any) -> int | None:
    return FirstValid().winner(situation)


def literal_under_early_return(self: Any, situation: Any) -> int | None:
    return picked(situation, "literal")


def literal_of_two(self: Any, situation: Any) -> int | None:
    """Two answers are enough to choose from."""
    enough = len(situation.having("valid")) >= 2 or not situation.having("running")
    return picked(situation, "literal") if enough else None


def every_answer_is_valid(self: Race, index: int, state: Any, at: float) -> None:
    ENDED(self, index, "valid" if state == "invalid" else state, at)


def an_error_is_an_answer(self: Race, index: int, state: Any, at: float) -> None:
    ENDED(self, index, "valid", at)


ENDED = Race.ended


# Run IDs.


def starts_at_zero(directory: Any) -> tuple[str, int]:
    return "worker", 0


# Timeouts, cancellation and clients.


@contextlib.contextmanager
def no_timeout_for_the_first() -> Iterator[None]:
    made = Race.__init__

    def forgets_one(self: Race, *args: Any, timeouts: Any, **keywords: Any) -> None:
        made(self, *args, timeouts=[None, *timeouts[1:]], **keywords)

    with mock.patch.object(Race, "__init__", forgets_one):
        yield


async def leaves_the_client_open(self: Any, account: Account) -> None:
    account.client = None


@contextlib.contextmanager
def cancels_the_future_alone() -> Iterator[None]:
    def cancels(self: Any, account: Account) -> None:
        self._futures[account].cancel()

    with (
        mock.patch.object(_InThreads, "cancel", cancels),
        mock.patch.object(ServedAttempt, "cancelled", return_value=False),
    ):
        yield


async def waits_for_losers(self: Any) -> Any:
    """An answer when everybody has gone."""
    try:
        self.begin()
        while not self.race.over:
            self.proceed(rang=await self._woken())
        await asyncio.wait(self._tasks.values())
        return self.answer(self.winner)
    finally:
        self.abandon()
        self._leave()
        self.tell_leave()


def joins_the_watcher(self: Any) -> None:
    LEAVES_POOL(self)
    threads.settled()


async def swallows_the_cancellation(self: Any) -> Any:
    """Cancelled, it gives what it has."""
    try:
        self.begin()
        while not self.race.over:
            self.proceed(rang=await self._woken())
        return self.answer(self.winner)
    except asyncio.CancelledError:
        return None
    finally:
        self.abandon()
        self._leave()
        self.tell_leave()


def lets_branches_run(self: Any) -> None:
    self.race.over = True


def asks_all_but_the_last(self: Any) -> None:
    """Goes through a list from which it removes."""
    self.race.over = True
    for account in self.accounts[:-1]:
        if account.running and account.ended is None and account.asked is None:
            self._ask_to_go(account, "cancelled")


def launches_one_more(self: Any) -> None:
    """A timer of the hedge that nobody has stopped."""
    ABANDONS(self)
    for account in self.accounts:
        if account.launched is None and not account.dropped:
            late = functools.partial(self._launch, account, self.now(), speculative=True)
            self.loop.call_later(0.005, late)


ABANDONS = Invocation.abandon
LEAVES = _InLoop._leave
LEAVES_POOL = InPool._leave


# The limiter.


@contextlib.contextmanager
def everybody_is_speculative() -> Iterator[None]:
    launch = Invocation._launch

    def launches(self: Any, account: Account, now: float, *, speculative: bool) -> Any:
        return launch(self, account, now, speculative=True)

    with mock.patch.object(Invocation, "_launch", launches):
        yield


def keeps_permits_of_the_cancelled(self: Any, account: Account) -> None:
    account.gone = self.now()
    if account.permit and account.because != "cancelled":
        account.permit = False
        self.terms.limiter.release()


@contextlib.contextmanager
def gives_the_permit_back_when_it_asks() -> Iterator[None]:
    asks = Invocation._ask_to_go

    def releases(self: Any, account: Account, because: str) -> None:
        if account.permit:
            account.permit = False
            self.terms.limiter.release()
        asks(self, account, because)

    with mock.patch.object(Invocation, "_ask_to_go", releases):
        yield


# The record.


def records_at_once(self: Any) -> None:
    """Whoever has been cancelled will have gone, will he not?"""
    for account in self.accounts:
        if account.launched is not None and account.ended is None:
            account.ended, account.because = self.now(), "cancelled"
    self._finish()
    LEAVES(self)


def records_losers_as_invalid(self: Any) -> Any:
    record = RECORD(self)
    validities = (bool(it) for it in record.branch_validities)
    return type(record)(**{**vars_of(record), "branch_validities": tuple(validities)})


def vars_of(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def records_only_answers(self: Any) -> None:
    if self.winner is not None:
        LEAVES(self)


@contextlib.contextmanager
def notes_who_is_late_when_it_asks() -> Iterator[None]:
    """Attempts may end between what the race says and what is made of it."""

    def asks(self: Any, account: Account, because: str) -> None:
        if account.gone is None:
            account.asked, account.because = self.now(), because
            tell_cancel(account, account.branch.name)
            self.cancel(account)

    with (
        mock.patch.object(InPool, "standing_still", return_value=contextlib.nullcontext()),
        mock.patch.object(
            Invocation, "_next", lambda self, now, rang=False: self.race.actions(now, rang=rang)
        ),
        mock.patch.object(Invocation, "_ask_to_go", asks),
    ):
        yield


RECORD = Invocation.record
