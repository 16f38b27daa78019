"""What a branch may ask and say about itself while it runs.

Both functions know their branch by a context variable, so a branch calls them in its own task or
thread, or in a task that it started. Elsewhere, and in a worker process, they do nothing, so that
code which calls them can be used without speculation.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol

__all__ = ["SERVING", "Serving", "began", "cancelled"]


class Serving(Protocol):
    """The attempt that a branch is."""

    @property
    def name(self) -> str:
        """The name of the branch."""

    def began(self) -> None:
        """It is being served."""

    def cancelled(self) -> bool:
        """Whether it has been asked to go."""


SERVING: ContextVar[Serving | None] = ContextVar("spectest.patterns.serving", default=None)


def began() -> None:
    """Say that this branch is being served now; with the policy `Tied`, the others are cancelled.

    To be called when the request has left the queue in which it waited: a connection was acquired,
    the first token has arrived. Only the first branch to say so counts.
    """
    serving = SERVING.get()
    if serving is not None:
        serving.began()


def cancelled() -> bool:
    """Whether this branch has been asked to go: it lost, or its time is over.

    For branches in threads, which nobody can stop: check it between two steps of the work and
    return. A coroutine is told by `CancelledError` and need not ask.
    """
    serving = SERVING.get()
    return serving is not None and serving.cancelled()
