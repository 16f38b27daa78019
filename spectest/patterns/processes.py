"""Speculation with plain functions on a process pool; names and meaning are those of threads.

Functions, inputs, answers and staged effects are pickled on their way; effects are called in the
process of the caller. A branch is frozen out of its caller's objects by the process border alone,
and its inputs are frozen there, too. A loser in the pool's queue is taken out of it; one that runs
goes on to its end, because a pool cannot stop a worker: it keeps its permit and is named in the
record. `began()` and `cancelled()` do not cross the border, so there is no `Tied` here.
"""

from __future__ import annotations

import inspect
import pickle
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Executor, Future
from typing import Any, TypeVar

from spectest.patterns.accounts import Account
from spectest.patterns.branches import Branch
from spectest.patterns.clients import closing_of
from spectest.patterns.decisions import Decision, Ranked
from spectest.patterns.freezing import freeze
from spectest.patterns.invocations import LOGGER, Answer, Terms
from spectest.patterns.limiting import Limiter
from spectest.patterns.policies import EagerRace, Policy, Tied
from spectest.patterns.pools import InPool, check_executor, settled
from spectest.patterns.run_ids import RunId
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
    """Run branches on a process pool and return the valid answer that the decision picks.

    Arguments, answer and errors are those of `patterns.threads.speculate`. What a branch is made of
    must be picklable, or it is a TypeError before anything is launched. If a worker dies, the pool
    breaks, and the branches that it ran fail with `BrokenProcessPool`.
    """
    check_executor(executor)
    if isinstance(policy, Tied):
        raise ValueError(  # noqa: TRY004 - a policy, and of the right type
            f"{policy!r} needs branches that say began(), which a worker process cannot; "
            "use Hedge(delay), or patterns.threads"
        )
    terms = Terms(policy, run_id, decision, limiter, grace, sample)
    return _InProcesses[T](branches, inputs, terms, executor).run()


class _InProcesses(InPool[T]):
    def __init__(
        self, branches: Sequence[Branch[Any]], inputs: object, terms: Terms, executor: Executor
    ) -> None:
        super().__init__(branches, inputs, terms, executor)
        self._jobs = [_packed(one, inputs) for one in self.branches]

    def submitted(self, account: Account) -> Future[Any]:
        future = self.executor.submit(_work, self._jobs[account.index])
        if telling():
            tell_attempt(account, account.branch.name, self, elsewhere=True)
        return future

    def concluded(self, account: Account, future: Future[Any]) -> None:
        error: BaseException | None
        if future.cancelled():
            error = CancelledError()
        elif (error := future.exception()) is None:
            try:
                value, valid, account.stage, error = pickle.loads(future.result())  # noqa: S301
            except Exception as failed:  # noqa: BLE001 - what cannot be unpickled has failed
                error = failed
        elif type(error).__name__ == "BrokenProcessPool":
            error = _named(error, account.branch.name)
        if error is not None:
            self.end(account, error=error)
        else:
            self.end(account, value=value, valid=valid)


def _named(error: BaseException, branch: str) -> BaseException:
    """The pool gives one exception to all its futures; each branch gets its own."""
    return type(error)(f"a worker process died while branch {branch!r} was running or waiting")


def _packed(branch: Branch[Any], inputs: object) -> bytes:
    if inspect.iscoroutinefunction(branch.call):
        raise TypeError(
            f"branch {branch.name!r}: call is a coroutine function, and processes run plain ones"
        )
    for what in ("call", "valid", "client"):
        try:
            pickle.dumps(getattr(branch, what))
        except Exception as error:
            raise TypeError(
                f"branch {branch.name!r}: {what} cannot be pickled ({error}); "
                "pass a function that a module defines at its top"
            ) from error
    return pickle.dumps((branch, inputs))


# In a worker process.


def _work(job: bytes) -> bytes:
    """The answer or the exception, packed here: what cannot be packed must not break the pool."""
    branch, inputs = pickle.loads(job)  # noqa: S301 - packed by `_packed`
    try:
        with staging(branch.name, plain=True) as stage:
            value, valid = _called(branch, freeze(inputs, branch.name))
        return pickle.dumps((value, valid, stage, None))
    except Exception as error:  # noqa: BLE001 - the caller gets it
        return pickle.dumps((None, False, None, _portable(error)))


def _called(branch: Branch[Any], inputs: Any) -> tuple[Any, bool]:
    if branch.client is None:
        value = branch.call(inputs)
    else:
        client = branch.client()
        close = closing_of(client, branch.name, asynchronous=False)
        try:
            value = branch.call(inputs, client)
        finally:
            _close(branch, close)
    if inspect.isawaitable(value):
        if inspect.iscoroutine(value):
            value.close()
        raise TypeError(f"branch {branch.name!r} returned an awaitable; processes run plain code")
    return value, branch.valid is None or bool(branch.valid(value))


def _close(branch: Branch[Any], close: Callable[[], Any]) -> None:
    try:
        close()
    except Exception as error:  # noqa: BLE001 - the answer counts, whatever closing says
        said = f"{type(error).__name__}: {error}"
        LOGGER.warning("branch %r: closing its client failed: %s", branch.name, said)


def _portable(error: Exception) -> Exception:
    """An exception that survives the way, with its traceback as a note."""
    trace = "".join(traceback.format_exception(error)).rstrip()
    try:
        arrived = pickle.loads(pickle.dumps(error))  # noqa: S301 - its own bytes
        if type(arrived) is not type(error):
            raise TypeError(f"pickling made it a {type(arrived).__name__}")
    except Exception:  # noqa: BLE001 - an exception may refuse in any way
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.__cause__ = error.__context__ = None
    error.add_note(f"in the worker process:\n{trace}")
    return error
