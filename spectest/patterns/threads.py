"""Speculation with plain functions on a thread pool; names and meaning are those of coroutines.

Nobody can stop a thread. A loser that waits in the pool's queue is taken out of it; one that runs
is told by `cancelled()`, if it asks, and its client is closed under it, which ends most blocking
calls. Whoever goes on nevertheless is named in the record and keeps its permit of the limiter and
its worker: size the pool for that. A timeout counts from the launch, with the time in the queue.
"""

from __future__ import annotations

import contextvars
import inspect
import sys
from collections.abc import Sequence
from concurrent.futures import CancelledError, Executor, Future
from typing import Any, TypeVar

from spectest.patterns.accounts import Account
from spectest.patterns.branches import Branch
from spectest.patterns.clients import closing_of
from spectest.patterns.decisions import Decision, Ranked
from spectest.patterns.invocations import Answer, ServedAttempt, Terms
from spectest.patterns.limiting import Limiter
from spectest.patterns.policies import EagerRace, Policy
from spectest.patterns.pools import InPool, check_executor, settled
from spectest.patterns.run_ids import RunId
from spectest.patterns.serving import SERVING
from spectest.patterns.staging import staging
from spectest.patterns.telling import tell_attempt, telling

__all__ = ["settled", "speculate"]

T = TypeVar("T")
_EAGER_RACE = EagerRace()
_RANKED = Ranked()


def speculate(
    branches: Sequence[Branch[T]],
    inputs: object,
    policy: Policy = _EAGER_RACE,
    *,
    executor: Executor,
    run_id: RunId | str,
    decision: Decision = _RANKED,
    limiter: Limiter | None = None,
    grace: float = 1.0,
    sample: float = 0.1,
) -> Answer[T]:
    """Run branches on a thread pool and return the valid answer that the decision picks.

    Arguments, answer and errors are those of `patterns.speculate`; branches are plain functions. It
    does not wait for losers, and neither must the code around it: leaving the `with` block of a
    pool does. To be called from outside the pool, which it would wait for if it were in it.
    """
    for one in branches:
        if inspect.iscoroutinefunction(getattr(one, "call", None)):
            raise TypeError(
                f"branch {one.name!r}: call is a coroutine function, and threads run plain ones; "
                "pass a plain function, or await patterns.speculate"
            )
    check_executor(executor)
    processes = sys.modules.get("concurrent.futures.process")
    if processes is not None and isinstance(executor, processes.ProcessPoolExecutor):
        raise TypeError("executor runs processes; use patterns.processes.speculate")
    terms = Terms(policy, run_id, decision, limiter, grace, sample)
    return _InThreads[T](branches, inputs, terms, executor).run()


class _InThreads(InPool[T]):
    # In the calling thread.

    def submitted(self, account: Account) -> Future[Any]:
        return self.executor.submit(contextvars.copy_context().run, self._attempt, account)

    def cancel(self, account: Account) -> None:
        super().cancel(account)
        with self._changed:
            client, account.client = account.client, None
        if client is not None:
            self.closing(lambda: self._close_client(account, client))

    # In a worker.

    def _attempt(self, account: Account) -> None:
        if account.asked is not None:
            self.end(account, error=CancelledError(), tell=False)
            return
        SERVING.set(ServedAttempt(self, account))
        if telling():
            tell_attempt(account, account.branch.name, self)
        try:
            with staging(account.branch.name, plain=True) as account.stage:
                value, valid = self._called(account)
        except BaseException as error:  # noqa: BLE001 - a worker has nobody to raise it to
            self.end(account, error=error)
        else:
            self.end(account, value=value, valid=valid)
        with self._changed:
            client, account.client = account.client, None
        if client is not None:
            self.announce(account)
            self._close_client(account, client)

    def _called(self, account: Account) -> tuple[Any, bool]:
        branch, inputs = account.branch, self.inputs_of(account)
        arguments: tuple[Any, ...] = (inputs,)
        if branch.client is not None:
            client = branch.client()
            closing_of(client, branch.name, asynchronous=False)
            with self._changed:
                account.client = client
            if account.asked is not None:
                raise CancelledError
            arguments = (inputs, client)
        value = branch.call(*arguments)
        if inspect.isawaitable(value):
            if inspect.iscoroutine(value):
                value.close()
            raise TypeError(f"branch {branch.name!r} returned an awaitable; threads run plain code")
        return value, branch.valid is None or bool(branch.valid(value))

    def _close_client(self, account: Account, client: Any) -> None:
        try:
            closing_of(client, account.branch.name, asynchronous=False)()
        except Exception as error:  # noqa: BLE001 - the answer counts, whatever closing says
            self.closing_failed(account, error)

    def concluded(self, account: Account, future: Future[Any]) -> None:
        if account.ended is None:
            error = CancelledError() if future.cancelled() else future.exception()
            self.end(account, error=error or CancelledError(), tell=False)
