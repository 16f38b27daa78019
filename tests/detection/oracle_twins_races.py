"""A race that tells what it does, and its broken sisters: what they commit and what they record.

The first branch wins whenever it has an answer, so that nothing but what is broken depends on time.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from spectest.services import FakeService

__all__ = ["Race", "say"]

STEPS = logging.getLogger("spectest.patterns.steps")


def say(kind: str, **step: Any) -> None:
    """Tell a step as `spectest.patterns` does."""
    if STEPS.isEnabledFor(logging.DEBUG):
        STEPS.debug("%s", kind, extra={"speculation": {"kind": kind, **step}})


@dataclass(eq=False)
class Attempt:
    """Times are seconds since the race began, None: not yet."""

    branch: str
    ended: float | None = None
    outcome: str = "running"
    asked: float | None = None


class Race:
    """`llm` against `rules`; both answer the same, and write a row through `commit`."""

    def __init__(self, run_id: str = "worker/1") -> None:
        self.run_id = run_id
        self.attempts = [Attempt("llm"), Attempt("rules")]
        self.services = {
            "llm": FakeService("llm", latency=(0.020, 0.060), answer="yes"),
            "rules": FakeService("rules", latency=(0.030, 0.080), answer="yes"),
        }
        self.decided = 0.0
        self.committed = 0
        self.rows: list[str] = []

    def now(self) -> float:
        return asyncio.get_running_loop().time() - self.began

    async def run(self) -> str:
        self.began = asyncio.get_running_loop().time()
        say("speculation", speculation=self, detail="llm, rules")
        tasks = [asyncio.create_task(self.branch(it), name=it.branch) for it in self.attempts]
        answer = await tasks[0]
        self.decided = self.now()
        say("decision", speculation=self, attempt=self.attempts[0], value=answer)
        for task, attempt in zip(tasks, self.attempts, strict=True):
            if not task.done():
                attempt.asked = self.now()
                say("cancel", attempt=attempt)
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.commit(self.attempts[0])
        self.write_record()
        return answer

    async def branch(self, attempt: Attempt) -> str:
        say("attempt", attempt=attempt, branch=attempt.branch, speculation=self)
        try:
            answer: str = await self.services[attempt.branch]()
        except asyncio.CancelledError:
            self.end(attempt, "cancelled")
            raise
        self.end(attempt, "valid", value=answer)
        return answer

    def end(self, attempt: Attempt, outcome: str, **value: str) -> None:
        attempt.ended, attempt.outcome = self.now(), outcome
        say("outcome", attempt=attempt, detail=outcome, **value)

    async def commit(self, attempt: Attempt) -> None:
        self.write(attempt)

    def write(self, attempt: Attempt) -> None:
        say("commit", speculation=self, attempt=attempt, detail="insert_row")
        self.rows.append(attempt.branch)
        self.committed += 1

    # The record.

    def write_record(self) -> None:
        say("record", speculation=self, record=self.record())

    def record(self) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "branch_names": [it.branch for it in self.attempts],
            "branch_launched_after_ms": [0.0, 0.0],
            "branch_latencies_ms": [ms(it.ended) for it in self.attempts],
            "branch_validities": [self.validity(it) for it in self.attempts],
            "branch_outcomes": [it.outcome for it in self.attempts],
            "winning_branch_index": self.winner(),
            "decided_after_ms": ms(self.decided),
            "limiter": None,
            "cancellations": [
                {"branch_index": index, "asked_after_ms": ms(it.asked), "gone_after_ms": None}
                for index, it in enumerate(self.attempts)
                if it.asked is not None
            ],
            "committed": self.committed,
        }

    def validity(self, attempt: Attempt) -> bool | None:
        return True if attempt.outcome == "valid" else None

    def winner(self) -> int:
        return 0


def ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)


# What the sisters do wrong.


class FirstToEndIsRecorded(Race):
    """The race is decided by rank, and the record names who was first."""

    def winner(self) -> int:
        ended = [it.ended or 0.0 for it in self.attempts]
        return ended.index(min(ended))


class LatenciesInOrderOfCompletion(Race):
    """Each latency is right, and at the place of another branch."""

    def record(self) -> dict[str, Any]:
        record = super().record()
        record["branch_latencies_ms"].sort()
        return record


class LoserIsRecordedAsCancelled(Race):
    """A loser that had an answer before anybody cancelled it."""

    def record(self) -> dict[str, Any]:
        outcomes = ["valid", "cancelled"]
        return super().record() | {"branch_outcomes": outcomes}


class NoRecordWithoutCancellation(Race):
    """The record is written where losers are cancelled, and sometimes nobody has to be."""

    def write_record(self) -> None:
        if any(it.asked is not None for it in self.attempts):
            super().write_record()


class RecordAlsoByTheLoser(Race):
    """The caller writes it; and once more, if the loser has an answer to be proud of."""

    async def run(self) -> str:
        answer = await super().run()
        if self.attempts[1].outcome == "valid":
            self.write_record()
        return answer


class CommitsInTheBranch(Race):
    """Who is sure to win writes at once, before it is decided: the other one has answered."""

    def end(self, attempt: Attempt, outcome: str, **value: str) -> None:
        super().end(attempt, outcome, **value)
        if attempt.branch == "llm" and self.attempts[1].outcome == "valid":
            self.write(attempt)

    async def commit(self, attempt: Attempt) -> None:
        if not self.rows:
            self.write(attempt)


class CommitsForWhoeverHasAnAnswer(Race):
    """A loser that was fast enough is committed, too."""

    async def commit(self, attempt: Attempt) -> None:
        for one in self.attempts:
            if one.outcome == "valid":
                self.write(one)


class CommitsAgainAfterATimeout(Race):
    """The commit takes long, is given up and made once more; the row was written at once."""

    async def commit(self, attempt: Attempt) -> None:
        database = FakeService("database", latency=(0.010, 0.090))
        for _ in range(2):
            say("commit", speculation=self, attempt=attempt, detail="insert_row", effect=self)
            self.rows.append(attempt.branch)
            try:
                async with asyncio.timeout(0.070):
                    await database()
                break
            except TimeoutError:
                continue
        self.committed = 1


class CommitsAgainUntilItIsDone(CommitsAgainAfterATimeout):
    """Its healthy sister waits for the one commit however long it takes."""

    async def commit(self, attempt: Attempt) -> None:
        database = FakeService("database", latency=(0.010, 0.090))
        say("commit", speculation=self, attempt=attempt, detail="insert_row", effect=self)
        self.rows.append(attempt.branch)
        await database()
        self.committed = 1
