"""What one rule says, with its evidence: a number, its interval, its line, and a sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from simulators.estimators import Estimate

__all__ = ["Finding", "Result", "needed", "percent", "percents", "seconds", "side", "unsure"]

Result: TypeAlias = Literal["for", "against", "open", "note", "not applicable"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What the rule `name` says about speculation, `result`, and the `sentence` that explains it.

    `value`: what the rule is about, with its interval; None where there is no number. `line`: on
    which side of it the whole interval has to be. `needed`: if `result` is "open", how many
    requests in all would decide it if what was found stays the same; None if that cannot be told.
    `decides`: whether the answer depends on it.
    """

    name: str
    result: Result
    sentence: str
    value: Estimate | None = None
    line: float | None = None
    needed: int | None = None
    decides: bool = True

    def to_data(self) -> dict[str, Any]:
        """What JSON can say; numbers that it has not are None."""
        return {
            "name": self.name,
            "result": self.result,
            "decides": self.decides,
            "sentence": self.sentence,
            "value": None if self.value is None else _estimate(self.value),
            "line": self.line,
            "needed": self.needed,
        }


def side(*, favourable: bool, adverse: bool) -> Result:
    """What a rule says whose interval is on the one side of its line, on the other, or on both."""
    return "for" if favourable else "against" if adverse else "open"


def needed(value: Estimate, line: float, n: int) -> int | None:
    """How many requests instead of `n` free the line from the interval: its half towards the line
    shrinks with the root of their number. None if there is no interval, or the value is the line.
    """
    if value.low is None or value.high is None or value.value == line:
        return None
    end = value.low if value.value > line else value.high
    growth = ((value.value - end) / (value.value - line)) ** 2
    return max(math.ceil(n * growth), n) + 1


def percent(part: float) -> str:
    """Such as "15 %"."""
    return f"{100 * part:.3g} %"


def percents(value: Estimate) -> str:
    """A share with its interval, such as "15 % (14 to 16 %)"."""
    if value.low is None or value.high is None:
        return f"{percent(value.value)} (no interval)"
    if value.low == value.high:
        return percent(value.value)
    return f"{percent(value.value)} ({100 * value.low:.3g} to {100 * value.high:.3g} %)"


def seconds(duration: float) -> str:
    """Such as "1.5 s"."""
    return f"{duration:.4g} s"


def unsure(value: Estimate) -> str:
    """Why there is no interval, as the end of a sentence; or nothing."""
    return "" if value.refused is None else f"; no interval: {value.refused}"


def _estimate(value: Estimate) -> dict[str, Any]:
    return {
        "value": value.value if math.isfinite(value.value) else None,
        "low": value.low,
        "high": value.high,
        "level": value.level,
        "n": value.n,
        "effective": value.effective,
        "method": value.method,
        "refused": value.refused,
    }
