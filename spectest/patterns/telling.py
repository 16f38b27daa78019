"""The steps of a speculation, told to whoever listens, through standard logging and nothing else.

Logger `spectest.patterns.steps`, level DEBUG, one entry a step. The message is for people; the
attribute `speculation` of the entry is a dictionary with `kind` and the objects that take part,
told apart by identity. Call these functions only if `telling()`: then silence costs one comparison.
"""

from __future__ import annotations

import asyncio
import logging

__all__ = [
    "STEPS",
    "ending_of",
    "tell_attempt",
    "tell_cancel",
    "tell_commit",
    "tell_decision",
    "tell_leave",
    "tell_outcome",
    "tell_record",
    "tell_speculation",
    "telling",
]

STEPS = logging.getLogger("spectest.patterns.steps")


def telling() -> bool:
    """Whether somebody listens."""
    return STEPS.isEnabledFor(logging.DEBUG)


def tell_speculation(speculation: object, detail: str) -> None:
    """A speculation begins; `detail` names its policy and its branches."""
    _tell(f"speculation: {detail}", kind="speculation", speculation=speculation, detail=detail)


def tell_attempt(
    attempt: object, branch: str, speculation: object | None, *, elsewhere: bool = False
) -> None:
    """A branch begins to run. Told where it runs, or, if that is `elsewhere`, by its caller."""
    step = {"kind": "attempt", "attempt": attempt, "branch": branch, "speculation": speculation}
    if elsewhere:
        step["elsewhere"] = True
    _tell(f"branch {branch!r} begins", **step)


def tell_outcome(
    attempt: object, branch: str, detail: str, *, value: object = None, speculation: object = None
) -> None:
    """An attempt has really ended, or there will be none; `detail` says how."""
    _tell(
        f"branch {branch!r}: {detail}",
        kind="outcome",
        attempt=attempt,
        branch=branch,
        detail=detail,
        value=value,
        speculation=speculation,
    )


def tell_decision(
    speculation: object, attempt: object | None, branch: str | None, value: object
) -> None:
    """The answer is known; `attempt` is the winner's, or None: there is none."""
    message = "no branch has a valid answer" if branch is None else f"branch {branch!r} wins"
    _tell(message, kind="decision", speculation=speculation, attempt=attempt, value=value)


def tell_cancel(attempt: object, branch: str) -> None:
    """An attempt is asked to go."""
    _tell(f"branch {branch!r} is asked to go", kind="cancel", attempt=attempt, branch=branch)


def tell_commit(speculation: object, attempt: object, name: str, effect: object) -> None:
    """A staged effect of the winner is about to be called; `effect` tells it from others."""
    step = {"speculation": speculation, "attempt": attempt, "detail": name, "effect": effect}
    _tell(f"commit: {name}", kind="commit", **step)


def tell_leave(speculation: object) -> None:
    """The caller goes on, with its answer or an error; losers may still be on their way."""
    _tell("the caller goes on", kind="leave", speculation=speculation)


def tell_record(speculation: object, record: dict[str, object]) -> None:
    """The record of an invocation, whether it is sampled or not."""
    _tell(f"record of {record['run_id']}", kind="record", speculation=speculation, record=record)


def ending_of(error: BaseException) -> str:
    """How an attempt ended that raised: "cancelled", or "raised ValueError: message"."""
    if isinstance(error, asyncio.CancelledError):
        return "cancelled"
    return f"raised {type(error).__name__}: {error}"


def _tell(message: str, **step: object) -> None:
    STEPS.debug("%s", message, extra={"speculation": step})
