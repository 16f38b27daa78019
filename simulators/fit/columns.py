"""Which column of a table says what, and what a row says by that.

A row is a request with all its branches, or one attempt of one branch. Which of the two follows
from how branches are named: `branches=` says which there are, and other columns are then patterns
such as "{branch}_ms"; `branch=` is the column that has the name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulators import checks
from simulators.errors import ScenarioError
from simulators.fit.lines import RowError, instant, per_second, seconds
from simulators.fit.outcomes import flag, of_word, remedy_of, words_from
from simulators.results import INVALID, NOT_LAUNCHED, VALID

__all__ = ["Columns", "columns_of", "sources_of"]

_PLACE = "{branch}"
_Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns by their meaning; `branches` maps names to what stands for "{branch}".

    `name` is that of the file and `get` how a row is asked for a column. What a row says and cannot
    be meant is a `RowError`, unless they are `dropping` such rows: that is for the reader.
    """

    name: str
    get: Callable[[_Row, str], Any]
    scale: float
    branches: Mapping[str, str]
    branch: str | None
    latency: str
    outcome: str | None
    valid: str | None
    launched: str | None
    request: str | None
    start: str | None
    start_scale: float | None
    words: Mapping[str, int]
    where: Mapping[str, Any]
    dropping: bool

    def used(self) -> list[str]:
        """All columns that are read."""
        alone = [self.branch, self.request, self.start, *self.where]
        patterns = [self.latency, self.outcome, self.valid, self.launched]
        places = [_PLACE] if self.branch is not None else self.branches.values()
        found = [one.replace(_PLACE, place) for one in patterns if one for place in places]
        return list(dict.fromkeys([*(one for one in alone if one is not None), *found]))

    def outside(self, row: _Row) -> str | None:
        """Why a row is not among those that `where` asks for; None if it is."""
        for column, wanted in self.where.items():
            value = self.get(row, column)
            if isinstance(wanted, list | tuple):
                low, high = wanted
                number = seconds(value, 1.0)
                if number is None or not low <= number <= high:
                    return f"{column} is not from {low} to {high}"
            elif str(value) != str(wanted):
                return f"{column} is not {wanted}"
        return None

    def cell(self, row: _Row, column: str, line: int) -> Any:
        """What identifies a request or a branch."""
        value = self.get(row, column)
        if value is None or value == "" or isinstance(value, list | dict):
            raise RowError(self.name, line, column, value, "names nothing")
        return value

    def began(self, row: _Row, line: int) -> float:
        """When it began, in seconds since 1970; NaN if there is no such column."""
        if self.start is None:
            return math.nan
        value = self.get(row, self.start)
        found = instant(value, self.start_scale)
        if found is None:
            how = "in ISO 8601" if self.start_scale is None else "in its start_unit"
            raise RowError(self.name, line, self.start, value, f"is no moment {how}")
        return found

    def attempt(self, row: _Row, place: str, line: int) -> tuple[int, float, float]:
        """Outcome, seconds, and how long after its request it was launched; NaN where unknown."""
        took = self._duration(row, self.latency, place, line)
        outcome = self._outcome(row, place, line, ended=not math.isnan(took))
        column, judged = self._value(row, self.valid, place)
        if judged is not None:
            said = flag(judged)
            if said is None:
                raise RowError(self.name, line, column, judged, "is neither true nor false")
            outcome = said if outcome == VALID else outcome
        if outcome in (VALID, INVALID) and math.isnan(took):
            column, _ = self._value(row, self.latency, place)
            raise RowError(self.name, line, column, None, "is missing where there was an answer")
        return outcome, took, self._duration(row, self.launched, place, line)

    def _outcome(self, row: _Row, place: str, line: int, *, ended: bool) -> int:
        column, word = self._value(row, self.outcome, place)
        if not column or (word is None and not ended):
            return VALID if ended else NOT_LAUNCHED
        if word is None:
            raise RowError(self.name, line, column, word, "is missing where there is a time")
        outcome = of_word(word, self.words)
        if outcome is None:
            raise RowError(self.name, line, column, word, "means no outcome", remedy_of(word))
        return outcome

    def _duration(self, row: _Row, pattern: str | None, place: str, line: int) -> float:
        column, value = self._value(row, pattern, place)
        number = math.nan if value is None else seconds(value, self.scale)
        if number is None:
            why = "is no duration, 0 or more and finite"
            raise RowError(self.name, line, column, value, why)
        return number

    def _value(self, row: _Row, pattern: str | None, place: str) -> tuple[str, Any]:
        """The column of a branch, empty if there is none, and what it says, None for nothing."""
        if pattern is None:
            return "", None
        column = pattern.replace(_PLACE, place)
        value = self.get(row, column)
        return column, None if value == "" else value


def sources_of(branches: Any) -> dict[str, str]:
    """Names of branches, and what stands for them in the log; both are the same in a list."""
    if branches is None:
        return {}
    items = branches if isinstance(branches, Mapping) else None
    if items is None and isinstance(branches, Sequence) and not isinstance(branches, str):
        items = {name: name for name in branches}
    if not items or not all(isinstance(one, str) for pair in items.items() for one in pair):
        remedy = "use ['llm', 'rules'], or {'llm': 'what the log calls it'}"
        raise ScenarioError("branches", branches, "names no branches", remedy)
    return dict(items)


def columns_of(
    name: str,
    get: Callable[[_Row, str], Any],
    *,
    unit: str | None = None,
    branches: Sequence[str] | Mapping[str, str] | None = None,
    branch: str | None = None,
    latency: str | None = None,
    outcome: str | None = None,
    valid: str | None = None,
    launched: str | None = None,
    request: str | None = None,
    start: str | None = None,
    start_unit: str = "iso",
    words: Mapping[str, str] | None = None,
    where: Mapping[str, Any] | None = None,
    malformed: str = "refused",
) -> Columns:
    """The columns of a file, from what the caller says of them."""
    if branches is None and branch is None:
        remedy = "use branches=['llm', 'rules'], or branch='the column that has their names'"
        raise ScenarioError("branches", None, "leaves open what the columns are", remedy)
    if branch is not None and request is None:
        remedy = "use request='the column that all attempts of a request share'"
        raise ScenarioError("request", None, "leaves open which attempts belong together", remedy)
    if branch is not None and launched is not None:
        remedy = "use start='the moment at which the attempt was launched'"
        raise ScenarioError("launched", launched, "is of requests, a row for each", remedy)
    checks.one_of("malformed", malformed, ("refused", "dropped"))
    for column, wanted in (where or {}).items():
        if isinstance(wanted, list | tuple):
            if len(wanted) != 2:
                remedy = "use one value, or (from, to)"
                raise ScenarioError(f"where[{column!r}]", wanted, "is no range", remedy)
            for limit in wanted:
                checks.amount(f"where[{column!r}]", limit)
    return Columns(
        name,
        get,
        scale=per_second(unit),
        branches=sources_of(branches),
        branch=branch,
        latency=latency or (_PLACE if branch is None else "latency"),
        outcome=outcome,
        valid=valid,
        launched=launched,
        request=request,
        start=start,
        start_scale=None if start_unit == "iso" else per_second(start_unit, "start_unit"),
        words=words_from(words),
        where=where or {},
        dropping=malformed == "dropped",
    )
