"""One call of `speculate`, from its inputs to its record: what all three forms have in common.

A form knows how to launch and cancel a branch and how to wait. Everything else is here: inputs are
hashed and frozen before anything is launched, the race is asked after each event, what happened to
each branch is written down, and the record and the error are made of that.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from spectest.patterns.accounts import Account
from spectest.patterns.branches import Branch, checked
from spectest.patterns.decisions import Decision
from spectest.patterns.failures import AllBranchesFailed
from spectest.patterns.freezing import freeze
from spectest.patterns.limiting import Limiter
from spectest.patterns.policies import Policy
from spectest.patterns.racing import Action, Cancel, Decide, Ending, GiveUp, Launch, Race
from spectest.patterns.records import Cancellation, LimiterUse, Record, write_record
from spectest.patterns.run_ids import RunId
from spectest.patterns.seeds import hashed, ranking, seed_of
from spectest.patterns.staging import Effect
from spectest.patterns.telling import (
    tell_cancel,
    tell_commit,
    tell_decision,
    tell_leave,
    tell_outcome,
    tell_record,
    tell_speculation,
    telling,
)

__all__ = ["LOGGER", "Answer", "Invocation", "Terms"]

LOGGER = logging.getLogger("spectest.patterns")
T = TypeVar("T")


@dataclass(frozen=True)
class Answer(Generic[T]):
    """The winner's answer: the value, the branch by name and index, and what made it the winner."""

    value: T
    branch: str
    index: int
    run_id: str
    seed: int


@dataclass(frozen=True)
class Terms:
    """How to speculate; checked. `grace` is in seconds, `sample` a share of the invocations."""

    policy: Policy
    run_id: RunId | str
    decision: Decision
    limiter: Limiter | None
    grace: float
    sample: float

    def __post_init__(self) -> None:
        for name, methods in _METHODS.items():
            value = getattr(self, name)
            if isinstance(value, type) or not all(hasattr(value, one) for one in methods):
                raise TypeError(f"{name} is {value!r}; pass an object such as {_EXAMPLES[name]}")
        if not (str(self.run_id) and isinstance(self.run_id, RunId | str)):
            raise TypeError(
                f"run_id is {self.run_id!r}; pass RunIds(directory).next(), or the request's ID"
            )
        if self.limiter is not None and not isinstance(self.limiter, Limiter):
            raise TypeError(f"limiter is {self.limiter!r}; pass a Limiter that calls share")
        if not (math.isfinite(self.grace) and self.grace >= 0):
            raise ValueError(f"grace is {self.grace!r}; it is seconds, 0 or more")
        if not 0 <= self.sample <= 1:
            raise ValueError(f"sample is {self.sample!r}; it is a share, from 0 to 1")


_METHODS = {
    "policy": ("ranking_of", "launches", "cancels", "wakes"),
    "decision": ("winner", "wakes"),
}
_EXAMPLES = {"policy": "Hedge(0.05)", "decision": "Ranked()"}


class Invocation(Generic[T]):
    """What is known of one speculation. Forms add `launch`, `cancel` and the waiting."""

    def __init__(self, branches: Sequence[Branch[Any]], inputs: object, terms: Terms) -> None:
        self.branches = checked(branches)
        self.terms = terms
        self.input_hash, self.digest = hashed(inputs, terms.run_id)
        self.seed = seed_of(self.digest)
        self.ranking = terms.policy.ranking_of(ranking(self.digest, len(self.branches)))
        self.race = Race(
            terms.policy,
            terms.decision,
            ranking=self.ranking,
            seed=self.seed,
            timeouts=[one.timeout for one in self.branches],
        )
        self._frozen = freeze(inputs, self.branches[self.ranking[0]].name)
        self.accounts = [Account(one, index) for index, one in enumerate(self.branches)]
        self.winner: Account | None = None
        self.decided: float | None = None
        self.committed = 0
        self._events: deque[tuple[Account, Ending | None, float]] = deque()

    def now(self) -> float:
        """Seconds since the speculation began."""
        raise NotImplementedError

    def launch(self, account: Account) -> None:
        """Run the branch; what this raises is what the branch failed with."""
        raise NotImplementedError

    def cancel(self, account: Account) -> None:
        """Ask the branch to go."""
        raise NotImplementedError

    def begin(self) -> None:
        """Launch what the policy launches first."""
        if telling():
            names = ", ".join(one.name for one in self.branches)
            tell_speculation(self, f"{self.terms.policy!r} of {names}")
        self.proceed()

    def happened(self, account: Account, ending: Ending | None) -> None:
        """An attempt ended, or (None) says that it is being served. Callable from any thread."""
        self._events.append((account, ending, self.now()))

    def proceed(self, *, rang: bool = False) -> None:
        """Tell the race what happened, and do what it says."""
        with self.standing_still():
            self._learn()
            now = self.now()
            actions = deque(self._next(now, rang=rang))
        while actions:
            actions.extend(self._perform(actions.popleft(), now))

    def standing_still(self) -> AbstractContextManager[object]:
        """While the block lasts no attempt ends, and all that have ended have been told."""
        return nullcontext()

    def _learn(self) -> None:
        while self._events:
            account, ending, at = self._events.popleft()
            if ending is None:
                self.race.began(account.index, at)
            else:
                self.race.ended(account.index, ending, at)

    def _next(self, now: float, *, rang: bool = False) -> list[Action]:
        """What the race says. Who is late is so from now on, even if it ends before it is told."""
        actions = self.race.actions(now, rang=rang)
        for action in actions:
            if isinstance(action, Cancel) and self.accounts[action.index].ended is None:
                self.accounts[action.index].because = action.because
        return actions

    def inputs_of(self, account: Account) -> Any:
        """The inputs as they were when the speculation began, frozen for this branch."""
        if account.index == self.ranking[0]:
            return self._frozen
        return freeze(self._frozen, account.branch.name)

    def abandon(self) -> None:
        """Ask every branch to go: the caller does not want the answer any more."""
        self.race.over = True
        self._drop_stages()
        for account in self.accounts:
            if account.running and account.ended is None and account.asked is None:
                self._ask_to_go(account, "cancelled")

    def answer(self, winner: Account) -> Answer[T]:
        """What the caller gets."""
        run_id = str(self.terms.run_id)
        return Answer(winner.value, winner.branch.name, winner.index, run_id, self.seed)

    def all_failed(self) -> AllBranchesFailed:
        """What is raised when there is no winner."""
        now = self.now()
        errors = [account.failure(now) for account in self.accounts]
        told = ", ".join(f"{one.branch.name!r} {one.told(now)}" for one in self.accounts)
        return AllBranchesFailed(f"no branch has a valid answer: {told}", errors)

    def committing(self, winner: Account, effect: Effect) -> None:
        """A staged effect of the winner is about to be called."""
        self.committed += 1
        if telling():
            tell_commit(self, winner, effect.name, effect)

    def left(self, account: Account) -> None:
        """An attempt has really ended: its permit goes back."""
        account.gone = self.now()
        if self.terms.limiter is not None and account.permit:
            account.permit = False
            self.terms.limiter.release()

    def closing_failed(self, account: Account, error: BaseException) -> None:
        """Warn of a client that could not be closed. The answer counts nevertheless."""
        LOGGER.warning(
            "run %s: branch %r: closing its client failed: %s: %s",
            self.terms.run_id,
            account.branch.name,
            type(error).__name__,
            error,
        )

    def tell_leave(self) -> None:
        """The caller goes on."""
        if telling():
            tell_leave(self)

    def close(self) -> None:
        """Write the record, and name those who did not go. Once, at the very end."""
        try:
            self._write()
        finally:
            for account in self.accounts:
                account.error = None  # its traceback refers to this: no cycle is left

    def _write(self) -> None:
        for account in self.accounts:
            if account.running and account.asked is not None:
                LOGGER.warning(
                    "run %s: branch %r was asked to go and was still running %.3f s later",
                    self.terms.run_id,
                    account.branch.name,
                    self.now() - account.asked,
                )
        if not (telling() or LOGGER.isEnabledFor(logging.INFO)):
            return
        record = self.record()
        if telling():
            for account in self.accounts:
                if account.launched is None and not account.dropped:
                    tell_outcome(account, account.branch.name, "not launched", speculation=self)
            tell_record(self, record.to_json())
        write_record(record, self.digest, self.terms.sample)

    def record(self) -> Record:
        """What happened so far."""
        limiter, asked = self.terms.limiter, [one for one in self.accounts if one.asked is not None]
        dropped = tuple(one.index for one in self.accounts if one.dropped)
        return Record(
            run_id=str(self.terms.run_id),
            input_hash=self.input_hash,
            policy=repr(self.terms.policy),
            decision=repr(self.terms.decision),
            branch_names=tuple(one.name for one in self.branches),
            ranking=self.ranking,
            branch_launched_after_ms=tuple(_ms(one.launched) for one in self.accounts),
            branch_latencies_ms=tuple(_ms(one.latency) for one in self.accounts),
            branch_validities=tuple(one.validity for one in self.accounts),
            branch_outcomes=tuple(one.outcome for one in self.accounts),
            winning_branch_index=None if self.winner is None else self.winner.index,
            deterministic_tie_breaker_seed=f"{self.seed:016x}",
            decided_after_ms=_ms(self.decided),
            limiter=None if limiter is None else LimiterUse(limiter.capacity, dropped),
            cancellations=tuple(
                Cancellation(one.index, _ms(one.asked) or 0.0, _ms(one.gone))
                for one in sorted(asked, key=lambda one: (one.asked or 0.0, one.index))
            ),
            committed=self.committed,
        )

    def _perform(self, action: Action, now: float) -> list[Action]:
        match action:
            case Launch(index, speculative):
                return self._launch(self.accounts[index], now, speculative=speculative)
            case Cancel(index, because):
                self._ask_to_go(self.accounts[index], because)
            case Decide(index):
                self.winner, self.decided = self.accounts[index], now
                self._drop_stages()
                if telling():
                    tell_decision(self, self.winner, self.winner.branch.name, self.winner.value)
            case GiveUp():
                self.decided = now
                if telling():
                    tell_decision(self, None, None, None)
        return []

    def _launch(self, account: Account, now: float, *, speculative: bool) -> list[Action]:
        if (limiter := self.terms.limiter) is not None:
            if not limiter.acquire(speculative=speculative):
                account.dropped = True
                if telling():
                    tell_outcome(account, account.branch.name, "dropped", speculation=self)
                self.race.dropped(account.index, now)
                return self._next(now)
            account.permit = True
        account.launched = now
        try:
            self.launch(account)
        except Exception as error:  # noqa: BLE001 - the pool or the loop refused it: it failed
            account.end(now, error=error)
            self.left(account)
            self.race.ended(account.index, "failed", now)
            return self._next(now)
        return []

    def _drop_stages(self) -> None:
        for account in self.accounts:
            if account is not self.winner and account.stage is not None:
                account.stage.drop()

    def _ask_to_go(self, account: Account, because: str) -> None:
        if account.gone is not None:
            return
        with self.standing_still():
            account.asked = self.now()
            if account.ended is None:
                account.because = because
        if telling():
            tell_cancel(account, account.branch.name)
        self.cancel(account)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(max(seconds, 0.0) * 1000, 3)


class ServedAttempt:
    """What a running branch can say and ask; a `Serving`."""

    def __init__(self, invocation: Invocation[Any], account: Account) -> None:
        self.name = account.branch.name
        self._invocation = invocation
        self._account = account

    def began(self) -> None:
        self._invocation.happened(self._account, None)

    def cancelled(self) -> bool:
        self._account.noticed = self._account.asked is not None
        return self._account.noticed
