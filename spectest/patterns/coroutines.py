"""Speculation with coroutines: several branches on one event loop, one answer.

The caller's task decides; branches are tasks that tell it when they end. Losers are cancelled at
the decision and nobody waits for them: what is left to do, to see them go, to close their clients
and to write the record, is done by callbacks of the loop, within `grace`, without a task of its
own.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from spectest.patterns.accounts import Account
from spectest.patterns.branches import Branch
from spectest.patterns.clients import closing_of
from spectest.patterns.decisions import Decision, Ranked
from spectest.patterns.invocations import LOGGER, Answer, Invocation, ServedAttempt, Terms
from spectest.patterns.limiting import Limiter
from spectest.patterns.policies import EagerRace, Policy
from spectest.patterns.run_ids import RunId
from spectest.patterns.serving import SERVING
from spectest.patterns.staging import commit_async, staging
from spectest.patterns.telling import tell_attempt, telling

__all__ = ["settled", "speculate"]

T = TypeVar("T")
_EAGER_RACE = EagerRace()
_RANKED = Ranked()


async def speculate(
    branches: Sequence[Branch[Awaitable[T]]],
    inputs: object,
    policy: Policy = _EAGER_RACE,
    *,
    run_id: RunId | str,
    decision: Decision = _RANKED,
    limiter: Limiter | None = None,
    grace: float = 1.0,
    sample: float = 0.1,
) -> Answer[T]:
    """Run branches as the policy says and return the valid answer that the decision picks.

    Each branch gets its own frozen copy of `inputs`, a JSON value, and its own context. What it
    staged is committed for the winner only, before this returns. Losers are cancelled and not
    waited for; who has not gone after `grace` seconds is named in the record and in a warning.
    `limiter` may drop speculative branches; `sample` is the share of invocations whose record is
    written.

    If the caller is cancelled, every branch is cancelled and `CancelledError` is raised at once; a
    commit that has begun is finished first. To wait until everything has ended: `settled()`.

    `AllBranchesFailed` if there is no valid answer; `CanonicalError`, `ValueError` or `TypeError`
    for inputs and arguments that make no sense, before anything is launched.
    """
    terms = Terms(policy, run_id, decision, limiter, grace, sample)
    return await _InLoop[T](branches, inputs, terms).run()


async def settled() -> None:
    """Wait for what calls on this loop left when they returned: it has gone, or its grace is over.

    That is losers, clients that are being closed, and records, which have been written then. To be
    awaited before what branches share is closed, and at the end of a program whose branches have
    clients: the end of `asyncio.run` interrupts their closing.
    """
    loop = asyncio.get_running_loop()
    for invocation in list(_UNSETTLED.values()):
        if invocation.loop is loop:
            await invocation.settled()


_UNSETTLED: WeakValueDictionary[object, _InLoop[Any]] = WeakValueDictionary()
"""Those whose record is to be written. Their loop keeps them alive, by a timer or a callback."""

_STUCK: set[asyncio.Task[None]] = set()
"""Tasks that did not go within their grace: a loop refers to its tasks only weakly."""


class _InLoop(Invocation[T]):
    def __init__(self, branches: Sequence[Branch[Any]], inputs: object, terms: Terms) -> None:
        super().__init__(branches, inputs, terms)
        self.loop = asyncio.get_running_loop()
        self._began = self.loop.time()
        self._tasks: dict[Account, asyncio.Task[None]] = {}
        self._closers: set[asyncio.Task[None]] = set()
        self._timers: list[asyncio.TimerHandle] = []
        self._waiter: asyncio.Future[bool] | None = None
        self._settlers: list[asyncio.Future[None]] = []
        self._answered = False
        self._closed = False

    # In the caller's task.

    async def run(self) -> Answer[T]:
        try:
            self.begin()
            while not self.race.over:
                self.proceed(rang=await self._woken())
            if self.winner is None:
                raise self.all_failed()
            await self._commit(self.winner)
            return self.answer(self.winner)
        finally:
            if not self.loop.is_closed():
                self.abandon()
                self._leave()
                self.tell_leave()

    def now(self) -> float:
        return self.loop.time() - self._began

    def happened(self, account: Account, ending: Any) -> None:
        super().happened(account, ending)
        self._wake(False)

    async def _woken(self) -> bool:
        """Wait until something happens or, then True, the alarm rings."""
        if self._events:
            return False
        self._waiter = self.loop.create_future()
        alarm = self.race.alarm
        timer = None if alarm is None else self.loop.call_at(self._began + alarm, self._wake, True)
        try:
            return await self._waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    def _wake(self, rang: bool) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(rang)

    async def _commit(self, winner: Account) -> None:
        """Call what the winner staged. Once begun it is finished; a cancellation comes after."""
        if not winner.kept.effects:
            return None
        commit = self.loop.create_task(self._effects(winner), name="speculate: commit")
        cancellation: asyncio.CancelledError | None = None
        while not commit.done():
            try:
                await asyncio.wait([commit])
            except asyncio.CancelledError as error:
                cancellation = cancellation or error
        if cancellation is None:
            return commit.result()
        if not commit.cancelled() and (failed := commit.exception()) is not None:
            LOGGER.error("run %s: a commit failed: %s", self.terms.run_id, failed)
            raise cancellation from failed
        raise cancellation

    async def _effects(self, winner: Account) -> None:
        await commit_async(winner.kept, functools.partial(self.committing, winner))

    def _leave(self) -> None:
        """The caller goes; what is left to do is done by callbacks."""
        self._answered = True
        key = object()
        _UNSETTLED[key] = self
        if self._all_gone():
            self.loop.call_soon(self._finish)
        else:
            self._timers.append(self.loop.call_later(self.terms.grace, self._finish))

    # In the branch's task.

    def launch(self, account: Account) -> None:
        attempt = self._attempt(account)
        try:
            task = self.loop.create_task(
                attempt,
                name=f"speculate: {account.branch.name}",
                context=contextvars.copy_context(),
            )
        except BaseException:
            attempt.close()
            raise
        self._tasks[account] = task
        task.add_done_callback(lambda task: self._gone(account, task))

    async def _attempt(self, account: Account) -> None:
        SERVING.set(ServedAttempt(self, account))
        if telling():
            tell_attempt(account, account.branch.name, self)
        try:
            with staging(account.branch.name) as account.stage:
                value, valid = await self._called(account)
        except asyncio.CancelledError as error:
            requested = _cancellation_requested()
            if requested and not account.because:
                account.because = "cancelled"
            self._end(account, error=error)
            if requested:
                raise
        except Exception as error:  # noqa: BLE001 - the caller gets it, if all fail
            self._end(account, error=error)
        except BaseException as error:
            self._end(account, error=error)
            raise
        else:
            self._end(account, value=value, valid=valid)
        finally:
            await self._close_client(account)

    async def _called(self, account: Account) -> tuple[Any, bool]:
        branch, inputs = account.branch, self.inputs_of(account)
        arguments: tuple[Any, ...] = (inputs,)
        if branch.client is not None:
            client = branch.client()
            account.client = await client if inspect.isawaitable(client) else client
            closing_of(account.client, branch.name, asynchronous=True)
            arguments = (inputs, account.client)
        answer = branch.call(*arguments)
        if not inspect.isawaitable(answer):
            raise TypeError(
                f"branch {branch.name!r} returned {type(answer).__name__}, which nobody can await: "
                "pass a coroutine function, or run plain functions with patterns.threads.speculate"
            )
        value = await answer
        return value, branch.valid is None or bool(branch.valid(value))

    def _end(self, account: Account, **how: Any) -> None:
        ending = account.end(self.now(), **how)
        if telling():
            account.tell_end(self)
        if account.client is None:
            self.left(account)
        self.happened(account, ending)

    async def _close_client(self, account: Account) -> None:
        client, account.client = account.client, None
        if client is None:
            return
        try:
            closed = closing_of(client, account.branch.name, asynchronous=True)()
            if inspect.isawaitable(closed):
                await closed
        except asyncio.CancelledError as error:
            self.closing_failed(account, error)
            raise
        except Exception as error:  # noqa: BLE001 - the answer counts, whatever closing says
            self.closing_failed(account, error)

    # In callbacks of the loop.

    def cancel(self, account: Account) -> None:
        self._tasks[account].cancel()
        if account.branch.client is not None:
            half = self.terms.grace / 2
            self._timers.append(self.loop.call_later(half, self._force, account))

    def _force(self, account: Account) -> None:
        """The branch has not gone: close its client under it."""
        if account.client is not None:
            closer = self.loop.create_task(self._close_client(account), name="speculate: close")
            self._closers.add(closer)
            closer.add_done_callback(self._closer_gone)

    def _closer_gone(self, closer: asyncio.Task[None]) -> None:
        self._closers.discard(closer)
        self._perhaps_finish()

    def _gone(self, account: Account, task: asyncio.Task[None]) -> None:
        if account.ended is None:  # cancelled before its first step
            account.because = account.because or "cancelled"
            ending = account.end(self.now(), error=asyncio.CancelledError())
            self.happened(account, ending)
        if not task.cancelled():
            task.exception()
        if account.gone is None:
            self.left(account)
        self._perhaps_finish()

    def _all_gone(self) -> bool:
        return not self._closers and not any(account.running for account in self.accounts)

    def _perhaps_finish(self) -> None:
        if self._answered and self._all_gone():
            self._finish()

    def _finish(self) -> None:
        if self._closed:
            return
        self._closed = True
        for timer in self._timers:
            timer.cancel()
        for task in [*self._tasks.values(), *self._closers]:
            if not task.done():
                _STUCK.add(task)
                task.add_done_callback(_STUCK.discard)
        self._tasks.clear()  # their contexts refer to this: no cycle is left to the collector
        try:
            self.close()
        finally:
            for settler in self._settlers:
                if not settler.done():
                    settler.set_result(None)

    async def settled(self) -> None:
        """Wait until the record has been written."""
        if not self._closed:
            settler = self.loop.create_future()
            self._settlers.append(settler)
            await settler


def _cancellation_requested() -> bool:
    """Whether the branch was cancelled, and did not just raise what a cancelled task raises."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
