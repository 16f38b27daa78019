"""What became of one branch in one speculation."""

from __future__ import annotations

import asyncio
from concurrent.futures import CancelledError
from typing import Any

from spectest.patterns.branches import Branch
from spectest.patterns.failures import (
    BranchCancelled,
    BranchDropped,
    BranchNotLaunched,
    BranchTimeout,
    InvalidAnswer,
)
from spectest.patterns.racing import Ending
from spectest.patterns.staging import Stage
from spectest.patterns.telling import ending_of, tell_outcome

__all__ = ["Account"]


class Account:
    """One attempt. Times are seconds since the speculation began, None: it did not happen.

    `launched`; `ended`: it has an answer or an error; `asked`: it was asked to go; `because`: it
    "timed out" or was "cancelled", by this or by others; `noticed`: it knows; `gone`: nothing of it
    runs any more.
    """

    def __init__(self, branch: Branch[Any], index: int) -> None:
        self.branch = branch
        self.index = index
        self.launched: float | None = None
        self.ended: float | None = None
        self.asked: float | None = None
        self.gone: float | None = None
        self.because = ""
        self.noticed = False
        self.dropped = False
        self.permit = False
        self.value: Any = None
        self.error: BaseException | None = None
        self.raised = ""
        self.validity: bool | None = None
        self.stage: Stage | None = None
        self.client: Any = None

    def __repr__(self) -> str:
        return f"<attempt of branch {self.branch.name!r}: {self.outcome}>"

    @property
    def running(self) -> bool:
        """Whether it was launched and something of it still runs."""
        return self.launched is not None and self.gone is None

    @property
    def kept(self) -> Stage:
        """Its staged effects; whoever has an answer has them."""
        assert self.stage is not None
        return self.stage

    @property
    def latency(self) -> float | None:
        """Seconds from its launch to its end."""
        return None if self.launched is None or self.ended is None else self.ended - self.launched

    @property
    def outcome(self) -> str:
        """How it ended, as the record says it: without messages and answers."""
        if self.launched is None:
            return "dropped" if self.dropped else "not launched"
        if self.ended is None:
            return "running"
        if self.validity is not None:
            return "valid" if self.validity else "invalid"
        if self.because or not self.raised:
            return self.because
        return f"raised {self.raised}"

    def end(
        self,
        now: float,
        *,
        value: Any = None,
        valid: bool = False,
        error: BaseException | None = None,
    ) -> Ending:
        """It has an answer or an error.

        No answer is what comes after its time, or from a branch that saw that it was to go.
        """
        if error is not None:
            self.error, self.raised = error, type(error).__name__
        elif self.because != "timed out" and not self.noticed:
            self.value, self.validity = value, valid
        self.ended = now
        if error is not None:
            return "failed"
        return "valid" if self.validity else "invalid"

    def tell_end(self, speculation: object) -> None:
        """Tell who listens how it ended."""
        detail = self.outcome
        if detail.startswith("raised ") and self.error is not None:
            detail = ending_of(self.error)
        tell_outcome(self, self.branch.name, detail, value=self.value, speculation=speculation)

    def told(self, now: float) -> str:
        """How it ended and when, in words: "raised ValueError after 31.000 ms"."""
        outcome = self.because or self.outcome
        if self.launched is None:
            return {"dropped": "was dropped"}.get(outcome, "was not launched")
        outcome = {"invalid": "returned an invalid answer", "cancelled": "was cancelled"}.get(
            outcome, outcome
        )
        end = next((at for at in (self.asked, self.ended) if at is not None), now)
        return f"{outcome} after {(end - self.launched) * 1000:.3f} ms"

    def failure(self, now: float) -> Exception:
        """The exception that stands for it when all have failed, with a note that says when."""
        error = self._failure()
        error.add_note(f"branch {self.branch.name!r}: {self.told(now)}")
        return error

    def _failure(self) -> Exception:
        name = self.branch.name
        if self.launched is None:
            return BranchDropped(name) if self.dropped else BranchNotLaunched(name)
        if self.because == "timed out":
            return BranchTimeout(name, self.branch.timeout or 0.0)
        if self.because or isinstance(self.error, asyncio.CancelledError | CancelledError):
            return BranchCancelled(name)
        if isinstance(self.error, Exception):
            return self.error
        if self.error is not None:
            failure = BranchCancelled(name)
            failure.__cause__ = self.error
            return failure
        return InvalidAnswer(name)
