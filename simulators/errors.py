"""What is refused before anything is simulated: one line, with field, value and remedy."""

from __future__ import annotations

__all__ = ["ScenarioError"]

_LONGEST_VALUE = 80


class ScenarioError(ValueError):
    """A scenario makes no sense, or a number in it does not.

    `field` is where it stands, such as `branches['llm'].failure`; `value` what stands there, `why`
    what is wrong with it, and `remedy` what to write instead. `str()` is one line.
    """

    def __init__(self, field: str, value: object, why: str, remedy: str) -> None:
        super().__init__(field, value, why, remedy)
        self.field = field
        self.value = value
        self.why = why
        self.remedy = remedy

    def __str__(self) -> str:
        shown = " ".join(repr(self.value).split())
        if len(shown) > _LONGEST_VALUE:
            shown = f"{shown[: _LONGEST_VALUE - 3]}..."
        return f"{self.field} is {shown}, which {self.why}; {self.remedy}"
