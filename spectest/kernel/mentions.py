"""What settings mention by name, and whether the program ever came to it.

A name that nothing has is no error of one execution: a module may be imported later, and a job may
be submitted in unusual timings only. After a whole search it is worth a remark.
"""

from __future__ import annotations

__all__ = ["FIRED", "JOBS", "OFFERED", "TRUE", "Mentions"]

JOBS = "jobs"
"""Stands for a setting: the names of all jobs of pools that name some of theirs."""

FIRED, OFFERED = "fired", "offered"
"""Stand for a setting: the faults that may hit a call."""

TRUE = "true"
"""Stands for a setting: the points that the program asks for by `spectest.sometimes`."""


class Mentions:
    """The names that settings mention, of one execution or of many."""

    def __init__(self) -> None:
        self._met: dict[tuple[str, str], bool] = {}

    def mention(self, setting: str, name: str) -> None:
        """`setting` speaks of `name`."""
        self._met.setdefault((setting, name), False)

    def meet(self, setting: str, name: str) -> None:
        """The program came to it."""
        self._met[setting, name] = True

    def met(self, setting: str) -> tuple[str, ...]:
        """The names of `setting` that the program came to."""
        return self._names(setting, met=True)

    def unmet(self, setting: str) -> tuple[str, ...]:
        """Those that it never came to."""
        return self._names(setting, met=False)

    def answers(self, setting: str) -> dict[str, bool]:
        """The names of `setting`, and whether the program came to them."""
        return {name: met for (of, name), met in self._met.items() if of == setting}

    def add(self, others: Mentions) -> None:
        """Those of another execution, too."""
        for key, met in others._met.items():
            self._met[key] = met or self._met.get(key, False)

    def _names(self, setting: str, *, met: bool) -> tuple[str, ...]:
        return tuple(name for (of, name), was in self._met.items() if of == setting and was == met)
