"""What a caller gets when no branch has a valid answer: who did what, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = [
    "AllBranchesFailed",
    "BranchCancelled",
    "BranchDropped",
    "BranchFailure",
    "BranchNotLaunched",
    "BranchTimeout",
    "InvalidAnswer",
]


class BranchFailure(Exception):
    """A branch without a valid answer that raised no exception of its own; `branch` is its name."""

    def __init__(self, branch: str) -> None:
        super().__init__(branch)
        self.branch = branch

    def __str__(self) -> str:
        return f"branch {self.branch!r} {self.what()}"

    def what(self) -> str:
        """What became of it."""
        return "failed"


class InvalidAnswer(BranchFailure):
    """Its answer was not what `valid` accepts. The answer itself is not told."""

    def what(self) -> str:
        return "returned an invalid answer"


class BranchTimeout(BranchFailure):
    """It had no answer `seconds` after its launch."""

    def __init__(self, branch: str, seconds: float) -> None:
        super().__init__(branch)
        self.args = (branch, seconds)
        self.seconds = seconds

    def what(self) -> str:
        return f"had no answer after {self.seconds:g} s, its timeout"


class BranchDropped(BranchFailure):
    """The limiter had no permit for it."""

    def what(self) -> str:
        return "was dropped: the limiter's capacity was in use"


class BranchCancelled(BranchFailure):
    """It was cancelled: for another branch, by somebody else, or by itself."""

    def what(self) -> str:
        return "was cancelled"


class BranchNotLaunched(BranchFailure):
    """The policy did not launch it."""

    def what(self) -> str:
        return "was not launched"


class AllBranchesFailed(ExceptionGroup[Exception]):
    """No branch has a valid answer. There is one exception for each branch, in their order.

    What a branch raised is there as it is; other endings are a `BranchFailure`. Each has a note
    that says when, such as "branch 'llm': raised ValueError after 31.000 ms".
    """

    def derive(self, excs: Sequence[Any], /) -> Any:
        """A part of the group, for `except*`, says the same as the whole."""
        return AllBranchesFailed(self.message, excs)
