"""Replay: a recorded list of answers, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from spectest.errors import UsageError
from spectest.strategies.base import Profile

__all__ = ["Replay"]


class Replay:
    """Answers `answers`, then 0.

    `strict`: an answer that does not fit the question, a question too many or too few is a
    `UsageError`; otherwise answers are cut to the last option and missing ones are 0.
    `sizes`: of each question of the latest execution, how many options it had.
    """

    name = "replay"
    exhausted = False

    def __init__(self, answers: Sequence[int] = (), *, strict: bool = False) -> None:
        self.answers = tuple(answers)
        self.strict = strict
        self.sizes: list[int] = []

    def begin(self, execution: int, profile: Profile) -> None:
        self.sizes = []

    def choose(self, n: int, label: str, chains: Sequence[int]) -> int:
        index = len(self.sizes)
        self.sizes.append(n)
        if index < len(self.answers):
            answer = self.answers[index]
            if 0 <= answer < n:
                return answer
            if self.strict:
                raise UsageError(
                    f"answer {index} of the recording is {answer}, but question {label!r} has {n} "
                    "options; the program is not the one that was recorded"
                )
            return min(max(answer, 0), n - 1)
        if self.strict:
            raise UsageError(
                f"question {label!r} of {n} options is one more than the {len(self.answers)} "
                "answers of the recording; the program is not the one that was recorded"
            )
        return 0

    def end(self, contested: int) -> None:
        if self.strict and len(self.sizes) < len(self.answers):
            raise UsageError(
                f"the program asked {len(self.sizes)} questions, the recording has "
                f"{len(self.answers)} answers; the program is not the one that was recorded"
            )
