"""Which branches of a request are slow together, asked branch by branch.

Each dependence answers `draw(draws, request, branch, latency, attempt=1)`: how many seconds this
attempt of this branch takes. The answer depends on nothing else, so branches may start in any
order, late, or never. Independence is an assumption like any other; it has a name here.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Protocol, cast

from spectest.errors import UsageError
from spectest.latency import checks
from spectest.latency.base import LAST, Latency
from spectest.latency.draws import Draws
from spectest.latency.measured import Empirical
from spectest.latency.simple import as_latency

__all__ = ["CommonShock", "Dependence", "GaussianCopula", "Independent", "PairedRows"]

_ALL = ""
"""The branch of draws that all branches of a request share."""
_NORMAL = NormalDist()


class Dependence(Protocol):
    """How the branches of one request depend on each other."""

    def draw(
        self, draws: Draws, request: int, branch: str, latency: Latency, attempt: int = 1
    ) -> float:
        """The seconds that this attempt takes."""
        ...


@dataclass(frozen=True, slots=True)
class Independent:
    """No branch says anything about another."""

    def draw(
        self, draws: Draws, request: int, branch: str, latency: Latency, attempt: int = 1
    ) -> float:
        """The seconds that this attempt takes."""
        return latency.quantile(draws.uniform(request, branch, attempt))


@dataclass(frozen=True, slots=True)
class CommonShock:
    """With this `probability` a request meets a shock, which all its branches and attempts feel.

    A shock multiplies every latency by `factor`, 1 or more, or adds one draw of `extra` to all of
    them. Latencies without a shock are independent; those with one are no longer distributed as
    declared.
    """

    probability: float
    factor: float | None = None
    extra: Latency | float | None = None

    def __post_init__(self) -> None:
        probability = checks.probability("CommonShock", "probability", self.probability)
        if (self.factor is None) == (self.extra is None):
            raise UsageError("CommonShock: use either factor=3.0 or extra=0.2, and not both")
        factor, extra = self.factor, self.extra
        if factor is not None:
            factor = checks.positive("CommonShock", "factor", factor, example="3.0")
            if factor < 1:
                raise checks.refusal("CommonShock", "factor", factor, "is below 1; use 1 or more")
        else:
            extra = as_latency(extra, "CommonShock: extra")
        checks.fix(self, probability=probability, factor=factor, extra=extra)

    def draw(
        self, draws: Draws, request: int, branch: str, latency: Latency, attempt: int = 1
    ) -> float:
        """The seconds that this attempt takes."""
        usual = latency.quantile(draws.uniform(request, branch, attempt))
        if draws.uniform(request, _ALL, kind="shock") >= self.probability:
            return usual
        if self.factor is not None:
            return usual * self.factor
        extra = cast("Latency", self.extra)
        return usual + extra.quantile(draws.uniform(request, _ALL, kind="shock extra"))


@dataclass(frozen=True, slots=True)
class GaussianCopula:
    """One factor: z = sqrt(r) * Z of the request + sqrt(1 - r) * Z of the branch and attempt.

    `correlation` is r, that of the normal scores of any two branches, from 0 (independent, the very
    same draws as `Independent`) to 1 (one uniform number for all). Each latency keeps its
    distribution. Source: Li, "On default correlation: a copula function approach", 2000.
    """

    correlation: float

    def __post_init__(self) -> None:
        correlation = checks.probability("GaussianCopula", "correlation", self.correlation)
        checks.fix(self, correlation=correlation)

    def draw(
        self, draws: Draws, request: int, branch: str, latency: Latency, attempt: int = 1
    ) -> float:
        """The seconds that this attempt takes."""
        return latency.quantile(self._uniform(draws, request, branch, attempt))

    def _uniform(self, draws: Draws, request: int, branch: str, attempt: int) -> float:
        shared = draws.uniform(request, _ALL, kind="copula")
        own = draws.uniform(request, branch, attempt)
        if self.correlation in {0.0, 1.0}:
            return shared if self.correlation else own
        z = math.sqrt(self.correlation) * _NORMAL.inv_cdf(shared)
        z += math.sqrt(1 - self.correlation) * _NORMAL.inv_cdf(own)
        return min(max(math.erfc(-z / math.sqrt(2)) / 2, 1 - LAST), LAST)


@dataclass(frozen=True, slots=True, repr=False)
class PairedRows:
    """Rows of a trace, each a mapping {branch: seconds}: one request, all its branches.

    A request takes one of the rows, equally likely, for all its branches; its second attempts share
    another row, and so on. The latency that `draw` is given plays no part: the rows are measured.
    """

    rows: Sequence[Mapping[str, float]]

    def __post_init__(self) -> None:
        given: Any = self.rows
        if isinstance(given, str | Mapping) or not isinstance(given, Sequence) or not given:
            why = "is no list of rows; use [{'cache': 0.002, 'model': 0.140}, ...]"
            raise checks.refusal("PairedRows", "rows", given, why)
        rows = tuple(_row(number, row) for number, row in enumerate(given))
        branches = [branch for branch, _ in rows[0]]
        for number, row in enumerate(rows):
            if [branch for branch, _ in row] != branches:
                why = f"has not the branches of rows[0]; use {', '.join(branches)} in all"
                raise checks.refusal("PairedRows", f"rows[{number}]", given[number], why)
        checks.fix(self, rows=rows)

    @classmethod
    def from_csv(
        cls,
        path: str | os.PathLike[str],
        columns: Sequence[str] | Mapping[str, str],
        unit: str = "s",
    ) -> PairedRows:
        """Columns of a CSV file with a header: their names, or a mapping {branch: column}."""
        from spectest.latency.readers import csv_rows

        names = dict(columns) if isinstance(columns, Mapping) else {name: name for name in columns}
        if isinstance(columns, str) or not names:
            why = "is no list of columns; use ['cache', 'model']"
            raise checks.refusal("PairedRows.from_csv", "columns", columns, why)
        rows = csv_rows(path, list(names.values()), unit)
        return cls([dict(zip(names, row, strict=True)) for row in rows])

    def __repr__(self) -> str:
        return f"PairedRows({[dict(row) for row in self._rows]!r})"

    def draw(
        self, draws: Draws, request: int, branch: str, latency: Latency, attempt: int = 1
    ) -> float:
        """The seconds that this attempt takes; `UsageError` for a branch that no row has."""
        chosen = draws.uniform(request, _ALL, attempt, kind="row")
        return dict(self._rows[int(chosen * len(self._rows))])[self._known(branch)]

    def latency(self, branch: str) -> Empirical:
        """The distribution of one branch by itself."""
        return Empirical([dict(row)[self._known(branch)] for row in self._rows])

    @property
    def _rows(self) -> tuple[tuple[tuple[str, float], ...], ...]:
        return cast("tuple[tuple[tuple[str, float], ...], ...]", self.rows)

    def _known(self, branch: str) -> str:
        branches = [name for name, _ in self._rows[0]]
        if branch not in branches:
            why = f"is not in the rows; use one of {', '.join(branches)}"
            raise checks.refusal("PairedRows", "branch", branch, why)
        return branch


def _row(number: int, row: Any) -> tuple[tuple[str, float], ...]:
    if not isinstance(row, Mapping) or not row:
        why = "is no mapping; use {branch: seconds}"
        raise checks.refusal("PairedRows", f"rows[{number}]", row, why)
    owner = f"PairedRows: rows[{number}]"
    return tuple(sorted((branch, checks.seconds(owner, branch, row[branch])) for branch in row))
